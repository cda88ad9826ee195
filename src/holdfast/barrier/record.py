"""The one form of everything that the barrier stores.

    version (1) | kind (1) | term (4, big endian) | nonce (12) | ciphertext | tag (16)
    └────────── header ──────────┘                  └──────── AES-256-GCM ────────┘

The associated data are the header and the storage key in UTF-8. A record therefore opens only where
it was written, as the kind it was written as, and under the term it names; nothing is tried twice.
A record is 34 bytes longer than its plaintext.

Term 0 marks the barrier's own key records, whose key is not in the keyring. Terms of the keyring
start at 1.
"""

from enum import IntEnum

from holdfast.barrier.errors import RecordError
from holdfast.crypto.aead import OVERHEAD_BYTES, Aead, NotAuthenticError

VERSION = 1
HEADER_BYTES = 6
RECORD_OVERHEAD_BYTES = HEADER_BYTES + OVERHEAD_BYTES

TERM_SLICE = slice(2, HEADER_BYTES)
TERM_BYTES = 4
TERM_OUTSIDE_KEYRING = 0


class RecordKind(IntEnum):
    """What a record is. The numbers are stored: append new ones, never change or reuse one."""

    KEYRING = 1
    ROOT_KEY = 2
    MOUNT_TABLE = 3
    POLICY = 4
    TOKEN = 5
    TOKEN_INDEX = 6
    KV = 7
    AUDIT_SALT = 8
    CONFIG = 9
    IAM = 10
    AUTH = 11
    IDENTITY = 12
    NAMESPACE = 13


def seal_record(cipher: Aead, kind: RecordKind, term: int, path: str, plaintext: bytes | memoryview) -> bytes:
    """Return the record that keeps ``plaintext`` at ``path``.

    Args:
        cipher: the cipher of ``term``.
        kind: what the record is.
        term: number of the key in the keyring, or ``TERM_OUTSIDE_KEYRING``.
        path: storage key at which the record will be put.
        plaintext: may be empty.
    """
    header = bytes((VERSION, kind)) + term.to_bytes(TERM_BYTES, "big")
    return header + cipher.seal(plaintext, header + path.encode())


def open_record(cipher: Aead, kind: RecordKind, path: str, record: bytes) -> bytes:
    """Return the plaintext of the record found at ``path``.

    Args:
        cipher: the cipher of the term that the record names.
        kind: what the record has to be.
        path: storage key at which it was found.
        record: the stored bytes.

    Raises:
        RecordError: it is not a record of this kind that was written there.
    """
    try:
        return cipher.open(record[HEADER_BYTES:], _checked_header(kind, path, record) + path.encode())
    except NotAuthenticError:
        raise RecordError(path) from None


def open_key_record(cipher: Aead, kind: RecordKind, path: str, record: bytes) -> bytearray:
    """Like ``open_record``, for key material: the caller wipes the buffer.

    Raises:
        NotAuthenticError: the record was sealed under another key, or changed.
        RecordError: its header alone shows that it is not a record of this kind.
    """
    return cipher.open_key(record[HEADER_BYTES:], _checked_header(kind, path, record) + path.encode())


def _checked_header(kind: RecordKind, path: str, record: bytes) -> bytes:
    if len(record) < RECORD_OVERHEAD_BYTES or record[0] != VERSION or record[1] != kind:
        raise RecordError(path)
    return record[:HEADER_BYTES]
