"""Loop devices: a file as a block device, marked with the volume it belongs to.

The mark travels in the kernel's own ``lo_file_name`` field, so that after a crash the kernel still
knows which volume a device serves, through which back end: ``holdfast/<backend>/<uuid>``. No file of
ours can disagree with it.

Devices are configured without the autoclear flag: a volume stays attached from attach to detach,
also while nothing is mounted, and looking at a device must not be what tears it down.
"""

import contextlib
import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from holdfast.volumes import data_lock
from holdfast.volumes.errors import AttachFailedError

LOOP_CONTROL = Path("/dev/loop-control")
BLOCK_BYTES = 4096

# include/uapi/linux/loop.h
_LOOP_CLR_FD, _LOOP_GET_STATUS64, _LOOP_SET_CAPACITY, _LOOP_CONFIGURE = 0x4C01, 0x4C05, 0x4C07, 0x4C0A
_LOOP_SET_STATUS64, _LOOP_CTL_GET_FREE = 0x4C04, 0x4C82
_SIZE_LIMIT = 4  # its place in _INFO
_READ_ONLY, _DIRECT_IO = 1, 16
# device, inode, rdevice, offset, sizelimit; number, encrypt_type, encrypt_key_size, flags; names, key, init
_INFO = struct.Struct("=5Q4I64s64s32s2Q")
_CONFIG_HEAD = struct.Struct("=II")
_CONFIG_TAIL_BYTES = 64
_PREFIX = "holdfast/"
WORK_SUFFIX = "-work"  # of the back end's name where something is done to a volume that is not attached
_ATTEMPTS = 16


@dataclass(frozen=True, slots=True)
class LoopDevice:
    """A loop device that carries our mark.

    Attributes:
        path: the block device.
        backend: the name of the back end that made it.
        uuid: the volume it serves.
        readonly: whether writes are refused.
    """

    path: str
    backend: str
    uuid: str
    readonly: bool


def attach(
    file: str, *, backend: str, uuid: str, readonly: bool = False, lock_at: int | None = None
) -> LoopDevice:
    """Make ``file`` a block device with 4096-byte blocks that bypasses the page cache below it.

    Args:
        file: what is to be below.
        backend: the name of the back end, for the mark.
        uuid: the volume, for the mark.
        readonly: refuse writes.
        lock_at: where the data begins; it is locked for as long as the device is there, see ``data_lock``.

    Raises:
        VolumeBusyError: somebody else has the data locked.
        AttachFailedError: no free device, or the kernel refused the file.
    """
    flags = _DIRECT_IO | (_READ_ONLY if readonly else 0)
    mark = f"{_PREFIX}{backend}/{uuid}".encode()
    descriptor = os.open(file, os.O_CLOEXEC | (os.O_RDONLY if readonly else os.O_RDWR))
    try:
        # Older kernels (6.1 does) make the device as large as they last heard the file is, and of a FUSE
        # file that nobody has looked at yet they have heard nothing: the device would have no block at all.
        os.fstat(descriptor)
        if lock_at is not None:
            data_lock.take(descriptor, lock_at, readonly=readonly)
        info = _INFO.pack(0, 0, 0, 0, 0, 0, 0, 0, flags, mark, b"", b"", 0, 0)
        config = _CONFIG_HEAD.pack(descriptor, BLOCK_BYTES) + info + bytes(_CONFIG_TAIL_BYTES)
        path = _configure_free_device(config, readonly=readonly)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise AttachFailedError(f"no loop device could be set up: {reason}") from error
    finally:
        os.close(descriptor)
    return LoopDevice(path, backend, uuid, readonly)


def detach(path: str) -> None:
    """Let go of the file below a device; a device in use goes when its last user does. Idempotent."""
    with contextlib.suppress(FileNotFoundError), _opened(path) as device:
        try:
            fcntl.ioctl(device, _LOOP_CLR_FD)
        except OSError as error:
            if error.errno != errno.ENXIO:  # ENXIO: no file below it
                raise


def take_size(path: str) -> int:
    """Make a device as large as the file below it has become; returns its size in bytes."""
    with _opened(path) as device:
        fcntl.ioctl(device, _LOOP_SET_CAPACITY)
        return os.lseek(device, 0, os.SEEK_END)


def cut_off(path: str) -> None:
    """Let a device end where it begins, so that what its users still want to read or write fails."""
    with _opened(path) as device:
        info = list(_INFO.unpack(fcntl.ioctl(device, _LOOP_GET_STATUS64, bytes(_INFO.size))))
        info[_SIZE_LIMIT] = BLOCK_BYTES  # no limit is 0
        fcntl.ioctl(device, _LOOP_SET_STATUS64, _INFO.pack(*info))


def marked_devices() -> list[LoopDevice]:
    """Return every loop device that carries our mark, as the kernel knows it now."""
    found = (_read_mark(entry.parent.name) for entry in Path("/sys/block").glob("loop*/loop"))
    return [device for device in found if device is not None]


def find(uuid: str) -> LoopDevice | None:
    """Return the device that serves a volume, whichever back end made it."""
    return next((device for device in marked_devices() if device.uuid == uuid), None)


def marked_uuid(name: str) -> str:
    """Return the volume that a block device such as ``loop3`` serves; empty if it carries no mark of ours."""
    found = _read_mark(name) if name.startswith("loop") else None
    return "" if found is None else found.uuid


def sequence(path: str) -> int:
    """Return a number that changes with every file that is put below any device; 0 if there is none."""
    try:
        return int(Path("/sys/block", Path(path).name, "diskseq").read_text(encoding="ascii"))
    except (OSError, ValueError):  # a kernel before 5.15
        return 0


def backing_file(path: str) -> Path | None:
    """Return the file below a device, as the kernel names it; ``None`` if there is none any more."""
    attribute = Path("/sys/block", Path(path).name, "loop", "backing_file")
    try:
        return Path(attribute.read_text(encoding="utf-8", errors="surrogateescape").removesuffix("\n"))
    except OSError:
        return None


def _configure_free_device(config: bytes, *, readonly: bool) -> str:
    for _ in range(_ATTEMPTS):
        with _opened(str(LOOP_CONTROL)) as control:
            path = f"/dev/loop{fcntl.ioctl(control, _LOOP_CTL_GET_FREE)}"
        with _opened(path, os.O_RDONLY if readonly else os.O_RDWR) as device:
            try:
                fcntl.ioctl(device, _LOOP_CONFIGURE, config)
            except OSError as error:
                if error.errno != errno.EBUSY:  # EBUSY: somebody else was faster
                    raise
            else:
                return path
    raise OSError(errno.EBUSY, "every free loop device was taken by others")


def _read_mark(name: str) -> LoopDevice | None:
    path = f"/dev/{name}"
    try:
        with _opened(path) as device:
            info = _INFO.unpack(fcntl.ioctl(device, _LOOP_GET_STATUS64, bytes(_INFO.size)))
    except OSError:  # gone meanwhile, or being torn down
        return None
    mark = info[9].split(b"\0", 1)[0].decode("ascii", "replace")
    if not mark.startswith(_PREFIX) or mark.count("/") != 2:  # noqa: PLR2004
        return None
    _, backend, uuid = mark.split("/")
    return LoopDevice(path, backend, uuid, bool(info[8] & _READ_ONLY))


@contextlib.contextmanager
def _opened(path: str, flags: int = os.O_RDONLY) -> Iterator[int]:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
