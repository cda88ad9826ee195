"""Keys for EdDSA: Ed25519 (RFC 8037 section 3.1). Only verifying is done: no token of ours is signed so."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519

from holdfast.tokens.errors import BadSignatureError
from holdfast.tokens.keys import Algorithm, check_key_id
from holdfast.tokens.public_form import fingerprint_of, pem_of

SIGNATURE_BYTES = 64


class EdVerifyingKey:
    """The public half of a key on Ed25519."""

    __slots__ = ("_key", "algorithms", "fingerprint", "key_id")

    def __init__(self, key: ed25519.Ed25519PublicKey, *, key_id: str = "") -> None:
        self._key = key
        self.key_id = check_key_id(key_id)
        self.algorithms = frozenset({Algorithm.EDDSA})
        self.fingerprint = fingerprint_of(key)

    def verify(self, algorithm: Algorithm, message: bytes, signature: bytes) -> None:
        """Return if the private half signed ``message``.

        Raises:
            BadSignatureError: it did not, or ``algorithm`` is another one.
        """
        if algorithm is not Algorithm.EDDSA or len(signature) != SIGNATURE_BYTES:
            raise BadSignatureError
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            raise BadSignatureError from None

    def pem(self) -> bytes:
        """Return the key as SubjectPublicKeyInfo PEM, the form a verifier is configured with."""
        return pem_of(self._key)
