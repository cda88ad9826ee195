"""One storage for several that do not see each other: a view of an engine, confined to one prefix.

Revisions and leases are those of the engine below: a commit anywhere moves the number on, which costs whoever
looks a glance and never an answer.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from holdfast.storage.interface import Lease, Outcomes, Reader, Storage, T, Transaction


class StorageBelow:
    """``interface.Storage`` whose keys all lie below a prefix of another.

    Args:
        storage: the engine; closed with this view.
        prefix: not empty, ends in a slash.
    """

    def __init__(self, storage: Storage, prefix: str) -> None:
        if not prefix.endswith("/") or len(prefix) < len("a/"):
            raise ValueError("prefix: expected one that ends in a slash")
        self.name = storage.name
        self.shared = storage.shared
        self._storage = storage
        self._prefix = prefix

    def get(self, key: str) -> bytes | None:
        """Return the value at ``key``, or ``None``."""
        return self._storage.get(self._prefix + key)

    def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> list[str]:
        """Return the names one level below ``prefix``."""
        return self._storage.list(self._prefix + prefix, after=after, limit=limit)

    def catch_up(self) -> None:
        """See ``interface.Storage``."""
        self._storage.catch_up()

    @contextmanager
    def snapshot(self) -> Iterator[Reader]:
        """Open a consistent view of all keys below the prefix."""
        with self._storage.snapshot() as reader:
            yield _ReaderBelow(reader, self._prefix)

    def write(self, change: Callable[[Transaction], T]) -> T:
        """Run ``change`` in a transaction; see ``interface.Storage``."""
        return self._storage.write(lambda transaction: change(_TransactionBelow(transaction, self._prefix)))

    def write_all(self, changes: Sequence[Callable[[Transaction], T]]) -> Outcomes[T]:
        """Run several changes with one commit; see ``interface.Storage``."""

        def below(change: Callable[[Transaction], T]) -> Callable[[Transaction], T]:
            return lambda transaction: change(_TransactionBelow(transaction, self._prefix))

        return self._storage.write_all([below(change) for change in changes])

    def revision(self) -> int:
        """Return the number of the engine's commits."""
        return self._storage.revision()

    def acquire_lease(self, name: str, *, holder: str, ttl_seconds: float) -> Lease | None:
        """Take a lease of this view alone."""
        return self._storage.acquire_lease(self._prefix + name, holder=holder, ttl_seconds=ttl_seconds)

    def close(self) -> None:
        """Close the engine."""
        self._storage.close()


class _ReaderBelow:
    __slots__ = ("_prefix", "_reader")

    def __init__(self, reader: Reader, prefix: str) -> None:
        self._reader = reader
        self._prefix = prefix

    def get(self, key: str) -> bytes | None:
        return self._reader.get(self._prefix + key)

    def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> list[str]:
        return self._reader.list(self._prefix + prefix, after=after, limit=limit)


class _TransactionBelow(_ReaderBelow):
    __slots__ = ("_transaction",)

    def __init__(self, transaction: Transaction, prefix: str) -> None:
        super().__init__(transaction, prefix)
        self._transaction = transaction

    def put(self, key: str, value: bytes) -> None:
        self._transaction.put(self._prefix + key, value)

    def delete(self, key: str) -> None:
        self._transaction.delete(self._prefix + key)
