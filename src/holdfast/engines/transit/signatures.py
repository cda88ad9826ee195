"""Signing, and verifying what was signed, with one version of a key.

RSA signs by PSS or PKCS#1 v1.5 (RFC 8017), ECDSA as FIPS 186-5 has it, Ed25519 as RFC 8032 has it. An ECDSA
signature is written in ASN.1, or as JWS has it (RFC 7518, 3.4): r and s side by side in URL-safe base64.
"""

from enum import StrEnum
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    NoDigestInfo,
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)

from holdfast.engines.transit.derivation import derive
from holdfast.engines.transit.digests import NO_HASH, hash_algorithm
from holdfast.engines.transit.key_types import Family
from holdfast.engines.transit.material import PublicKey, private_key, public_key
from holdfast.engines.transit.records import Key, KeyVersion
from holdfast.errors import InternalError, InvalidInputError

SALT_AS_LONG_AS_POSSIBLE = 0
SALT_LIKE_HASH = -1
_SEED_BYTES = 32
_BY_DIGEST_BYTES = {
    algorithm.digest_size: algorithm
    for algorithm in (hashes.SHA1(), hashes.SHA224(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512())  # noqa: S303
}


class Marshaling(StrEnum):
    """How an ECDSA signature is written, and in which base64 any signature is."""

    ASN1 = "asn1"
    JWS = "jws"


class Scheme(StrEnum):
    """How an RSA signature is padded."""

    PSS = "pss"
    PKCS1V15 = "pkcs1v15"


class SigningOptions(msgspec.Struct, frozen=True):
    """What a caller may choose.

    Attributes:
        hash_name: the hash of the input, or ``none``; for RSA and ECDSA.
        scheme: for RSA.
        marshaling: for ECDSA.
        salt_bytes: for PSS; the two constants above stand for the longest one, and the length of the hash.
        prehashed: whether the input is a hash already.
    """

    hash_name: str
    scheme: Scheme = Scheme.PSS
    marshaling: Marshaling = Marshaling.ASN1
    salt_bytes: int = SALT_AS_LONG_AS_POSSIBLE
    prehashed: bool = False

    def check(self) -> None:
        """Check what goes together.

        Raises:
            InvalidInputError: there is no such hash, or it cannot be had like this.
        """
        if self.hash_name != NO_HASH:
            hash_algorithm(self.hash_name)
        elif not self.prehashed or self.scheme is not Scheme.PKCS1V15:
            raise InvalidInputError(
                "hash_algorithm=none requires both prehashed=true and signature_algorithm=pkcs1v15"
            )


def check_signs(key: Key, *, what: str) -> None:
    """Refuse a key that signs nothing.

    Args:
        key: the key.
        what: what it cannot: ``signing`` or ``verification``.

    Raises:
        InvalidInputError: it is of such a type.
    """
    if not key.type.signs:
        raise InvalidInputError(f"key type {key.type_name} does not support {what}")


def signing_version(key: Key, wanted: int) -> int:
    """Return the number of the version to sign with; 0 stands for the newest.

    Raises:
        InvalidInputError: the key has no such version, or does not allow it.
    """
    if wanted > key.latest_version:
        raise InvalidInputError("requested version for signing is higher than the latest key version")
    if wanted and wanted < key.min_encryption_version:
        raise InvalidInputError(
            "requested version for signing is less than the minimum encryption key version"
        )
    return wanted or key.latest_version


def sign(
    key: Key, version: KeyVersion, data: bytes, options: SigningOptions, *, context: bytes = b""
) -> bytes:
    """Return the signature of ``data``.

    Raises:
        InvalidInputError: the key needs a context, or cannot sign such data like this.
    """
    if key.type.family is Family.ED25519:
        return _ed25519(key, version, context).sign(data)
    private = private_key(key.type, version.material.secret)
    if isinstance(private, ec.EllipticCurvePrivateKey):
        signature = private.sign(data, ec.ECDSA(_ecdsa_hash(data, options)))
        return signature if options.marshaling is Marshaling.ASN1 else _to_jws(key, signature)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise InternalError("a stored key is of another type than its name says")
    try:
        if options.hash_name == NO_HASH:
            return private.sign(data, padding.PKCS1v15(), NoDigestInfo())
        return private.sign(data, *_rsa_scheme(key, options, signs=True))
    except (ValueError, UnsupportedAlgorithm):
        raise _not_signable(options) from None


def verify(
    key: Key,
    version: KeyVersion,
    data: bytes,
    signature: bytes,
    options: SigningOptions,
    *,
    context: bytes = b"",
) -> bool:
    """Return whether this is a signature of ``data``.

    It is an answer to somebody who asked; nothing in the store depends on it.

    Raises:
        InvalidInputError: the key needs a context, or there can be no such signature.
    """
    if key.type.family is Family.ED25519 and key.derived:
        public: PublicKey = _ed25519(key, version, context).public_key()
    else:
        public = public_key(key.type, version.material.public)
    try:
        if isinstance(public, ed25519.Ed25519PublicKey):
            public.verify(signature, data)
        elif isinstance(public, ec.EllipticCurvePublicKey):
            asn1 = signature if options.marshaling is Marshaling.ASN1 else _from_jws(key, signature)
            public.verify(asn1, data, ec.ECDSA(_ecdsa_hash(data, options)))
        elif options.hash_name == NO_HASH:
            return public.recover_data_from_signature(signature, padding.PKCS1v15(), None) == data
        else:
            public.verify(signature, data, *_rsa_scheme(key, options, signs=False))
    except InvalidSignature:
        return False
    except (ValueError, UnsupportedAlgorithm):
        raise _not_signable(options) from None
    return True


def derived_public_key(key: Key, version: KeyVersion, context: bytes) -> bytes:
    """Return the 32 bytes of the public key that a derived Ed25519 key has in one context.

    Raises:
        InvalidInputError: there is no context.
    """
    return _ed25519(key, version, context).public_key().public_bytes_raw()


def _ed25519(key: Key, version: KeyVersion, context: bytes) -> ed25519.Ed25519PrivateKey:
    secret = version.material.secret
    if key.derived:
        secret = derive(secret, context, _SEED_BYTES)
    return ed25519.Ed25519PrivateKey.from_private_bytes(secret)


def _ecdsa_hash(data: bytes, options: SigningOptions) -> hashes.HashAlgorithm | Prehashed:
    if not options.prehashed:
        return hash_algorithm(options.hash_name)
    # A signature says nothing about the hash, so that only its length counts.
    algorithm = _BY_DIGEST_BYTES.get(len(data))
    if algorithm is None:
        raise InvalidInputError(f"input: expected a hash of {_lengths()} bytes, because prehashed is set")
    return Prehashed(algorithm)


def _lengths() -> str:
    return ", ".join(str(size) for size in _BY_DIGEST_BYTES)


def _rsa_scheme(
    key: Key, options: SigningOptions, *, signs: bool
) -> tuple[padding.AsymmetricPadding, hashes.HashAlgorithm | Prehashed]:
    plain = hash_algorithm(options.hash_name)
    algorithm = Prehashed(plain) if options.prehashed else plain
    if options.scheme is Scheme.PKCS1V15:
        return padding.PKCS1v15(), algorithm
    return padding.PSS(
        mgf=padding.MGF1(plain), salt_length=_salt(key, plain, options, signs=signs)
    ), algorithm


def _salt(key: Key, algorithm: hashes.HashAlgorithm, options: SigningOptions, *, signs: bool) -> Any:
    if options.salt_bytes == SALT_AS_LONG_AS_POSSIBLE:
        return padding.PSS.MAX_LENGTH if signs else padding.PSS.AUTO
    if options.salt_bytes == SALT_LIKE_HASH:
        return padding.PSS.DIGEST_LENGTH
    longest = (key.type.bits - 1 + 7) // 8 - algorithm.digest_size - 2  # RFC 8017, 9.1.1
    if options.salt_bytes > longest:
        raise InvalidInputError(f"salt_length: expected at most {longest} bytes for this key and hash")
    return options.salt_bytes


def _not_signable(options: SigningOptions) -> InvalidInputError:
    if options.prehashed:
        return InvalidInputError(
            "input: expected a hash of the length that hash_algorithm has, because prehashed is set"
        )
    return InvalidInputError("hash_algorithm: this hash is not offered for signatures with this key")


def _to_jws(key: Key, signature: bytes) -> bytes:
    size = (key.type.bits + 7) // 8
    r, s = decode_dss_signature(signature)
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def _from_jws(key: Key, signature: bytes) -> bytes:
    size = (key.type.bits + 7) // 8
    if len(signature) != 2 * size:
        raise InvalidSignature
    return encode_dss_signature(
        int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    )
