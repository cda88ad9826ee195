"""One user of a backing file at a time: a lock on a byte of its data, which the kernel keeps.

It belongs to the open file, not to a process. So it lasts as long as anybody has that file open, be it a
volume's daemon or a loop device, and it ends with the last of them however that ends. Where the pool is on a
network file system that knows locks, other hosts see it too. It does not collide with the locks that
cryptsetup takes on the header.
"""

import errno
import fcntl
import os
import struct

from holdfast.volumes.errors import VolumeBusyError

_FLOCK = struct.Struct("hhqqi4x")  # struct flock of fcntl(2) on 64-bit Linux


def take(descriptor: int, offset: int, *, readonly: bool) -> None:
    """Lock the data that begins at ``offset``; readers share it.

    Raises:
        VolumeBusyError: somebody else has it.
    """
    kind = fcntl.F_RDLCK if readonly else fcntl.F_WRLCK
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _FLOCK.pack(kind, os.SEEK_SET, offset, 1, 0))
    except OSError as error:
        if error.errno in {errno.EAGAIN, errno.EACCES}:
            raise VolumeBusyError("another process has the volume open") from None
        raise


def is_taken(path: str) -> bool:
    """Whether somebody has the data of this backing file locked."""
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        return bool(_FLOCK.unpack(found)[0] != fcntl.F_UNLCK)
    finally:
        os.close(descriptor)
