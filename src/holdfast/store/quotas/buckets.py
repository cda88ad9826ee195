"""How much each address has sent: a table of fixed size, which the processes of a node can share.

A bucket is one moment: when it will be full again. A request moves that moment on by the time that one
request takes to fill up again, and is one too many where the moment is then further away than a full bucket.
Nothing has to be filled while nobody asks, and a bucket that is full again can be forgotten.

Processes that share the table take turns at a row of it, by a lock of the kernel that ends with its owner.
One that is not free in a moment is not waited for: rather a request is counted badly than one process by
another's fault stopped.
"""

import fcntl
import mmap
import os
import time

ROWS = 8192
WAYS = 8  # places in a row
_CELLS = 3  # which bucket, when it is full again, until when it is closed
_CELL_BYTES = 8
_TABLE_BYTES = ROWS * WAYS * _CELLS * _CELL_BYTES
PATIENCE_SECONDS = 0.1  # for a process that is off the processor in its turn, or is stopped
_HASTE_SECONDS = 1.0  # in which nobody is waited for any more, once that was in vain
_PAUSE_SECONDS = 0.0005
_QUICK_TRIES = 200
_ROUNDING = 1e-3  # of the time that one request takes to fill up


class Buckets:
    """The table.

    Args:
        is_shared: whether processes that are forked from here on share it; else it is one process's own.
    """

    __slots__ = ("_base", "_file", "_hasty_until", "_tags", "_times")

    def __init__(self, *, is_shared: bool = False) -> None:
        self._file = -1
        self._hasty_until = 0.0
        if is_shared:
            self._file = os.memfd_create("holdfast-quotas", os.MFD_CLOEXEC)
            os.ftruncate(self._file, _TABLE_BYTES)
        memory = memoryview(mmap.mmap(self._file, _TABLE_BYTES))
        self._tags, self._times = memory.cast("Q"), memory.cast("d")
        self._base = float(int(time.time()))  # small numbers are more exact

    def take(self, key: int, *, now: float, spacing: float, size: float, block_seconds: float = 0.0) -> float:
        """Take one request out of a bucket; return for how long to wait where it holds none, else 0.

        Args:
            key: which bucket, as 64 bits that nobody outside can foresee.
            now: Unix seconds.
            spacing: how many seconds a request takes to fill up again.
            size: how many requests a full bucket holds, at least 1.
            block_seconds: how long a bucket is closed once it was empty.
        """
        tag = key & 0xFFFF_FFFF_FFFF_FFFF or 1
        row = tag % ROWS
        is_ours = self._file >= 0 and self._lock(row)
        try:
            return self._take(self._place(row, tag), now - self._base, spacing, size, block_seconds)
        finally:
            if is_ours:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, row)

    def _take(self, place: int, now: float, spacing: float, size: float, block_seconds: float) -> float:
        times = self._times
        # What lies further ahead than any request moves it comes of a clock that was put back since.
        full_at = min(max(times[place + 1], now), now + size * spacing)
        closed_until = min(times[place + 2], now + block_seconds)
        if closed_until > now:
            return closed_until - now
        wait = full_at - now - (size - 1) * spacing
        if wait <= spacing * _ROUNDING:
            full_at, wait = full_at + spacing, 0.0
        elif block_seconds:
            closed_until, wait = now + block_seconds, block_seconds
        times[place + 1], times[place + 2] = full_at, closed_until
        return wait

    def _place(self, row: int, tag: int) -> int:
        """Return where a bucket is; a new one takes the place of the one that is fullest."""
        tags, times = self._tags, self._times
        start = row * WAYS * _CELLS
        places = range(start, start + WAYS * _CELLS, _CELLS)
        for place in places:
            if tags[place] == tag:
                return place
        place = min(places, key=lambda p: max(times[p + 1], times[p + 2]) if tags[p] else float("-inf"))
        times[place + 1] = times[place + 2] = float("-inf")
        tags[place] = tag
        return place

    def _lock(self, row: int) -> bool:
        """Take the turn at a row; return whether it is ours, as nobody is waited for for long."""
        for _ in range(_QUICK_TRIES):
            if self._try_to_lock(row):
                return True
            os.sched_yield()
        started = time.monotonic()
        if started < self._hasty_until:
            return False
        while time.monotonic() < started + PATIENCE_SECONDS:
            time.sleep(_PAUSE_SECONDS)  # whose turn it is may need our processor
            if self._try_to_lock(row):
                return True
        self._hasty_until = time.monotonic() + _HASTE_SECONDS
        return False

    def _try_to_lock(self, row: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, row)
        except BlockingIOError:
            return False
        return True
