"""A number that one process moves and many read: how a change in one becomes known to all.

It lives in memory shared by fork, so reading it costs no system call. The writer moves it after a
change is durable and before the change is answered: a request that starts after the answer was given
sees the new number, and so knows that what it remembers may be old.
"""

import mmap


class SharedCounter:
    """An unsigned 64-bit number in an anonymous shared mapping; make it before forking.

    One process may move it. An aligned 8-byte store is seen whole or not at all by the others.
    """

    __slots__ = ("_cell",)

    def __init__(self) -> None:
        self._cell = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("Q")

    def read(self) -> int:
        """Return the number."""
        return self._cell[0]

    def bump(self) -> None:
        """Move the number; only the writer may."""
        self._cell[0] = (self._cell[0] + 1) & 0xFFFF_FFFF_FFFF_FFFF
