"""Being told to stop, at whatever moment it comes."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Ctrl-C and a termination, both told as ``KeyboardInterrupt``, and remembered.

    A signal may arrive while a destructor runs, where Python drops what is raised; so what was heard is kept,
    and `check` raises it again.
    """

    def __init__(self) -> None:
        self._heard = False

    def listen(self) -> None:
        """Hear from now on, in the main thread."""
        sys.unraisablehook = _without_interruptions
        for number in STOPS:
            signal.signal(number, self._hear)

    def check(self) -> None:
        """Do nothing unless told to stop.

        Raises:
            KeyboardInterrupt: if so.
        """
        if self._heard:
            raise KeyboardInterrupt

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        self._heard = True
        raise KeyboardInterrupt


@contextmanager
def undisturbed() -> Iterator[None]:
    """Put off what arrives in the block until its end: what it makes must be known to whoever cleans up."""
    heard: list[int] = []
    before = {number: signal.signal(number, lambda number, _: heard.append(number)) for number in STOPS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for missed in heard:
            signal.raise_signal(missed)


def _without_interruptions(dropped: "sys.UnraisableHookArgs") -> None:
    if not isinstance(dropped.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(dropped)
