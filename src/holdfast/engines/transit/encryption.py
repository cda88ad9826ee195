"""Encrypting and decrypting with one version of a key.

With a secret key a message is

    nonce (12) | ciphertext (as long as the plaintext) | tag (16)

by AES-GCM (SP 800-38D) or ChaCha20-Poly1305 (RFC 8439); by RSA it is OAEP with SHA-256 (RFC 8017). The nonce
is drawn for every message and is never the caller's: one nonce used for two plaintexts gives both away.

*Convergent* keys give the same ciphertext for the same plaintext in the same context, so that it can be
looked up. Their nonce is an HMAC of the plaintext under a key of its own, which is version 3 of that scheme;
the earlier ones, with nonces from outside, are not offered. What is derived from the context is

    encryption key (16 or 32) | nonce key (32) | nonce key for plaintexts with associated data (32)

The last one is ours: if the nonce depended on the plaintext alone, it would authenticate one plaintext with
several associated data, which gives the key of the tags away. Nobody needs it to decrypt.
"""

import os
from hashlib import sha256
from hmac import digest

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from holdfast.engines.transit.derivation import derive
from holdfast.engines.transit.key_types import Family
from holdfast.engines.transit.material import private_key, public_key
from holdfast.engines.transit.records import Key, KeyVersion
from holdfast.errors import InternalError, InvalidInputError

NONCE_BYTES = 12
TAG_BYTES = 16
CONVERGENT_VERSION = 3
_NONCE_KEY_BYTES = 32
_OAEP = padding.OAEP(mgf=padding.MGF1(algorithm=hashes.SHA256()), algorithm=hashes.SHA256(), label=None)


def check_encrypts(key: Key) -> None:
    """Refuse a key that encrypts nothing.

    Raises:
        InvalidInputError: it is of such a type.
    """
    if not key.type.encrypts:
        raise InvalidInputError(f"message encryption not supported for key type {key.type_name}")


def check_decrypts(key: Key) -> None:
    """Refuse a key that decrypts nothing.

    Raises:
        InvalidInputError: it is of such a type.
    """
    if not key.type.encrypts:
        raise InvalidInputError(f"message decryption not supported for key type {key.type_name}")


def encryption_version(key: Key, wanted: int) -> int:
    """Return the number of the version to encrypt with; 0 stands for the newest.

    Raises:
        InvalidInputError: the key has no such version, or does not allow it.
    """
    if wanted > key.latest_version:
        raise InvalidInputError(
            "requested version for encryption is higher than the latest key version",
        )
    if wanted and wanted < key.min_encryption_version:
        raise InvalidInputError(
            "requested version for encryption is less than the minimum encryption key version"
        )
    return wanted or key.latest_version


def encrypt(
    key: Key, version: KeyVersion, plaintext: bytes, *, context: bytes = b"", associated_data: bytes = b""
) -> bytes:
    """Return ``plaintext`` encrypted.

    Raises:
        InvalidInputError: the key needs a context, or the plaintext is too long for it.
    """
    if key.type.family is Family.RSA:
        return _encrypt_rsa(key, version, plaintext)
    size = key.type.bits // 8
    if key.convergent:
        derived = derive(version.material.secret, context, size + 2 * _NONCE_KEY_BYTES)
        secret, nonce = derived[:size], _nonce_of(derived[size:], plaintext, associated_data)
    else:
        secret = _secret(key, version, context)
        nonce = os.urandom(NONCE_BYTES)
    return nonce + _cipher(key, secret).encrypt(nonce, plaintext, associated_data or None)


def decrypt(
    key: Key, version: KeyVersion, message: bytes, *, context: bytes = b"", associated_data: bytes = b""
) -> bytes:
    """Return what was encrypted.

    Raises:
        InvalidInputError: it was not, or with another key, context or associated data; which of these cannot
            be told.
    """
    if key.type.family is Family.RSA:
        return _decrypt_rsa(key, version, message)
    secret = _secret(key, version, context)
    if len(message) < NONCE_BYTES + TAG_BYTES:
        raise InvalidInputError("invalid ciphertext length")
    try:
        return _cipher(key, secret).decrypt(
            message[:NONCE_BYTES], message[NONCE_BYTES:], associated_data or None
        )
    except InvalidTag:
        raise InvalidInputError("cipher: message authentication failed") from None


def _secret(key: Key, version: KeyVersion, context: bytes) -> bytes:
    secret = version.material.secret
    return derive(secret, context, key.type.bits // 8) if key.derived else secret


def _cipher(key: Key, secret: bytes) -> AESGCM | ChaCha20Poly1305:
    return AESGCM(secret) if key.type.family is Family.AES_GCM else ChaCha20Poly1305(secret)


def _nonce_of(nonce_keys: bytes, plaintext: bytes, associated_data: bytes) -> bytes:
    if associated_data:
        # A digest has one length, so that where the associated data end is never in doubt.
        message = sha256(associated_data).digest() + plaintext
        return digest(nonce_keys[_NONCE_KEY_BYTES:], message, "sha256")[:NONCE_BYTES]
    return digest(nonce_keys[:_NONCE_KEY_BYTES], plaintext, "sha256")[:NONCE_BYTES]


def _encrypt_rsa(key: Key, version: KeyVersion, plaintext: bytes) -> bytes:
    public = public_key(key.type, version.material.public)
    if not isinstance(public, rsa.RSAPublicKey):
        raise InternalError("a stored key is of another type than its name says")
    try:
        return public.encrypt(plaintext, _OAEP)
    except ValueError:
        longest = key.type.bits // 8 - 2 * hashes.SHA256.digest_size - 2  # RFC 8017, 7.1.1
        raise InvalidInputError(
            f"failed to RSA encrypt the plaintext: expected at most {longest} bytes"
        ) from None


def _decrypt_rsa(key: Key, version: KeyVersion, message: bytes) -> bytes:
    private = private_key(key.type, version.material.secret)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise InternalError("a stored key is of another type than its name says")
    try:
        return private.decrypt(message, _OAEP)
    except ValueError:
        raise InvalidInputError("failed to RSA decrypt the ciphertext") from None
