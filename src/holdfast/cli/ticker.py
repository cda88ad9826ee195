"""A word now and then about long work, on standard error: one line of a terminal, else lines of a log."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

TERMINAL_SECONDS = 0.2
LOG_SECONDS = 15.0


class Ticker:
    """Says how far something is, and not more often than people read.

    Args:
        stream: where to say it.
        clock: returns seconds.
    """

    def __init__(self, *, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._is_terminal = self._stream.isatty()
        self._interval = TERMINAL_SECONDS if self._is_terminal else LOG_SECONDS
        self._next = clock() + self._interval
        self._said_something = False

    def say(self, text: Callable[[], str]) -> None:
        """Say what ``text`` returns, if it is time for it."""
        if self._clock() < self._next:
            return
        self._next = self._clock() + self._interval
        self._said_something = True
        self._stream.write(f"\r{text()}" if self._is_terminal else f"{text()}\n")
        self._stream.flush()

    def finish(self) -> None:
        """Leave the terminal's line empty for what comes next."""
        if self._is_terminal and self._said_something:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
