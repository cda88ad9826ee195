"""The same work on many things, a few at a time, with a word on standard error about how far it has come."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TextIO, TypeVar

from holdfast.cli.ticker import Ticker
from holdfast.client.transport import KEPT_CONNECTIONS

AT_ONCE = KEPT_CONNECTIONS

Item = TypeVar("Item")
Result = TypeVar("Result")


class Progress:
    """Says how many of a number of things are done.

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
        self._ticker = Ticker(stream=stream, clock=clock)

    def advance(self) -> None:
        """Count one more."""
        self._done += 1
        self._ticker.say(lambda: f"{self._done} of {self._total} secrets")

    def finish(self) -> None:
        """Leave the terminal's line empty for what comes next."""
        self._ticker.finish()


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
