"""Reads that all see one state, and changes on top of them.

A view stands still at the revision at which it was opened. It asks the tree, which moves on; whenever the
tree learns that something has changed, each open view keeps what was remembered of it until then. What nobody
remembered is lost to the view: reading it raises ``OvertakenError``, and whoever uses the view starts again.
"""

from bisect import bisect_right
from typing import Any, Protocol, TypeAlias

from holdfast.storage.commit_log.entries import Footprint
from holdfast.storage.commit_log.memory import Memory
from holdfast.storage.errors import OvertakenError
from holdfast.storage.keys import encode_key, encode_name, encode_prefix

Names: TypeAlias = list[str]


class Tree(Protocol):
    """The tree of keys as of its newest revision that is known."""

    def value(self, key: str) -> bytes | None:
        """Return the value at ``key``."""
        ...

    def names(self, prefix: str) -> list[str]:
        """Return the sorted names below ``prefix``."""
        ...


class View:
    """See the module; ``interface.Reader``."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._read = Footprint()
        self._changed = Footprint()
        self._is_lost = False
        self._kept_values: dict[str, bytes | None] = {}
        self._kept_names: dict[str, list[str]] = {}

    def get(self, key: str) -> bytes | None:
        """Return the value at ``key``, or ``None``."""
        self._read.keys.add(key)
        if key not in self._changed.keys and not self._is_lost:
            value = self._tree.value(key)
            if key not in self._changed.keys and not self._is_lost:
                return value
        if key not in self._kept_values:
            raise OvertakenError
        return self._kept_values[key]

    def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> list[str]:
        """Return the names one level below ``prefix``."""
        return page(self.names(prefix), after=after, limit=limit)

    def names(self, prefix: str) -> Names:
        """Return all names one level below ``prefix``, sorted."""
        self._read.directories.add(prefix)
        if prefix not in self._changed.directories and not self._is_lost:
            names = self._tree.names(prefix)
            if prefix not in self._changed.directories and not self._is_lost:
                return names
        if prefix not in self._kept_names:
            raise OvertakenError
        return self._kept_names[prefix]

    def keep(self, changed: Footprint, memory: Memory[Any]) -> None:
        """Take over what is remembered of what is about to be forgotten."""
        for key in changed.keys - self._changed.keys:
            known = memory.value(key)
            if known is None or isinstance(known, bytes):
                self._kept_values[key] = known
        for prefix in changed.directories - self._changed.directories:
            names = memory.names(prefix)
            if names is not None:
                self._kept_names[prefix] = names
        self._changed.add(changed)

    def lose(self) -> None:
        """Take note that nobody knows what has changed."""
        self._is_lost = True

    def is_overtaken(self) -> bool:
        """Whether something that was read is different by now, or may be."""
        return self._is_lost or self._changed.meets(self._read)


class Overlay:
    """Changes that are not made yet, on top of a view; ``interface.Transaction``.

    Args:
        view: what the changes stand on.
        earlier: changes of the same batch that came before; not altered here.

    Attributes:
        changes: what this one changes; ``None`` for a key that goes.
    """

    def __init__(self, view: View, earlier: dict[str, bytes | None]) -> None:
        self._view = view
        self._earlier = earlier
        self.changes: dict[str, bytes | None] = {}

    def get(self, key: str) -> bytes | None:
        """Return the value at ``key``, or ``None``."""
        for changes in (self.changes, self._earlier):
            if key in changes:
                return changes[key]
        return self._view.get(key)

    def put(self, key: str, value: bytes) -> None:
        """Store ``value`` at ``key``."""
        encode_key(key)
        self.changes[key] = bytes(value)

    def delete(self, key: str) -> None:
        """Remove ``key``."""
        encode_key(key)
        self.changes[key] = None

    def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> list[str]:
        """Return the names one level below ``prefix``."""
        return page(self._names(prefix), after=after, limit=limit)

    def _names(self, prefix: str) -> Names:
        names = set(self._view.names(prefix))
        thinned: set[str] = set()
        for key, value in {**self._earlier, **self.changes}.items():
            if not key.startswith(prefix):
                continue
            head, slash, _ = key[len(prefix) :].partition("/")
            if value is not None:
                names.add(head + slash)
            elif slash:
                thinned.add(head + slash)
            else:
                names.discard(head)
        # A directory from which something goes is still there if anything is left at any depth.
        names -= {name for name in thinned & names if not self._names(prefix + name)}
        return sorted(names)


def page(names: list[str], *, after: str, limit: int) -> list[str]:
    """Return a page of sorted names; the order of code points is that of UTF-8 bytes."""
    encode_name(after)
    start = bisect_right(names, after) if after else 0
    return names[start : start + max(0, limit)]


def check_prefix(prefix: str) -> None:
    """Refuse what cannot be a prefix.

    Raises:
        InvalidKeyError: it is not empty and does not end in a slash, or is no text.
    """
    encode_prefix(prefix)
