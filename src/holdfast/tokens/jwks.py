"""Key sets as providers publish them: JSON Web Keys, in a set (RFC 7517 section 5).

A set may hold keys of kinds and for purposes that are not used here; they are passed over, as the standard
asks. A key that says which algorithm it is for (``alg``) verifies nothing else. Never taken from a set are
shared secrets: whoever can read a published set could sign with them.
"""

import binascii
from base64 import urlsafe_b64decode
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from holdfast.errors import InvalidInputError
from holdfast.tokens.ec_key import EcVerifyingKey
from holdfast.tokens.ed_key import EdVerifyingKey
from holdfast.tokens.keys import Algorithm, VerifyingKey
from holdfast.tokens.rsa_key import PKCS1, PSS, RsaVerifyingKey

MAX_KEYS = 64
MAX_SET_BYTES = 256 * 1024
_MAX_NUMBER_TEXT = 2048

_CURVES: dict[str, type[ec.EllipticCurve]] = {
    "P-256": ec.SECP256R1,
    "P-384": ec.SECP384R1,
    "P-521": ec.SECP521R1,
}


def read_key_set(document: bytes) -> tuple[VerifyingKey, ...]:
    """Return the usable keys of a published set.

    Raises:
        InvalidInputError: not a key set, or none of its keys is of use.
    """
    try:
        keys = msgspec.json.decode(document)["keys"] if len(document) <= MAX_SET_BYTES else None
    except (msgspec.DecodeError, KeyError, TypeError, RecursionError):
        keys = None
    if not isinstance(keys, list) or len(keys) > MAX_KEYS:
        raise InvalidInputError(f"key set: expected an object with a list of at most {MAX_KEYS} keys")
    usable = [key for each in keys if isinstance(each, dict) and (key := _read_key(each)) is not None]
    if not usable:
        raise InvalidInputError("key set: expected at least one RSA, EC or Ed25519 key for signatures")
    return tuple(usable)


def _read_key(key: dict[str, Any]) -> VerifyingKey | None:
    """Return one key, or ``None`` for a key that is of no use here."""
    operations = key.get("key_ops")
    if key.get("use", "sig") != "sig" or (isinstance(operations, list) and "verify" not in operations):
        return None
    key_id = key.get("kid", "")
    if not isinstance(key_id, str):
        return None
    try:
        parsed = _parse(key, key_id)
    except (InvalidInputError, ValueError, KeyError, TypeError):
        return None  # too weak, off the curve, or malformed: as good as absent
    return parsed if parsed is not None and parsed.algorithms else None


def _parse(key: dict[str, Any], key_id: str) -> VerifyingKey | None:
    algorithms = frozenset({key["alg"]} if "alg" in key else Algorithm)
    if key.get("kty") == "RSA":
        numbers = rsa.RSAPublicNumbers(_number(key, "e"), _number(key, "n"))
        allowed = (PKCS1 | PSS) & algorithms
        return RsaVerifyingKey(numbers.public_key(), key_id=key_id, algorithms=allowed)
    parsed: VerifyingKey | None = None
    if key.get("kty") == "EC":
        curve = _CURVES[key["crv"]]()
        point = ec.EllipticCurvePublicNumbers(_number(key, "x"), _number(key, "y"), curve)
        parsed = EcVerifyingKey(point.public_key(), key_id=key_id)
    if key.get("kty") == "OKP" and key.get("crv") == "Ed25519":
        parsed = EdVerifyingKey(ed25519.Ed25519PublicKey.from_public_bytes(_bytes(key, "x")), key_id=key_id)
    return parsed if parsed is not None and parsed.algorithms <= algorithms else None


def _number(key: dict[str, Any], name: str) -> int:
    return int.from_bytes(_bytes(key, name), "big")


def _bytes(key: dict[str, Any], name: str) -> bytes:
    text = key[name]
    if not isinstance(text, str) or len(text) > _MAX_NUMBER_TEXT:
        raise ValueError(name)
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise ValueError(name) from None
