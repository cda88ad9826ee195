"""Keys for EdDSA: Ed25519 (RFC 8037 section 3.1). Only verifying is done: no token of ours is signed so."""

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from holdfast.tokens.errors import BadSignatureError
from holdfast.tokens.keys import Algorithm, check_key_id

SIGNATURE_BYTES = 64


class EdVerifyingKey:
    """The public half of a key on Ed25519."""

    __slots__ = ("_key", "algorithms", "fingerprint", "key_id")

    def __init__(self, key: ed25519.Ed25519PublicKey, *, key_id: str = "") -> None:
        self._key = key
        self.key_id = check_key_id(key_id)
        self.algorithms = frozenset({Algorithm.EDDSA})
        self.fingerprint = hashlib.sha256(
            key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        ).digest()

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
        return self._key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
