"""Threads for calls: a few while calls are quick, more while some of them wait for something.

Threads of Python take turns. When many have something to do they mostly hand the turn to each other: the same
calls in sixteen threads cost a quarter more than in three (docs/performance.md). But a call that formats a
volume, or waits for a provider, must not keep others waiting. So a few threads do the work, and each that is
busy for longer than a moment is replaced by another until it is back.
"""

import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from threading import Event, Lock, Thread, get_ident
from typing import ParamSpec, TypeVar

MOMENT_SECONDS = 0.02

P = ParamSpec("P")
R = TypeVar("R")


class Threads(Executor):
    """Runs calls in the order in which they came; ``close`` ends it, not ``shutdown``.

    Args:
        few: how many threads there are while calls are quick.
        most: how many there may be.
        name: what the threads are called.
    """

    def __init__(self, few: int, most: int, *, name: str) -> None:
        self._few = few
        self._most = most
        self._name = name
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._began: dict[int, float] = {}
        self._guard = Lock()
        self._count = 0
        self._starved = Event()
        self._closed = False
        for _ in range(few):
            self._add()
        Thread(target=self._look, name=f"{name}-look", daemon=True).start()

    def submit(self, call: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Have a call run."""
        future: Future[R] = Future()

        def run() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call(*args, **kwargs))
                except BaseException as error:  # noqa: BLE001 - the caller's to look at
                    future.set_exception(error)

        self._work.put(run)
        self._call_for_help(waiting=len(self._began) >= self._count)
        return future

    def close(self) -> None:
        """Wait for the calls that have begun, and let the threads go; the others are not begun any more."""
        self._closed = True
        self._starved.set()
        for _ in range(self._most):
            self._work.put(None)
        while self._began:
            time.sleep(MOMENT_SECONDS)

    def _add(self) -> None:
        self._count += 1
        Thread(target=self._run, name=self._name, daemon=True).start()

    def _run(self) -> None:
        own = get_ident()
        while (run := self._work.get()) is not None and not self._closed:
            self._began[own] = time.monotonic()
            self._call_for_help(waiting=not self._work.empty())
            run()
            del self._began[own]
            if self._count > self._few:
                with self._guard:
                    if self._count > self._few + self._kept():
                        self._count -= 1
                        return

    def _call_for_help(self, *, waiting: bool) -> None:
        if waiting and not self._starved.is_set():
            self._starved.set()

    def _kept(self) -> int:
        """Return how many threads have been at their call for longer than a moment."""
        before = time.monotonic() - MOMENT_SECONDS
        return sum(began < before for began in list(self._began.values()))

    def _look(self) -> None:
        while not self._closed:
            self._starved.wait()
            time.sleep(MOMENT_SECONDS)
            self._starved.clear()
            with self._guard:
                while not self._work.empty() and self._count < min(self._most, self._few + self._kept()):
                    self._add()
            if not self._work.empty():
                self._starved.set()
