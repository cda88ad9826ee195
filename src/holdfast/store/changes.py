"""How processes notice that something they keep in memory was changed.

Processes of one node share a counter in memory. Nodes share storage: there, every change that others must
notice replaces one record, in the same transaction. What it holds means nothing; that it differs from what
was seen last is the news.
"""

from secrets import token_bytes
from typing import Protocol

from holdfast.storage.interface import Reader, Transaction

CHANGES_PATH = "core/changes"
_MARK_BYTES = 8


class Counter(Protocol):
    """Something that is another number after each change."""

    def read(self) -> int:
        """Return the number."""
        ...


class StoredCounter:
    """The counter of a storage that several nodes share, as new as its last ``catch_up``."""

    def __init__(self, storage: Reader) -> None:
        self._storage = storage

    def read(self) -> int:
        """Return the number; 0 before the first change."""
        return int.from_bytes(self._storage.get(CHANGES_PATH) or b"", "big")


def mark_change(tx: Transaction) -> None:
    """Make the transaction one that other nodes notice."""
    tx.put(CHANGES_PATH, token_bytes(_MARK_BYTES))
