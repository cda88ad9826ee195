"""Storage in the memory of one process, for development servers and for tests.

It keeps every promise of the interface but the survival of its process, and it can be told to die at a
chosen commit: ``crash_at_commit`` plays a machine that loses power just before or just after the
moment of truth, ``survivor`` gives what the next start would find.
"""

import threading
from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from typing import Self

from holdfast.clock import Clock, SystemClock
from holdfast.storage import leases
from holdfast.storage.errors import StorageBrokenError, StorageUnavailableError
from holdfast.storage.interface import Lease, Outcomes, T, Transaction
from holdfast.storage.keys import encode_key
from holdfast.storage.listing import Seek, names_below


class _State:
    """All keys and values at one moment, the keys sorted."""

    __slots__ = ("keys", "revision", "shared", "values")

    def __init__(self, values: dict[bytes, bytes], revision: int) -> None:
        self.values = values
        self.keys = sorted(values)
        self.revision = revision
        self.shared = False  # a snapshot looks at it, so a commit must work on a copy

    def get(self, key: bytes) -> bytes | None:
        return self.values.get(key)

    def seek(self, key: bytes) -> bytes | None:
        index = bisect_left(self.keys, key)
        return self.keys[index] if index < len(self.keys) else None

    def apply(self, changes: dict[bytes, bytes | None]) -> None:
        for key, value in changes.items():
            known = key in self.values
            if value is not None:
                self.values[key] = value
                if not known:
                    insort(self.keys, key)
            elif known:
                del self.values[key]
                del self.keys[bisect_left(self.keys, key)]
        self.revision += 1


class _View:
    """Reads from something that has ``get`` and ``seek`` over bytes; also its own context manager."""

    __slots__ = ("_below",)

    def __init__(self, below: "_State | _Overlay") -> None:
        self._below = below

    def get(self, key: str) -> bytes | None:
        return self._below.get(_lookup_key(key))

    def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> list[str]:
        return names_below(self._seek, prefix, after=after, limit=limit)

    @property
    def _seek(self) -> Seek:
        return self._below.seek

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class _Overlay:
    """Changes on top of a state or of another overlay; ``None`` marks a deletion."""

    __slots__ = ("_below", "changes")

    def __init__(self, below: "_State | _Overlay") -> None:
        self._below = below
        self.changes: dict[bytes, bytes | None] = {}

    def get(self, key: bytes) -> bytes | None:
        return self.changes[key] if key in self.changes else self._below.get(key)

    def seek(self, key: bytes) -> bytes | None:
        found = self._below.seek(key)
        while found is not None and self.changes.get(found, b"") is None:
            found = self._below.seek(found + b"\0")
        written = min(
            (k for k, value in self.changes.items() if k >= key and value is not None), default=None
        )
        if found is None or written is None:
            return written if found is None else found
        return min(found, written)


class _MemoryTransaction(_View):
    """A view of an overlay that also writes to it."""

    __slots__ = ("_overlay",)

    def __init__(self, overlay: _Overlay) -> None:
        super().__init__(overlay)
        self._overlay = overlay

    def put(self, key: str, value: bytes) -> None:
        self._overlay.changes[encode_key(key)] = bytes(value)

    def delete(self, key: str) -> None:
        self._overlay.changes[encode_key(key)] = None


class MemoryStorage:
    """See ``interface.Storage``; safe for threads.

    Args:
        clock: tells when leases run out.
        shared: claim that several nodes use it, as several stores in one process can.
    """

    def __init__(self, *, clock: Clock | None = None, shared: bool = False) -> None:
        self.name = "inmem"
        self.shared = shared
        self._clock = clock or SystemClock()
        self._state = _State({}, 0)
        self._reading = threading.Lock()
        self._writing = threading.RLock()
        self._refusal: StorageUnavailableError | None = None
        self._commits_to_crash = 0
        self._crash_stores = False

    def catch_up(self) -> None:
        """Do nothing: every read sees the newest commit."""
        self._refuse_if_down()

    def get(self, key: str) -> bytes | None:
        """Return the value at ``key``, or ``None``."""
        self._refuse_if_down()
        with self._reading:
            return self._state.get(_lookup_key(key))

    def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> list[str]:
        """Return the names one level below ``prefix``."""
        return self.snapshot().list(prefix, after=after, limit=limit)

    def snapshot(self) -> _View:
        """Open a view that no later commit changes."""
        self._refuse_if_down()
        with self._reading:
            self._state.shared = True
            return _View(self._state)

    def write(self, change: Callable[[Transaction], T]) -> T:
        """Run ``change`` and commit it."""
        with self._writing:
            self._refuse_if_down()
            overlay = _Overlay(self._state)
            result = change(_MemoryTransaction(overlay))
            self._commit(overlay)
            return result

    def write_all(self, changes: Sequence[Callable[[Transaction], T]]) -> Outcomes[T]:
        """Run every change on top of those before it and commit once."""
        results: Outcomes[T] = []
        with self._writing:
            self._refuse_if_down()
            batch = _Overlay(self._state)
            for change in changes:
                overlay = _Overlay(batch)
                try:
                    results.append(change(_MemoryTransaction(overlay)))
                except Exception as error:  # noqa: BLE001 - the answer to this change, whatever it is
                    results.append(error)
                else:
                    batch.changes.update(overlay.changes)
            self._commit(batch)
        return results

    def revision(self) -> int:
        """Return the number of commits so far."""
        self._refuse_if_down()
        return self._state.revision

    def acquire_lease(self, name: str, *, holder: str, ttl_seconds: float) -> Lease | None:
        """Take a lease; see ``storage.leases``."""
        return leases.acquire(self, self._clock, name, holder=holder, ttl_seconds=ttl_seconds)

    def close(self) -> None:
        """Forget everything."""
        self._state = _State({}, 0)
        self._refusal = StorageUnavailableError("storage: closed")

    def crash_at_commit(self, number: int, *, stored: bool) -> None:
        """Die at the ``number``-th commit from now (1 is the next one), for fault tests.

        Args:
            number: which commit.
            stored: whether that commit still reaches the disk; its caller learns of neither.
        """
        self._commits_to_crash = number
        self._crash_stores = stored

    def survivor(self) -> "MemoryStorage":
        """Return what a new process would find."""
        with self._writing:
            successor = MemoryStorage(clock=self._clock, shared=self.shared)
            successor._state = _State(dict(self._state.values), self._state.revision)
            return successor

    def _commit(self, overlay: _Overlay) -> None:
        if not overlay.changes:
            return
        crashing = self._commits_to_crash == 1
        self._commits_to_crash -= self._commits_to_crash > 0
        if not crashing or self._crash_stores:
            with self._reading:
                if self._state.shared:
                    self._state = _State(dict(self._state.values), self._state.revision)
                self._state.apply(overlay.changes)
        if crashing:
            self._refusal = StorageBrokenError("storage: crashed, as it was told to")
            raise self._refusal

    def _refuse_if_down(self) -> None:
        if self._refusal is not None:
            raise type(self._refusal)(self._refusal.message)


def _lookup_key(key: str) -> bytes:
    """Return the bytes to look for; a text that UTF-8 cannot hold becomes bytes that no key has."""
    return key.encode("utf-8", "surrogatepass")
