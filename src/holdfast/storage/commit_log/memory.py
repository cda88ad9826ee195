"""What a process remembers of the tree, all of it as of one revision.

Records are remembered as they are stored, encrypted. Nothing here asks storage: an engine fills it, and drops
what a commit has changed.
"""

from collections import OrderedDict
from typing import Generic, TypeVar

from holdfast.storage.commit_log.entries import Footprint

MAX_VALUE_BYTES = 64 * 1024 * 1024
MAX_LISTED_NAMES = 500_000

Stored = TypeVar("Stored")
"""What an engine stores at a key: a value, ``None`` for nothing, or something that stands for a value."""

_ENTRY_BYTES = 200  # about what a key and its place cost beside the value


class Unknown:
    """The type of ``UNKNOWN``."""


UNKNOWN = Unknown()
"""Not remembered; for everything else ``None`` means that there is nothing."""


class Memory(Generic[Stored]):
    """Values by key; names and numbers of children by directory."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, Stored] = OrderedDict()
        self._value_bytes = 0
        self._names: dict[str, list[str]] = {}
        self._listed = 0
        self._children: dict[str, int | None] = {}

    def value(self, key: str) -> Stored | Unknown:
        """Return what is at ``key``."""
        return self._values.get(key, UNKNOWN)

    def names(self, prefix: str) -> list[str] | None:
        """Return the sorted names below ``prefix``, ``None`` if they are not remembered."""
        return self._names.get(prefix)

    def children(self, prefix: str) -> int | Unknown | None:
        """Return how many children the directory has, ``None`` if there is no such directory."""
        return self._children.get(prefix, UNKNOWN)

    def keep_value(self, key: str, stored: Stored) -> None:
        """Remember what is at ``key``, and forget the oldest if it gets too much."""
        self._drop_value(key)
        self._values[key] = stored
        self._value_bytes += _size(stored)
        while self._value_bytes > MAX_VALUE_BYTES:
            self._value_bytes -= _size(self._values.popitem(last=False)[1])

    def keep_names(self, prefix: str, names: list[str]) -> None:
        """Remember the sorted names below ``prefix``."""
        if self._listed + len(names) > MAX_LISTED_NAMES:
            self._names.clear()
            self._listed = 0
        self._names[prefix] = names
        self._listed += len(names)

    def keep_children(self, prefix: str, number: int | None) -> None:
        """Remember how many children a directory has, or that there is none."""
        if len(self._children) > MAX_LISTED_NAMES:
            self._children.clear()
        self._children[prefix] = number

    def drop(self, changed: Footprint) -> None:
        """Forget what a commit has changed."""
        for key in changed.keys:
            self._drop_value(key)
        for prefix in changed.directories:
            self.drop_names(prefix)
            self._children.pop(prefix, None)

    def drop_names(self, prefix: str) -> None:
        """Forget the names below ``prefix``."""
        self._listed -= len(self._names.pop(prefix, ()))

    def clear(self) -> None:
        """Forget everything."""
        self.__init__()  # type: ignore[misc]

    def _drop_value(self, key: str) -> None:
        if key in self._values:
            self._value_bytes -= _size(self._values.pop(key))


def _size(stored: object) -> int:
    return _ENTRY_BYTES + (len(stored) if isinstance(stored, bytes) else 0)
