"""Keys from PEM files: what an issuer is configured with, and what a token is signed with.

The text of the file decides the kind of key; a file never becomes a shared secret. Private keys must be
unencrypted: a passphrase would need a person at every start. Keys of the storage API are RSA and EC ones and
not for PSS; token providers have a wider choice.
"""

import re
from typing import cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from holdfast.errors import InvalidInputError, TooLargeError
from holdfast.tokens.ec_key import EcSigningKey, EcVerifyingKey
from holdfast.tokens.ed_key import EdVerifyingKey
from holdfast.tokens.keys import VerifyingKey
from holdfast.tokens.rsa_key import PKCS1, PSS, RsaSigningKey, RsaVerifyingKey

MAX_PEM_BYTES = 64 * 1024
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)

_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"


def load_verifying_key(pem: bytes, *, key_id: str = "") -> RsaVerifyingKey | EcVerifyingKey:
    """Read a public key: SubjectPublicKeyInfo, or an X.509 certificate that holds one.

    A certificate is only a wrapper here; its dates, names and issuer are not looked at.

    Raises:
        InvalidInputError: not such a PEM file, a private key, or a key too weak to trust.
        TooLargeError: the file is over 64 KiB.
    """
    key = _load(pem)
    if isinstance(key, rsa.RSAPublicKey):
        return RsaVerifyingKey(key, key_id=key_id)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return EcVerifyingKey(key, key_id=key_id)
    raise InvalidInputError("public key: expected an RSA or EC key")


def load_verifying_keys(pem: bytes) -> tuple[RsaVerifyingKey | EcVerifyingKey, ...]:
    """Read the public keys of a file that holds one or several, each under its thumbprint as key id.

    Of a file with certificates only the first counts: what follows is the chain of authorities that vouch
    for it, and these sign no tokens.

    Raises:
        InvalidInputError: something in it is not such a key, or is too weak to trust.
        TooLargeError: the file is over 64 KiB.
    """
    _check_size(pem)
    blocks = [pem]
    if _CERTIFICATE not in pem:
        blocks = [match[0] for match in _BLOCK.finditer(pem)]
        if not blocks or len(blocks) != pem.count(b"-----BEGIN "):  # or what is cut off would be left out
            raise InvalidInputError("public key: expected whole keys in PEM form")
    keys = [load_verifying_key(block) for block in blocks]
    return tuple(
        load_verifying_key(block, key_id=key.thumbprint()) for key, block in zip(keys, blocks, strict=True)
    )


def load_provider_key(pem: bytes) -> VerifyingKey:
    """Read a public key of a token provider: as ``load_verifying_key``, and for PSS and Ed25519, too.

    Raises:
        InvalidInputError: not such a PEM file, a private key, or a key too weak to trust.
        TooLargeError: the file is over 64 KiB.
    """
    key = _load(pem)
    if isinstance(key, rsa.RSAPublicKey):
        return RsaVerifyingKey(key, algorithms=PKCS1 | PSS)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return EcVerifyingKey(key)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return EdVerifyingKey(key)
    raise InvalidInputError("public key: expected an RSA, EC or Ed25519 key")


def load_signing_key(pem: bytes, *, key_id: str = "") -> RsaSigningKey | EcSigningKey:
    """Read an unencrypted private key in PKCS#1, SEC1 or PKCS#8 form.

    Raises:
        InvalidInputError: not such a PEM file, an encrypted one, or a key too weak to trust.
        TooLargeError: the file is over 64 KiB.
    """
    _check_size(pem)
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it is encrypted
        raise InvalidInputError(
            "private key: expected an unencrypted RSA or EC private key in PEM form"
        ) from None
    if isinstance(key, rsa.RSAPrivateKey):
        return RsaSigningKey(key, key_id=key_id)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return EcSigningKey(key, key_id=key_id)
    raise InvalidInputError("private key: expected an RSA or EC key")


def load_named_signing_key(pem: bytes, *, key_id: str = "") -> RsaSigningKey | EcSigningKey:
    """Read a private key as ``load_signing_key`` does; without an id it is named by its thumbprint.

    Raises:
        InvalidInputError: not such a PEM file, an encrypted one, or a key too weak to trust.
        TooLargeError: the file is over 64 KiB.
    """
    return load_signing_key(pem, key_id=key_id or load_signing_key(pem).verifying_key().thumbprint())


def _load(pem: bytes) -> CertificatePublicKeyTypes:
    _check_size(pem)
    try:
        if _CERTIFICATE in pem:
            return _key_of_certificate(pem)
        return cast("CertificatePublicKeyTypes", serialization.load_pem_public_key(pem))
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidInputError(
            "public key: expected an RSA or EC public key, or a certificate, in PEM form"
        ) from None


def _key_of_certificate(pem: bytes) -> CertificatePublicKeyTypes:
    from cryptography import x509  # noqa: PLC0415 - large, and few start-ups need it

    return x509.load_pem_x509_certificate(pem).public_key()


def _check_size(pem: bytes) -> None:
    if len(pem) > MAX_PEM_BYTES:
        raise TooLargeError(f"key file: expected at most {MAX_PEM_BYTES} bytes")
