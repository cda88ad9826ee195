"""AES-256-GCM (NIST SP 800-38D) as Holdfast uses it: one key, random nonces, nothing to choose.

A sealed message is

    nonce (12) | ciphertext (as long as the plaintext) | tag (16)

The nonce is drawn from the operating system for every message and is never a caller's. Random 96-bit
nonces allow 2^32 messages under one key (SP 800-38D, 8.3). Whoever owns the key counts them; this
recipe does not.

An ``Aead`` keeps its cipher: making one costs more than encrypting a small message with it. Safe for
any number of threads.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from holdfast.errors import InternalError

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES
MAX_MESSAGES_PER_KEY = 2**32  # SP 800-38D, 8.3: random nonces of 96 bits


class NotAuthenticError(InternalError):
    """The message is not what was sealed, or not under this key, or for another purpose.

    Which of these it is cannot be told, and must not be. Whoever opens a message turns this into an
    error of its own.
    """

    def __init__(self) -> None:
        super().__init__("a sealed message did not open")


def new_key() -> bytes:
    """Return a new random key."""
    return os.urandom(KEY_BYTES)


class Aead:
    """Seals and opens messages under one key.

    Args:
        key: 32 bytes. They are copied, so a buffer may be wiped at once; the copy is wiped when the
            cipher is let go.

    Raises:
        ValueError: the key has another length.
    """

    __slots__ = ("_decrypt", "_decrypt_into", "_encrypt", "_key")

    def __init__(self, key: bytes | bytearray | memoryview) -> None:
        self._key = bytearray(key)
        if len(key) != KEY_BYTES:
            raise ValueError(f"expected a key of {KEY_BYTES} bytes")
        # AESGCM refers to the buffer it is given, and with OpenSSL 3.0 and 3.1 reads it again for every
        # message. The buffer must be ours: wiped by somebody else, it would be a key of zeros.
        cipher = AESGCM(self._key)
        self._encrypt = cipher.encrypt
        self._decrypt = cipher.decrypt
        self._decrypt_into = cipher.decrypt_into

    def __del__(self) -> None:
        self._key[:] = bytes(len(self._key))

    def seal(self, plaintext: bytes | memoryview, associated_data: bytes) -> bytes:
        """Encrypt ``plaintext`` and bind it to ``associated_data``, which is needed to open it again."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._encrypt(nonce, plaintext, associated_data)

    def open(self, sealed: bytes, associated_data: bytes) -> bytes:
        """Return the plaintext of a sealed message.

        Raises:
            NotAuthenticError: the message, the associated data or the key is another one.
        """
        if len(sealed) < OVERHEAD_BYTES:
            raise NotAuthenticError
        try:
            return self._decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated_data)
        except InvalidTag:
            raise NotAuthenticError from None

    def open_key(self, sealed: bytes, associated_data: bytes) -> bytearray:
        """Like ``open``, for a plaintext that is key material: the caller wipes the buffer.

        Raises:
            NotAuthenticError: the message, the associated data or the key is another one.
        """
        if len(sealed) < OVERHEAD_BYTES:
            raise NotAuthenticError
        buffer = bytearray(len(sealed) - OVERHEAD_BYTES)
        try:
            self._decrypt_into(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated_data, buffer)
        except InvalidTag:
            raise NotAuthenticError from None
        return buffer
