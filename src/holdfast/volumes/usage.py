"""How much of the pool a volume really takes, and what its device has done."""

import fcntl
import os
import struct
from dataclasses import dataclass
from pathlib import Path

_FIEMAP = 0xC020660B  # include/uapi/linux/fiemap.h
# start, length; flags, extents mapped, extents there is room for, reserved
_FIEMAP_REQUEST = struct.Struct("=QQ4I")
# where in the file, where on the device, length, 2 reserved; flags, 3 reserved
_FIEMAP_EXTENT = struct.Struct("=5Q4I")
_LAST, _SHARED = 0x1, 0x2000
_EXTENTS = 512
_SECTOR_BYTES = 512  # of st_blocks and of the counters in sysfs, whatever the device has
_COUNTERS = 11


@dataclass(frozen=True, slots=True)
class Usage:
    """What a backing file takes up.

    Attributes:
        total_bytes: blocks that it has, its own and shared ones; holes take none.
        shared_bytes: of these, blocks that a snapshot or clone has as well: deleting the volume frees
            none of them.
    """

    total_bytes: int
    shared_bytes: int

    @property
    def exclusive_bytes(self) -> int:
        """What deleting the volume would free."""
        return self.total_bytes - self.shared_bytes


@dataclass(frozen=True, slots=True)
class DeviceCounters:
    """What a device has done; times in milliseconds."""

    reads: int
    read_bytes: int
    read_ms: int
    writes: int
    write_bytes: int
    write_ms: int
    in_progress: int
    io_ms: int

    def since(self, earlier: "DeviceCounters") -> "DeviceCounters":
        """Return what was done after ``earlier``; how many requests are in progress is as it is now."""
        work = {name: getattr(self, name) - getattr(earlier, name) for name in _WORK}
        return DeviceCounters(**work, in_progress=self.in_progress)

    def follows(self, earlier: "DeviceCounters") -> bool:
        """Whether these can be later counters of the same device: one that is made anew begins at nothing."""
        return all(getattr(self, name) >= getattr(earlier, name) for name in _WORK)


_WORK = ("reads", "read_bytes", "read_ms", "writes", "write_bytes", "write_ms", "io_ms")


def usage_of(backing_file: Path) -> Usage:
    """Return what a file takes up; what was written and not yet given its place counts as its own."""
    descriptor = os.open(backing_file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        total = os.fstat(descriptor).st_blocks * _SECTOR_BYTES
        return Usage(total, min(_shared_bytes(descriptor), total))
    finally:
        os.close(descriptor)


def counters_of(device: str) -> DeviceCounters:
    """Return the counters of a block device, as the kernel has them: whatever has been below it so far."""
    number = Path(device).stat().st_rdev
    path = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}/stat")
    numbers = [int(word) for word in path.read_text(encoding="ascii").split()[:_COUNTERS]]
    reads, _, read_sectors, read_ms, writes, _, write_sectors, write_ms, in_progress, io_ms, _ = numbers
    return DeviceCounters(
        reads=reads,
        read_bytes=read_sectors * _SECTOR_BYTES,
        read_ms=read_ms,
        writes=writes,
        write_bytes=write_sectors * _SECTOR_BYTES,
        write_ms=write_ms,
        in_progress=in_progress,
        io_ms=io_ms,
    )


def _shared_bytes(descriptor: int) -> int:
    """Return how many bytes share their blocks with another file; 0 where the file system cannot tell."""
    start, shared = 0, 0
    while True:
        request = bytearray(_FIEMAP_REQUEST.size + _EXTENTS * _FIEMAP_EXTENT.size)
        _FIEMAP_REQUEST.pack_into(request, 0, start, (1 << 63) - 1, 0, 0, _EXTENTS, 0)
        try:
            fcntl.ioctl(descriptor, _FIEMAP, request)
        except OSError:
            return shared
        count = _FIEMAP_REQUEST.unpack_from(request)[3]
        last = count == 0
        for index in range(count):
            place = _FIEMAP_REQUEST.size + index * _FIEMAP_EXTENT.size
            logical, _, length, _, _, flags, *_ = _FIEMAP_EXTENT.unpack_from(request, place)
            shared += length if flags & _SHARED else 0
            start, last = logical + length, bool(flags & _LAST)
        if last:
            return shared
