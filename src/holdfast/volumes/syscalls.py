"""The system calls around volumes that Python does not offer: mount, umount2, prctl, mlockall.

Each raises ``OSError`` with the kernel's errno. Loaded by the volume daemon, so it imports little.
"""

import ctypes
import os

MS_RDONLY, MS_NOSUID, MS_NODEV = 1, 2, 4  # mount(2)
MNT_DETACH, UMOUNT_NOFOLLOW = 2, 8  # umount2(2)
PR_SET_DUMPABLE, PR_SET_IO_FLUSHER = 4, 57  # prctl(2)
MCL_CURRENT, MCL_FUTURE = 1, 2  # mlockall(2)

_libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """Mount ``source`` of file system type ``kind`` on ``target``."""
    _check(_libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode()))


def unmount(target: str, flags: int = 0) -> None:
    """Unmount what is mounted last on ``target``, which is never followed if it is a symbolic link."""
    _check(_libc.umount2(target.encode(), flags | UMOUNT_NOFOLLOW))


def prctl(option: int, value: int) -> None:
    """Set an attribute of the calling process."""
    _check(_libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0))


def lock_memory() -> None:
    """Keep every present and future page of the process out of swap. Forked children do not inherit it."""
    _check(_libc.mlockall(MCL_CURRENT | MCL_FUTURE))


def _check(result: int) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
