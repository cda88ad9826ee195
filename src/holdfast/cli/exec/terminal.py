"""The controlling terminal, lent to the command while this process has it.

A command in a process group of its own can read the terminal, and is reached by Ctrl-C and Ctrl-Z, only
while its group is the foreground group (POSIX.1-2017 XBD 11.1.4). Only who has the terminal may lend it:
in the background, or without a terminal, nothing happens. The caller keeps SIGTTOU blocked.
"""

import os
from contextlib import suppress


class Terminal:
    """The terminal of this process, if it has one."""

    def __init__(self) -> None:
        self._descriptor: int | None = None
        self._is_lent = False
        with suppress(OSError):
            self._descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)

    def lend(self, group: int) -> bool:
        """Give the terminal to a process group if it is ours to give; return whether the group has it."""
        if self._holder() == os.getpgrp():
            self._give(group)
            self._is_lent = True
        return self._holder() == group

    def take_back(self) -> None:
        """Take the terminal back, from the group it was lent to or whoever has it from there."""
        if self._is_lent:
            self._give(os.getpgrp())
            self._is_lent = False

    def _holder(self) -> int | None:
        if self._descriptor is not None:
            with suppress(OSError):  # the terminal was hung up
                return os.tcgetpgrp(self._descriptor)
        return None

    def _give(self, group: int) -> None:
        if self._descriptor is not None:
            with suppress(OSError):  # hung up, or the group has just ended
                os.tcsetpgrp(self._descriptor, group)
