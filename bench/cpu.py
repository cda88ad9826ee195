"""CPU time of running processes, as the kernel counts it in ``/proc/<pid>/stat``."""

import os
from collections.abc import Iterable
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_USER, _SYSTEM = 11, 12  # places of utime and stime behind the command's closing bracket; proc(5)


def cpu_seconds(processes: Iterable[int]) -> float:
    """Return the CPU time that processes have used so far, in user and system mode.

    One that has gone meanwhile counts nothing.
    """
    total = 0
    for process in processes:
        try:
            total += ticks(Path(f"/proc/{process}/stat").read_text())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total / _TICKS_PER_SECOND


def ticks(stat: str) -> int:
    """Return user and system time from the text of a ``stat`` file."""
    fields = stat.rpartition(")")[2].split()  # the command itself may hold brackets and blanks
    return int(fields[_USER]) + int(fields[_SYSTEM])


def children(process: int) -> list[int]:
    """Return the processes that ``process`` has started and that are still there."""
    try:
        return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
