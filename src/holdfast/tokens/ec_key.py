"""Keys for ES256, ES384 and ES512: ECDSA with the one curve that each algorithm names (RFC 7518 section 3.4).

A signature is ``r || s``, both of the fixed width of the curve, and not the DER form that libraries use.
"""

from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.tokens.errors import BadSignatureError
from holdfast.tokens.keys import Algorithm, check_key_id
from holdfast.tokens.public_form import fingerprint_of, pem_of
from holdfast.tokens.thumbprint import thumbprint


class _Curve(NamedTuple):
    algorithm: Algorithm
    ecdsa: ec.ECDSA
    coordinate_bytes: int


_CURVES = {
    "secp256r1": _Curve(Algorithm.ES256, ec.ECDSA(hashes.SHA256()), 32),
    "secp384r1": _Curve(Algorithm.ES384, ec.ECDSA(hashes.SHA384()), 48),
    "secp521r1": _Curve(Algorithm.ES512, ec.ECDSA(hashes.SHA512()), 66),
}


class EcVerifyingKey:
    """The public half of a key on P-256, P-384 or P-521; good for the algorithm of that curve alone.

    Raises:
        InvalidInputError: the key is on another curve.
    """

    __slots__ = ("_curve", "_key", "algorithms", "fingerprint", "key_id")

    def __init__(self, key: ec.EllipticCurvePublicKey, *, key_id: str = "") -> None:
        self._curve = _curve_of(key)
        self._key = key
        self.key_id = check_key_id(key_id)
        self.algorithms = frozenset({self._curve.algorithm})
        self.fingerprint = fingerprint_of(key)

    def verify(self, algorithm: Algorithm, message: bytes, signature: bytes) -> None:
        """Return if the private half signed ``message``.

        Raises:
            BadSignatureError: it did not, or ``algorithm`` belongs to another curve or family.
        """
        width = self._curve.coordinate_bytes
        if algorithm is not self._curve.algorithm or len(signature) != 2 * width:
            raise BadSignatureError
        r, s = int.from_bytes(signature[:width]), int.from_bytes(signature[width:])
        try:
            self._key.verify(encode_dss_signature(r, s), message, self._curve.ecdsa)
        except InvalidSignature:
            raise BadSignatureError from None

    def thumbprint(self) -> str:
        """Return the id that the key has by itself."""
        return thumbprint(self._key)

    def pem(self) -> bytes:
        """Return the key as SubjectPublicKeyInfo PEM, the form a verifier is configured with."""
        return pem_of(self._key)


class EcSigningKey:
    """The private half of a key on P-256, P-384 or P-521.

    Raises:
        InvalidInputError: the key is on another curve.
    """

    __slots__ = ("_curve", "_key", "key_id", "signing_algorithm")

    def __init__(self, key: ec.EllipticCurvePrivateKey, *, key_id: str = "") -> None:
        self._curve = _curve_of(key)
        self._key = key
        self.key_id = check_key_id(key_id)
        self.signing_algorithm = self._curve.algorithm

    @classmethod
    def generate(cls, *, key_id: str = "") -> "EcSigningKey":
        """Make a new key on P-256."""
        return cls(ec.generate_private_key(ec.SECP256R1()), key_id=key_id)

    def sign(self, message: bytes) -> bytes:
        """Return ``r || s`` over ``message``."""
        r, s = decode_dss_signature(self._key.sign(message, self._curve.ecdsa))
        width = self._curve.coordinate_bytes
        return r.to_bytes(width) + s.to_bytes(width)

    def verifying_key(self) -> EcVerifyingKey:
        """Return the public half, under the same key id."""
        return EcVerifyingKey(self._key.public_key(), key_id=self.key_id)

    def pem(self) -> SecretBytes:
        """Return the key as unencrypted PKCS#8 PEM."""
        return SecretBytes(
            self._key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )


def _curve_of(key: ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey) -> _Curve:
    try:
        return _CURVES[key.curve.name]
    except KeyError:
        raise InvalidInputError("EC key: expected a key on P-256, P-384 or P-521") from None
