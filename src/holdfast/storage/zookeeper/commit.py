"""From a batch of changes to the operations of one ZooKeeper transaction.

    check  /head           is still at the version that everything was read at
    set    /head           the next revision
    create /changes/<n>    what this commit touches, see ``commit_log``
    delete /changes/<m>    the oldest entry, once there are enough
    ...                    the changes themselves, with the directories they need and those they leave empty

Because every commit checks and moves ``/head``, commits happen one after the other, and whatever was read at
the revision before is still true when one of them succeeds.
"""

from collections import Counter
from typing import NamedTuple, Protocol

from kazoo.client import KazooClient, TransactionRequest

from holdfast.storage.commit_log.entries import KEPT_ENTRIES, Entry, encode_entry
from holdfast.storage.zookeeper.parts import Manifest, Stored, encode_inline, encode_manifest
from holdfast.storage.zookeeper.paths import directory_path, entry_name, parent_of, value_path

MAX_PACKET_BYTES = 1_000_000  # below the default of jute.maxbuffer, 1,048,575

_OPERATION_BYTES = 120  # what an operation costs beside its path and its data, with room to spare


class Operation(NamedTuple):
    """One operation: ``create``, ``set`` or ``delete`` of a znode."""

    kind: str
    path: str
    data: bytes = b""


class Tree(Protocol):
    """What has to be known of the tree to change it, as of one revision."""

    def stored(self, key: str) -> Stored:
        """Return what is stored at ``key``."""
        ...

    def children(self, prefix: str) -> int | None:
        """Return how many children a directory has, ``None`` if there is none."""
        ...


class Commit:
    """The operations for a batch of changes, and what will be true after them.

    Args:
        root: below which everything lies.
        tree: as of the revision before.
        changes: what to store; ``None`` for a key that goes.

    Attributes:
        operations: without those on ``/head`` and ``/changes``.
        replaced: keys that get another value.
        moved: keys that appear or go.
        directories: how many children each directory has afterwards that changes, ``None`` for no directory.
    """

    def __init__(self, root: str, tree: Tree, changes: dict[str, Stored]) -> None:
        self._root = root
        self._data = root + "/data"
        self._tree = tree
        self._grown: Counter[str] = Counter()
        self._made: set[str] = set()
        self.operations: list[Operation] = []
        self.replaced: list[str] = []
        self.moved: list[str] = []
        self.directories: dict[str, int | None] = {}
        for key, stored in changes.items():
            if stored is None:
                self._remove(key)
            else:
                self._put(key, stored)
        self._remove_empty_directories()

    def with_head(self, revision: int, commit_id: bytes) -> list[Operation]:
        """Return all operations of the commit that leads to ``revision``, but for the check."""
        entry = Entry(commit_id, tuple(self.replaced), tuple(self.moved))
        log = f"{self._root}/changes/"
        operations = [
            Operation("set", f"{self._root}/head", b"%d" % revision),
            Operation("create", log + entry_name(revision), encode_entry(entry)),
        ]
        if revision > KEPT_ENTRIES:
            operations.append(Operation("delete", log + entry_name(revision - KEPT_ENTRIES)))
        return operations + self.operations

    def _put(self, key: str, stored: bytes | Manifest) -> None:
        path = value_path(self._data, key)
        if isinstance(stored, Manifest):
            data = encode_manifest(stored)
            self.operations.append(Operation("delete", f"{self._root}/pending/{stored.id}"))
        else:
            data = encode_inline(stored)
        before = self._tree.stored(key)
        if before is None:
            self._ensure_directory(parent_of(key))
            self.operations.append(Operation("create", path, data))
            self._grown[parent_of(key)] += 1
            self.moved.append(key)
        else:
            self.operations.append(Operation("set", path, data))
            self._remove_parts(before)
            self.replaced.append(key)

    def _remove(self, key: str) -> None:
        before = self._tree.stored(key)
        if before is None:
            return
        self.operations.append(Operation("delete", value_path(self._data, key)))
        self._remove_parts(before)
        self._grown[parent_of(key)] -= 1
        self.moved.append(key)

    def _remove_parts(self, before: Stored) -> None:
        if isinstance(before, Manifest):
            self.operations += [Operation("delete", f"{self._root}/parts/{name}") for name in before.names()]

    def _ensure_directory(self, prefix: str) -> None:
        if not prefix or prefix in self._made or self._tree.children(prefix) is not None:
            return
        parent = parent_of(prefix)
        self._ensure_directory(parent)
        self.operations.append(Operation("create", directory_path(self._data, prefix)))
        self._made.add(prefix)
        self._grown[parent] += 1

    def _remove_empty_directories(self) -> None:
        # The deepest first: removing one may empty the one above it.
        waiting = sorted(self._grown, key=lambda prefix: prefix.count("/"))
        while waiting:
            prefix = waiting.pop()
            number = (0 if prefix in self._made else self._tree.children(prefix) or 0) + self._grown[prefix]
            if number or not prefix:
                self.directories[prefix] = number
                continue
            self.directories[prefix] = None
            self.operations.append(Operation("delete", directory_path(self._data, prefix)))
            parent = parent_of(prefix)
            self._grown[parent] -= 1
            if parent not in waiting:
                # All that wait are at least as high as the parent, or the parent's siblings.
                waiting.append(parent)
                waiting.sort(key=lambda other: other.count("/"))


def packet_bytes(operations: list[Operation]) -> int:
    """Return about how many bytes a transaction takes; never too few."""
    return sum(_OPERATION_BYTES + len(item.path.encode()) + len(item.data) for item in operations)


def as_request(
    client: KazooClient, head: str, version: int, operations: list[Operation]
) -> TransactionRequest:
    """Return the transaction that makes the operations true if ``head`` is at ``version``."""
    request = client.transaction()
    request.check(head, version)
    for kind, path, data in operations:
        if kind == "create":
            request.create(path, data)
        elif kind == "set":
            request.set_data(path, data)
        else:
            request.delete(path)
    return request
