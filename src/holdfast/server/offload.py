"""A thread beside the event loop of one process, for work that would hold it up: password hashes, RSA keys.

One thread, so that a process never needs the memory of more than one hash: a node needs at most ``workers``
times the configured memory, however many log in at once. What waits for other machines has threads of its
own (``outside``), so that a slow one holds up nobody's password. What waits is bounded too; more is
refused.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from holdfast.errors import UnavailableError

MAX_WAITING = 64
OUTSIDE_THREADS = 8  # as many as a client keeps connections
OUTSIDE_WAITING = 1024  # at 10 ms for each question the last one waits little more than a second


class Offload:
    """Runs work in threads, for callers in the event loop; results come back there.

    Args:
        threads: how many things are done at the same time.
        waiting: how many may wait, those that are being done included.
    """

    def __init__(self, *, threads: int = 1, waiting: int = MAX_WAITING) -> None:
        self._max_waiting = waiting
        self._thread = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="offload")
        self._waiting = 0

    @classmethod
    def outside(cls) -> "Offload":
        """Return one for work that waits for other machines, of which much can be under way."""
        return cls(threads=OUTSIDE_THREADS, waiting=OUTSIDE_WAITING)

    def run(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """Run ``work`` in the thread; ``done`` gets its result, or what it raised, in the running loop."""
        if self._waiting >= self._max_waiting:
            done(UnavailableError("too much slow work at the moment; try again later"))
            return
        self._waiting += 1
        self._thread.submit(self._work, asyncio.get_running_loop(), work, done)

    def close(self) -> None:
        """Drop what waits; what is under way ends without anybody to tell."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _work(
        self, loop: asyncio.AbstractEventLoop, work: Callable[[], Any], done: Callable[[Any], None]
    ) -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - handed to whoever waits for the result
            result = error
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(self._finish, done, result)

    def _finish(self, done: Callable[[Any], None], result: object) -> None:
        self._waiting -= 1
        done(result)
