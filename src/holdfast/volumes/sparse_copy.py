"""A copy of a backing file: by sharing its blocks where the file system can, else of what is written in it.

Sharing (``FICLONE``, on XFS and btrfs) takes a moment and no space, and is one state of the file. The other
way reads what the file holds between its holes, so it takes time and space for that much, and is one state
only if nobody writes meanwhile. A copy that was begun while somebody wrote is brought up to date later: only
what differs is written then.
"""

import errno
import fcntl
import os
from collections.abc import Callable, Iterator

from holdfast.volumes.errors import PoolFullError

_FICLONE = 0x40049409  # include/uapi/linux/fs.h
_CHUNK_BYTES, _COMPARED_BYTES = 8 << 20, 1 << 20
# What says that blocks cannot be shared here: other file system, other kind of file, blocks out of step.
_CANNOT_SHARE = {errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.ENOSYS, errno.EPERM}
_CANNOT_RANGE = {errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOSYS}


def copy_file(source: int, target: int, *, keep_going: Callable[[], None]) -> bool:
    """Fill an empty file with the content of another; returns whether they share their blocks.

    Args:
        source: descriptor of a file that is not written meanwhile.
        target: descriptor of an empty file.
        keep_going: called between pieces; what it raises ends the copy.

    Raises:
        PoolFullError: there is no room.
    """
    keep_going()
    if _share(source, target):
        return True
    size = os.fstat(source).st_size
    try:
        os.ftruncate(target, size)
        for offset, length in written(source, size):
            _copy_range(source, target, offset, length, keep_going)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise PoolFullError("the pool has no room for the copy") from None
        raise
    return False


def update_file(source: int, target: int, *, keep_going: Callable[[], None]) -> bool:
    """Bring a copy that was made earlier up to date; arguments and errors as for ``copy_file``."""
    keep_going()
    if _share(source, target):
        return True
    size = os.fstat(source).st_size
    try:
        os.ftruncate(target, size)
        # What is a hole by now may have been written when the copy was made.
        done = 0
        for offset, length in sorted([*written(source, size), *written(target, size)]):
            begin, end = max(offset, done), offset + length
            if begin < end:
                _update_range(source, target, begin, end - begin, keep_going)
                done = end
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise PoolFullError("the pool has no room for the copy") from None
        raise
    return False


def _update_range(source: int, target: int, offset: int, length: int, keep_going: Callable[[], None]) -> None:
    end = offset + length
    while offset < end:
        keep_going()
        count = min(_COMPARED_BYTES, end - offset)
        wanted = os.pread(source, count, offset)
        if wanted != os.pread(target, count, offset):
            _write_all(target, wanted, offset)
        offset += count


def _write_all(target: int, data: bytes, offset: int) -> None:
    rest = memoryview(data)
    while rest:
        written = os.pwrite(target, rest, offset)
        rest, offset = rest[written:], offset + written


def _share(source: int, target: int) -> bool:
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno in _CANNOT_SHARE:
            return False
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise PoolFullError("the pool has no room for the copy") from None
        raise
    return True


def written(source: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield offset and length of each piece between two holes."""
    offset = 0
    while offset < size:
        try:
            begin = os.lseek(source, offset, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole up to the end
                return
            raise
        end = min(os.lseek(source, begin, os.SEEK_HOLE), size)
        yield begin, end - begin
        offset = end


def _copy_range(source: int, target: int, offset: int, length: int, keep_going: Callable[[], None]) -> None:
    end, in_kernel = offset + length, True
    while offset < end:
        keep_going()
        count = min(_CHUNK_BYTES, end - offset)
        copied = 0
        if in_kernel:
            try:
                copied = os.copy_file_range(source, target, count, offset, offset)
            except OSError as error:
                if error.errno not in _CANNOT_RANGE:
                    raise
                in_kernel = False
        if not in_kernel:
            copied = os.pwrite(target, os.pread(source, count, offset), offset)
        if copied == 0:
            raise OSError(errno.EIO, "the file became shorter while it was copied")
        offset += copied
