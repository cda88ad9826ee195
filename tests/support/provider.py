"""A token provider: signs tokens, publishes its keys, rotates them."""

from base64 import urlsafe_b64encode
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from tests.support.https_service import HttpsService

from holdfast.tokens.compact import write_compact
from holdfast.tokens.ec_key import EcSigningKey
from holdfast.tokens.rsa_key import RsaSigningKey

JWKS = "/keys"


@cache
def rsa_key(key_id: str) -> RsaSigningKey:
    """Return the same key for the same id; making one takes time."""
    return RsaSigningKey.generate(key_id=key_id)


def as_jwk(key: RsaSigningKey | EcSigningKey) -> dict[str, Any]:
    """Return the public half as a provider publishes it."""
    numbers: Any = load_pem_public_key(key.verifying_key().pem()).public_numbers()  # type: ignore[union-attr]
    common = {"kid": key.key_id, "use": "sig", "alg": key.signing_algorithm.value}
    if isinstance(key, RsaSigningKey):
        return {"kty": "RSA", "n": _b64(numbers.n), "e": _b64(numbers.e), **common}
    return {"kty": "EC", "crv": "P-256", "x": _b64(numbers.x, 32), "y": _b64(numbers.y, 32), **common}


def _b64(number: int, width: int = 0) -> str:
    size = width or (number.bit_length() + 7) // 8
    return urlsafe_b64encode(number.to_bytes(size, "big")).rstrip(b"=").decode()


class Provider:
    """Signs with its newest key and publishes all that it still trusts.

    Args:
        service: what it publishes on.
    """

    def __init__(self, service: HttpsService, *, key_id: str = "k1") -> None:
        self.service = service
        self.keys: list[RsaSigningKey | EcSigningKey] = [rsa_key(key_id)]
        self.publish()

    def publish(self) -> None:
        url = self.service.url
        self.service.pages[JWKS] = {"keys": [as_jwk(key) for key in self.keys]}
        self.service.pages["/.well-known/openid-configuration"] = {"issuer": url, "jwks_uri": url + JWKS}

    def rotate(self, key_id: str, *, keep_old: bool = True) -> None:
        self.keys = [rsa_key(key_id), *(self.keys if keep_old else [])]
        self.publish()

    def sign(self, claims: dict[str, Any], *, key: RsaSigningKey | EcSigningKey | None = None) -> str:
        return write_compact(claims, key or self.keys[0])
