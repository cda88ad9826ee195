"""Being told to stop, at whatever moment it comes."""

import signal
import sys
from types import FrameType


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
        for number in (signal.SIGINT, signal.SIGTERM):
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


def _without_interruptions(dropped: "sys.UnraisableHookArgs") -> None:
    if not isinstance(dropped.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(dropped)
