"""The secret itself of one version of a key: making it, and reading what was stored.

What is stored is raw bytes for secret keys, the 32-byte seed for Ed25519 (RFC 8032), PKCS#8 in DER (RFC 5958)
for RSA and ECDSA, and beside it the public key as SubjectPublicKeyInfo in DER (RFC 5280).
"""

import os

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from holdfast.engines.transit.key_types import (
    LEAST_HMAC_KEY_BYTES,
    MOST_HMAC_KEY_BYTES,
    Family,
    KeyType,
)
from holdfast.errors import InternalError, InvalidInputError

HMAC_KEY_BYTES = 32
_PUBLIC_EXPONENT = 65537
_CURVES: dict[int, type[ec.EllipticCurve]] = {256: ec.SECP256R1, 384: ec.SECP384R1, 521: ec.SECP521R1}

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class Material(msgspec.Struct, frozen=True, array_like=True):
    """What one version of a key is made of.

    Attributes:
        secret: the key, or the private key; see the module text.
        public: the public key, empty without one.
        hmac_key: the key of this version's HMACs, which is a key of its own.
    """

    secret: bytes
    public: bytes
    hmac_key: bytes

    def __repr__(self) -> str:
        return "Material(...)"


def is_slow(key_type: KeyType) -> bool:
    """Whether making a key of this type takes long enough to be noticed by others."""
    return key_type.family is Family.RSA


def generate(key_type: KeyType, *, key_bytes: int = 0) -> Material:
    """Make a new key.

    Args:
        key_type: of which type.
        key_bytes: the size of an HMAC key; 0 for the type's.

    Raises:
        InvalidInputError: a size was given that the type cannot have.
    """
    hmac_key = os.urandom(HMAC_KEY_BYTES)
    if key_type.family is Family.RSA:
        return _pair(rsa.generate_private_key(_PUBLIC_EXPONENT, key_type.bits), hmac_key)
    if key_type.family is Family.ECDSA:
        return _pair(ec.generate_private_key(_CURVES[key_type.bits]()), hmac_key)
    if key_type.family is Family.ED25519:
        return _pair(ed25519.Ed25519PrivateKey.generate(), hmac_key)
    if key_type.family is Family.HMAC:
        secret = os.urandom(key_bytes or key_type.bits // 8)
        return Material(secret, b"", secret)
    return Material(os.urandom(key_type.bits // 8), b"", hmac_key)


def check_key_bytes(key_type: KeyType, key_bytes: int) -> None:
    """Check the size that a caller wants a key to have; 0 is the type's own.

    Raises:
        InvalidInputError: the type has one size, or not this one.
    """
    if key_bytes and key_type.family is not Family.HMAC:
        raise InvalidInputError(f"key_size is not valid for algorithm {key_type.name}")
    if key_bytes and not LEAST_HMAC_KEY_BYTES <= key_bytes <= MOST_HMAC_KEY_BYTES:
        raise InvalidInputError(
            f"key_size: expected {LEAST_HMAC_KEY_BYTES} to {MOST_HMAC_KEY_BYTES} bytes for an HMAC key"
        )


def private_key(key_type: KeyType, secret: bytes) -> PrivateKey:
    """Return a stored private key in a form that can be used."""
    if key_type.family is Family.ED25519:
        return ed25519.Ed25519PrivateKey.from_private_bytes(secret)
    # Checking an RSA key anew costs a third of a second; what is stored was made or checked here.
    key = serialization.load_der_private_key(secret, password=None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise InternalError("a stored key is of another type than its name says")
    return key


def public_key(key_type: KeyType, public: bytes) -> PublicKey:
    """Return a stored public key in a form that can be used."""
    key = serialization.load_der_public_key(public)
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey):
        raise InternalError(f"a stored key of type {key_type.name} has a public key of another type")
    return key


def check(key_type: KeyType, material: Material) -> None:
    """Check material that was not made here: that it is of its type, and that its two halves belong together.

    Raises:
        InvalidInputError: it is not, or they do not.
    """
    try:
        sound = _is_sound(key_type, material)
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature, InternalError):
        sound = False
    if not sound or len(material.hmac_key) < HMAC_KEY_BYTES:
        raise InvalidInputError(f"backup: expected whole keys of type {key_type.name}")


def _is_sound(key_type: KeyType, material: Material) -> bool:
    if key_type.family is Family.HMAC:
        return (
            LEAST_HMAC_KEY_BYTES <= len(material.secret) <= MOST_HMAC_KEY_BYTES
            and material.secret == material.hmac_key
        )
    if not key_type.is_asymmetric:
        return len(material.secret) == key_type.bits // 8 and not material.public
    key, public = private_key(key_type, material.secret), public_key(key_type, material.public)
    sample = b"do the halves belong together?"
    if isinstance(key, rsa.RSAPrivateKey) and isinstance(public, rsa.RSAPublicKey):
        public.verify(key.sign(sample, padding.PKCS1v15(), _SHA256), sample, padding.PKCS1v15(), _SHA256)
        return key.key_size == public.key_size == key_type.bits
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(public, ec.EllipticCurvePublicKey):
        public.verify(key.sign(sample, ec.ECDSA(_SHA256)), sample, ec.ECDSA(_SHA256))
        return key.key_size == public.key_size == key_type.bits
    if isinstance(key, ed25519.Ed25519PrivateKey) and isinstance(public, ed25519.Ed25519PublicKey):
        public.verify(key.sign(sample), sample)
        return True
    return False


_SHA256 = hashes.SHA256()


def _pair(key: PrivateKey, hmac_key: bytes) -> Material:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        secret = key.private_bytes_raw()
    else:
        secret = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return Material(
        secret, key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), hmac_key
    )
