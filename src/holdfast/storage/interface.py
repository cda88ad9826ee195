"""What Holdfast asks of a storage engine: a sorted map of text keys to opaque bytes, changed in transactions.

Keys look like paths (``logical/<mount>/team/db``). Engines never see plaintext and never interpret a
value. One contract suite (``tests/contract/test_storage.py``) runs against every engine.

A change is a function that receives a ``Transaction``. The engine may run it more than once (an
engine on an optimistic store repeats it after a conflict), so it must depend on nothing but what it
reads there, and must not act on the outside world. When ``write`` returns, the change is durable:
it survives the death of the process and of the power.

Keys are non-empty segments between slashes, at most ``MAX_KEY_BYTES`` of UTF-8 (``storage.keys``). Reading
one that could never be stored finds nothing; writing it raises ``InvalidKeyError``.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeAlias, TypeVar

T = TypeVar("T")

Outcomes: TypeAlias = list[T | Exception]
"""What became of each change of a batch: its result, or what it raised."""

MAX_KEY_BYTES = 1400


class Reader(Protocol):
    """Read access to one consistent state."""

    def get(self, key: str) -> bytes | None:
        """Return the value at ``key``, or ``None``."""
        ...

    def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> list[str]:
        """Return the names one level below ``prefix``, sorted by their UTF-8 bytes.

        Args:
            prefix: empty, or a key ending in ``/``.
            after: only names that sort after this one; for paging.
            limit: at most this many names.

        Returns:
            Names relative to ``prefix``; a name with more below it ends in ``/``. A key that is both
            a value and a parent appears twice, as ``a`` and as ``a/``.
        """
        ...


class Transaction(Reader, Protocol):
    """Read and write access; sees its own changes; all of it becomes true, or nothing."""

    def put(self, key: str, value: bytes) -> None:
        """Store ``value`` at ``key``, replacing what was there."""
        ...

    def delete(self, key: str) -> None:
        """Remove ``key``; nothing happens if it is not there."""
        ...


class Lease(Protocol):
    """A named right that one holder has at a time."""

    @property
    def fence(self) -> int:
        """A number that grows with every new holder; writes made under the lease carry it."""
        ...

    def renew(self) -> bool:
        """Extend the lease; ``False`` when somebody else holds it by now."""
        ...

    def release(self) -> None:
        """Give it up at once."""
        ...


class Storage(Reader, Protocol):
    """A storage engine. Read directly, it answers each call with the newest committed state."""

    name: str

    shared: bool
    """Whether other nodes may change what is stored, so that their changes must be looked for in storage."""

    def catch_up(self) -> None:
        """Make what is read from here on at least as new as every change that was answered before the call.

        That holds across nodes. It costs a round trip on a network engine, and nothing on the others, whose
        readers see each commit at once.

        Raises:
            StorageUnavailableError: it cannot be told how new the state is.
        """
        ...

    def snapshot(self) -> AbstractContextManager[Reader]:
        """Open a consistent view of all keys. Keep it short-lived."""
        ...

    def write(self, change: Callable[[Transaction], T]) -> T:
        """Run ``change`` in a transaction, make it durable, return its result.

        Raises:
            StorageUnavailableError: nothing was changed, or (engines on a network only) it is unknown.
            StorageFullError: no room; nothing was changed.
            StorageBrokenError: the commit failed half-way; what is stored shows at the next start.
            Exception: whatever ``change`` raised; nothing was changed.
        """
        ...

    def write_all(self, changes: Sequence[Callable[[Transaction], T]]) -> Outcomes[T]:
        """Run several changes with one durable commit for all of them.

        Each change sees those before it and fails alone: its slot in the answer then holds the
        exception, and nothing of it is stored. A commit that fails raises, as in ``write``, and then
        nothing of any change is stored.
        """
        ...

    def revision(self) -> int:
        """Return a number that grows with every committed change, by whichever process."""
        ...

    def acquire_lease(self, name: str, *, holder: str, ttl_seconds: float) -> Lease | None:
        """Take the lease ``name`` if it is free or run out; ``None`` while it is held, even by ``holder``."""
        ...

    def close(self) -> None:
        """Release files and connections."""
        ...
