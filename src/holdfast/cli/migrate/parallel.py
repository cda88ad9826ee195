"""The same work on many things, a few at a time, with a word on standard error about how far it has come."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TextIO, TypeVar

from holdfast.client.transport import KEPT_CONNECTIONS

AT_ONCE = KEPT_CONNECTIONS
TERMINAL_SECONDS = 0.2
LOG_SECONDS = 15.0

Item = TypeVar("Item")
Result = TypeVar("Result")


class Progress:
    """Says how many of a number of things are done: on one line of a terminal, else on a line now and then.

    Args:
        total: how many there are.
        stream: where to say it.
        clock: returns seconds.
    """

    def __init__(
        self, total: int, *, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._total = total
        self._done = 0
        self._stream = stream or sys.stderr
        self._clock = clock
        self._is_terminal = self._stream.isatty()
        self._interval = TERMINAL_SECONDS if self._is_terminal else LOG_SECONDS
        self._next = clock() + self._interval
        self._said_something = False

    def advance(self) -> None:
        """Count one more."""
        self._done += 1
        if self._clock() >= self._next:
            self._next = self._clock() + self._interval
            self._said_something = True
            text = f"{self._done} of {self._total} secrets"
            self._stream.write(f"\r{text}" if self._is_terminal else f"{text}\n")
            self._stream.flush()

    def finish(self) -> None:
        """Leave the terminal's line empty for what comes next."""
        if self._is_terminal and self._said_something:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def for_each(items: Sequence[Item], work: Callable[[Item], Result]) -> Iterator[Result]:
    """Yield the results in the order of the items. What is interrupted starts nothing more."""
    progress = Progress(len(items))
    with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="secrets") as threads:
        try:
            for result in threads.map(work, items):
                progress.advance()
                yield result
        finally:
            threads.shutdown(wait=True, cancel_futures=True)
            progress.finish()
