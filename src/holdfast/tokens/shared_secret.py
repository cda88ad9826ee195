"""Keys for HS256, HS384 and HS512: one secret that both signs and verifies.

Whoever can verify with such a key can also mint. The length of the secret bounds what it is good for: an
HMAC key must be at least as long as the hash output (RFC 7518 section 3.2), so 32 bytes verify HS256 only
and 64 bytes verify all three.
"""

import hashlib
import hmac
import secrets

from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.tokens.errors import BadSignatureError
from holdfast.tokens.keys import Algorithm, check_key_id

_HASHES = {Algorithm.HS256: "sha256", Algorithm.HS384: "sha384", Algorithm.HS512: "sha512"}
_OUTPUT_BYTES = {Algorithm.HS256: 32, Algorithm.HS384: 48, Algorithm.HS512: 64}

# What OpenStorage's reference server falls back to when nobody sets a key: known to the whole world.
_PUBLIC_DEFAULTS = frozenset({b"non-secure-secret"})


class SharedSecretKey:
    """A shared secret for the HMAC algorithms.

    Args:
        secret: the secret, byte for byte as it was configured; text is taken as UTF-8 by the caller.
        key_id: the ``kid`` of this key; empty for none.
        allow_short_shared_secret: accept a secret shorter than the hash output, as older installations
            made them. Such a secret can be guessed from any one token.

    Raises:
        InvalidInputError: the secret is too short, a PEM key, or a published default.
    """

    __slots__ = ("_secret", "algorithms", "fingerprint", "key_id", "signing_algorithm")

    def __init__(
        self, secret: SecretBytes, *, key_id: str = "", allow_short_shared_secret: bool = False
    ) -> None:
        plain = secret.reveal()
        if not plain or plain in _PUBLIC_DEFAULTS:
            raise InvalidInputError("shared secret: expected a secret of your own; generate a random one")
        if plain.lstrip().startswith(b"-----BEGIN"):
            # Somebody's *public* key as the HMAC secret is the classic confusion attack, self-inflicted.
            raise InvalidInputError(
                "shared secret: expected a random secret, not a PEM key; name it as a key file"
            )
        algorithms = frozenset(
            algorithm
            for algorithm, output_bytes in _OUTPUT_BYTES.items()
            if allow_short_shared_secret or len(plain) >= output_bytes
        )
        if not algorithms:
            raise InvalidInputError(
                f"shared secret: expected at least {_OUTPUT_BYTES[Algorithm.HS256]} bytes (RFC 7518, 3.2)"
            )
        self._secret = secret
        self.key_id = check_key_id(key_id)
        self.algorithms = algorithms
        self.signing_algorithm = Algorithm.HS256
        self.fingerprint = hashlib.sha256(plain).digest()

    def sign(self, message: bytes) -> bytes:
        """Return the HMAC-SHA256 of ``message``."""
        return self._mac(self.signing_algorithm, message)

    def verify(self, algorithm: Algorithm, message: bytes, signature: bytes) -> None:
        """Return if ``signature`` is the HMAC of ``message``; compared in constant time.

        Raises:
            BadSignatureError: it is not, or the secret is not good for ``algorithm``.
        """
        if algorithm not in self.algorithms:
            raise BadSignatureError
        if not hmac.compare_digest(self._mac(algorithm, message), signature):
            raise BadSignatureError

    def _mac(self, algorithm: Algorithm, message: bytes) -> bytes:
        return hmac.digest(self._secret.view(), message, _HASHES[algorithm])


def new_shared_secret() -> SecretBytes:
    """Return a random secret of 384 bits, as 64 printable characters that fit a file or a variable."""
    return SecretBytes(secrets.token_urlsafe(48).encode())
