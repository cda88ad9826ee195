"""CPU time of processes and of the whole machine, as the kernel counts it in ``/proc`` (proc(5))."""

import os
import resource
from collections.abc import Iterable
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_USER, _SYSTEM = 11, 12  # places of utime and stime behind the command's closing bracket
_IDLE = (3, 4)  # idle and iowait among the machine's counters
_COUNTED = 8  # user to steal; guest time, which follows, is in user already


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


def own_seconds() -> float:
    """Return the CPU time of this process and of the children it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def machine_seconds() -> float:
    """Return the CPU time that everything on this machine has used, all processors together."""
    return busy_ticks(Path("/proc/stat").read_text()) / _TICKS_PER_SECOND


def busy_ticks(stat: str) -> int:
    """Return the time that processors were not idle, from the text of ``/proc/stat``."""
    total = [int(word) for word in stat.partition("\n")[0].split()[1 : _COUNTED + 1]]
    return sum(count for place, count in enumerate(total) if place not in _IDLE)


def pin(processes: Iterable[int], processors: set[int]) -> None:
    """Let processes run on some processors only; 0 stands for this one, whose children follow it."""
    for process in processes:
        os.sched_setaffinity(process, processors)


def children(process: int) -> list[int]:
    """Return the processes that ``process`` has started and that are still there."""
    try:
        return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
