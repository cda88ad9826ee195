"""Keys for RS256, RS384 and RS512, and for PS256, PS384 and PS512 (RFC 7518 sections 3.3 and 3.5).

A key is for RSASSA-PKCS1-v1_5 alone unless it is made for RSASSA-PSS, too. Signing is done with the former.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.tokens.errors import BadSignatureError
from holdfast.tokens.keys import Algorithm, check_key_id
from holdfast.tokens.public_form import fingerprint_of, pem_of
from holdfast.tokens.thumbprint import thumbprint

MIN_BITS = 2048  # RFC 7518 section 3.3
MAX_BITS = 8192  # above it one verification costs milliseconds, and buys nothing
NEW_KEY_BITS = 3072  # 128 bits of strength (NIST SP 800-57 part 1, table 2)
PUBLIC_EXPONENT = 65_537

_HASHES: dict[Algorithm, hashes.HashAlgorithm] = {
    Algorithm.RS256: hashes.SHA256(),
    Algorithm.RS384: hashes.SHA384(),
    Algorithm.RS512: hashes.SHA512(),
    Algorithm.PS256: hashes.SHA256(),
    Algorithm.PS384: hashes.SHA384(),
    Algorithm.PS512: hashes.SHA512(),
}
PKCS1 = frozenset({Algorithm.RS256, Algorithm.RS384, Algorithm.RS512})
PSS = frozenset(_HASHES) - PKCS1
_PADDING = padding.PKCS1v15()


class RsaVerifyingKey:
    """The public half of an RSA key.

    Args:
        key: the key.
        key_id: the ``kid`` of this key; empty for none.
        algorithms: what it may verify, of ``PKCS1`` and ``PSS``.

    Raises:
        InvalidInputError: the modulus is too short to be safe, or too long to be of use.
    """

    __slots__ = ("_key", "algorithms", "fingerprint", "key_id")

    def __init__(
        self, key: rsa.RSAPublicKey, *, key_id: str = "", algorithms: frozenset[Algorithm] = PKCS1
    ) -> None:
        _check_strength(key)
        self._key = key
        self.key_id = check_key_id(key_id)
        self.algorithms = algorithms & frozenset(_HASHES)
        self.fingerprint = fingerprint_of(key)

    def verify(self, algorithm: Algorithm, message: bytes, signature: bytes) -> None:
        """Return if the private half signed ``message``.

        Raises:
            BadSignatureError: it did not, or the key is not for ``algorithm``.
        """
        if algorithm not in self.algorithms:
            raise BadSignatureError
        try:
            self._key.verify(signature, message, _padding(algorithm), _HASHES[algorithm])
        except InvalidSignature:
            raise BadSignatureError from None

    def thumbprint(self) -> str:
        """Return the id that the key has by itself."""
        return thumbprint(self._key)

    def pem(self) -> bytes:
        """Return the key as SubjectPublicKeyInfo PEM, the form a verifier is configured with."""
        return pem_of(self._key)


class RsaSigningKey:
    """The private half of an RSA key.

    Raises:
        InvalidInputError: the modulus is too short to be safe, or too long to be of use.
    """

    __slots__ = ("_key", "key_id", "signing_algorithm")

    def __init__(self, key: rsa.RSAPrivateKey, *, key_id: str = "") -> None:
        _check_strength(key.public_key())
        self._key = key
        self.key_id = check_key_id(key_id)
        self.signing_algorithm = Algorithm.RS256

    @classmethod
    def generate(cls, *, key_id: str = "") -> "RsaSigningKey":
        """Make a new key of 3072 bits."""
        return cls(rsa.generate_private_key(PUBLIC_EXPONENT, NEW_KEY_BITS), key_id=key_id)

    def sign(self, message: bytes) -> bytes:
        """Return the RS256 signature of ``message``."""
        return self._key.sign(message, _PADDING, _HASHES[self.signing_algorithm])

    def verifying_key(self) -> RsaVerifyingKey:
        """Return the public half, under the same key id."""
        return RsaVerifyingKey(self._key.public_key(), key_id=self.key_id)

    def pem(self) -> SecretBytes:
        """Return the key as unencrypted PKCS#8 PEM."""
        return SecretBytes(
            self._key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )


def _padding(algorithm: Algorithm) -> padding.AsymmetricPadding:
    if algorithm in PKCS1:
        return _PADDING
    # The salt is as long as the hash (RFC 7518 section 3.5); no other length is accepted.
    hashed = _HASHES[algorithm]
    return padding.PSS(mgf=padding.MGF1(hashed), salt_length=hashed.digest_size)


def _check_strength(key: rsa.RSAPublicKey) -> None:
    # An even exponent, or 1, does not get this far: the library refuses to read such a key.
    if not MIN_BITS <= key.key_size <= MAX_BITS:
        raise InvalidInputError(f"RSA key: expected a modulus of {MIN_BITS} to {MAX_BITS} bits")
