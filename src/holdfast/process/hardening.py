"""What a process that holds keys denies to the rest of its host, and a plain report of what it got.

    core limit      no core dump is written, whatever kills the process
    no dump         other processes of the same user can neither trace it nor read its memory
    umask           files that it makes are its own
    memory lock     its memory never reaches swap
    parent death    it does not outlive the process that started it

None survives ``exec``; the memory lock does not survive ``fork`` either. Every process that holds keys
calls ``harden`` for itself, and does so before it has any.
"""

import ctypes
import os
import resource
import signal
from dataclasses import dataclass
from pathlib import Path

from holdfast.errors import UnavailableError

# <linux/prctl.h>
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
# <sys/mman.h>
_MCL_CURRENT = 1
_MCL_FUTURE = 2
_MCL_ONFAULT = 4

_PRIVATE_UMASK = 0o077

_libc = ctypes.CDLL(None, use_errno=True)
_libc.munlock.argtypes = (ctypes.c_void_p, ctypes.c_size_t)


class MemoryLockError(UnavailableError):
    """Memory was to be locked, and the system does not let us."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One protection and whether it is in place.

    Attributes:
        name: which one.
        applied: whether it is in place.
        remark: why not, or what remains open; empty if there is nothing to say.
    """

    name: str
    applied: bool
    remark: str = ""


def harden(*, lock_memory: bool) -> tuple[Measure, ...]:
    """Protect this process from its host's other users and from its own remains.

    Args:
        lock_memory: keep all memory out of swap. With ``False`` the report says whether there is swap at all.

    Returns:
        What was done, for the log. A measure that failed is reported, except for the lock.

    Raises:
        MemoryLockError: the lock was asked for and refused; the text says how to allow it or do without.
    """
    return (_no_core_dumps(), deny_inspection(), _private_umask(), _locked_memory(lock=lock_memory))


def deny_inspection() -> Measure:
    """Keep others of the same user out of this process's memory, and its memory out of core dumps.

    Alone, without the other measures, it suits a process that will become or start a command of the
    user's: nothing of it is passed on.
    """
    try:
        _prctl(_PR_SET_DUMPABLE, 0)
    except OSError as error:
        return Measure("no dump", applied=False, remark=error.strerror or "")
    return Measure("no dump", applied=True)


def die_with_parent(parent: int, signal_number: int = signal.SIGTERM) -> None:
    """Have this process get ``signal_number`` when its parent dies, even if that just happened.

    Args:
        parent: process id of the parent, as the parent knew it before the fork.
        signal_number: what to be sent.

    Raises:
        ProcessLookupError: the parent is gone already.
        OSError: the system refuses.
    """
    _prctl(_PR_SET_PDEATHSIG, signal_number)
    if os.getppid() != parent:
        raise ProcessLookupError("the parent process has ended")


def unlock_file(path: str) -> int:
    """Let the mappings of one file leave memory again, and return how many there were.

    A database file holds ciphertext only. Under the memory lock each of its pages would stay in memory
    once it was read, until the whole file does. Call this after the file was mapped.
    """
    released = 0
    real_path = os.path.realpath(path)
    for line in Path("/proc/self/maps").read_text().splitlines():
        # start-end permissions offset device inode path; the path may hold blanks
        fields = line.split(maxsplit=5)
        if len(fields) == 6 and fields[5] == real_path:  # noqa: PLR2004 - the six fields above
            start, end = (int(part, 16) for part in fields[0].split("-"))
            if _libc.munlock(start, end - start) == 0:
                released += 1
    return released


def _no_core_dumps() -> Measure:
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError) as error:
        return Measure("core limit", applied=False, remark=str(error))
    return Measure("core limit", applied=True)


def _private_umask() -> Measure:
    os.umask(_PRIVATE_UMASK)
    return Measure("umask", applied=True)


def _locked_memory(*, lock: bool) -> Measure:
    if not lock:
        remark = (
            "switched off, and this host has swap: keys may reach the disk" if _has_swap() else "switched off"
        )
        return Measure("memory lock", applied=False, remark=remark)
    # On fault: a page is locked once it is used, so that a large sparse mapping costs nothing by itself.
    if _libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) != 0:
        raise MemoryLockError(
            "memory cannot be locked: give the service LimitMEMLOCK=infinity or the capability IPC_LOCK,"
            " or set disable_mlock = true on a host without swap",
            detail=os.strerror(ctypes.get_errno()),
        )
    return Measure("memory lock", applied=True)


def _has_swap() -> bool:
    try:
        return len(Path("/proc/swaps").read_text().splitlines()) > 1  # the first line is a heading
    except OSError:
        return True


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
