"""Which connections are open, and when they have had their time: one timer per loop for all of them.

A timer per request would cost more than the rest of the listener, so deadlines are plain numbers on
each connection, compared once a second. ``now`` is the time of the last sweep; deadlines are set a
sweep later than asked, so that none is early.
"""

import asyncio
from typing import Protocol

from holdfast.http.limits import Limits

SWEEP_SECONDS = 1.0
NEVER = float("inf")


class Sweepable(Protocol):
    """A connection as the registry sees it."""

    def expire(self, now: float) -> None:
        """End what has run out of time."""
        ...

    def finish(self) -> None:
        """Answer what was received, take nothing new, then close."""
        ...

    def abort(self) -> None:
        """Close at once."""
        ...


class Connections:
    """The open connections of one loop.

    Args:
        limits: the bounds to keep.
    """

    __slots__ = ("_loop", "_open", "_timer", "_when_empty", "finishing", "limits", "now")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.now = 0.0
        self.finishing = False
        self._open: set[Sweepable] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._when_empty: asyncio.Future[None] | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin sweeping on ``loop``."""
        self._loop = loop
        self._tick()

    def stop(self) -> None:
        """End sweeping."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def deadline(self, seconds: float) -> float:
        """Return the moment ``seconds`` from now, rounded up to a sweep."""
        return self.now + seconds + SWEEP_SECONDS

    def add(self, connection: Sweepable) -> bool:
        """Admit a connection; ``False`` if there are too many, or none are taken any more."""
        if self.finishing or len(self._open) >= self.limits.connections:
            return False
        self._open.add(connection)
        return True

    def remove(self, connection: Sweepable) -> None:
        """Forget a connection that has closed."""
        self._open.discard(connection)
        if not self._open and self._when_empty is not None and not self._when_empty.done():
            self._when_empty.set_result(None)

    def __len__(self) -> int:
        return len(self._open)

    def sweep(self, now: float) -> None:
        """Set the time, and end what has run out of it."""
        self.now = now
        for connection in tuple(self._open):
            connection.expire(now)

    async def drain(self, grace_seconds: float) -> bool:
        """Let requests in flight finish and close everything; ``False`` if some had to be cut off."""
        self.finishing = True
        for connection in tuple(self._open):
            connection.finish()
        if self._open:
            self._when_empty = asyncio.get_running_loop().create_future()
            try:
                await asyncio.wait_for(self._when_empty, grace_seconds)
            except TimeoutError:
                for connection in tuple(self._open):
                    connection.abort()
                return False
        return True

    def _tick(self) -> None:
        if self._loop is None:
            return
        self.sweep(self._loop.time())
        self._timer = self._loop.call_later(SWEEP_SECONDS, self._tick)
