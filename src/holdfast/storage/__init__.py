"""Storage engines: sorted maps of text keys to opaque bytes, changed in durable transactions.

Only the interface and its errors are exported here, so that rooms which are handed a storage do not
load an engine; ``storage.factory`` opens one.
"""

from holdfast.storage.errors import (
    InvalidKeyError,
    KeyTooLongError,
    StorageBrokenError,
    StorageError,
    StorageFullError,
    StorageUnavailableError,
)
from holdfast.storage.interface import MAX_KEY_BYTES, Lease, Reader, Storage, Transaction

__all__ = [
    "MAX_KEY_BYTES",
    "InvalidKeyError",
    "KeyTooLongError",
    "Lease",
    "Reader",
    "Storage",
    "StorageBrokenError",
    "StorageError",
    "StorageFullError",
    "StorageUnavailableError",
    "Transaction",
]
