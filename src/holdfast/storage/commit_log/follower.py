"""The half of an engine for several nodes that is the same on every server: answers from memory, and views.

An engine adds how it reads what is not remembered, how it learns what commits have changed, how it commits.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Generic

from holdfast.clock import Clock, SystemClock
from holdfast.storage import leases
from holdfast.storage.commit_log.entries import Footprint
from holdfast.storage.commit_log.memory import Memory, Stored
from holdfast.storage.commit_log.view import Names, View, page
from holdfast.storage.errors import StorageUnavailableError
from holdfast.storage.interface import Lease, Outcomes, T, Transaction


class Follower(ABC, Generic[Stored]):
    """Base of such an engine; safe for threads, not for forks.

    Args:
        name: of the engine.
        clock: tells when leases run out.
    """

    def __init__(self, name: str, clock: Clock | None) -> None:
        self.name = name
        self.shared = True
        self._clock = clock or SystemClock()
        self._lock = threading.RLock()  # what is remembered
        self._closed = False
        self._memory: Memory[Stored] = Memory()
        self._views: set[View] = set()

    # -- what an engine adds -------------------------------------------------------------------------------

    @abstractmethod
    def value(self, key: str) -> bytes | None:
        """Return the value at ``key`` as of the newest revision that is known, which may move on by this."""

    @abstractmethod
    def names(self, prefix: str) -> Names:
        """Return the sorted names below ``prefix``, in the same way."""

    @abstractmethod
    def catch_up(self) -> None:
        """Learn what was changed, and forget that; see ``interface.Storage``."""

    @abstractmethod
    def revision(self) -> int:
        """Return the number of commits so far."""

    @abstractmethod
    def write_all(self, changes: Sequence[Callable[[Transaction], T]]) -> Outcomes[T]:
        """Run changes and commit them; see ``interface.Storage``."""

    @abstractmethod
    def close(self) -> None:
        """Hang up."""

    # -- what it gets --------------------------------------------------------------------------------------

    def get(self, key: str) -> bytes | None:
        """Return the value at ``key``, or ``None``; at least as new as the last ``catch_up``."""
        return self.value(key)

    def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> list[str]:
        """Return the names one level below ``prefix``."""
        return page(self.names(prefix), after=after, limit=limit)

    def snapshot(self) -> AbstractContextManager[View]:
        """Open a view in which all reads see one state.

        A read in it raises ``OvertakenError`` if others have changed what it asks for.
        """
        self._refuse_if_closed()
        return self._view()

    def write(self, change: Callable[[Transaction], T]) -> T:
        """Run ``change`` and commit it."""
        outcome = self.write_all([change])[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def acquire_lease(self, name: str, *, holder: str, ttl_seconds: float) -> Lease | None:
        """Take a lease; see ``storage.leases``."""
        return leases.acquire(self, self._clock, name, holder=holder, ttl_seconds=ttl_seconds)

    @contextmanager
    def _view(self) -> Iterator[View]:
        with self._lock:
            view = View(self)
            self._views.add(view)
        try:
            yield view
        finally:
            with self._lock:
                self._views.discard(view)

    def _forget(self, changed: Footprint) -> None:
        """Forget what commits have changed; open views keep what was remembered of it."""
        for view in self._views:
            view.keep(changed, self._memory)
        self._memory.drop(changed)

    def _forget_everything(self) -> None:
        """Forget all, as nobody knows what was changed."""
        for view in self._views:
            view.lose()
        self._memory.clear()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StorageUnavailableError("storage: closed")
