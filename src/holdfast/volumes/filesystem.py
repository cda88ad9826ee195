"""File systems on attached volumes: make, mount, unmount, check.

Making one is refused on any device that is not blank where file systems, partition tables and other
formats leave their marks. A mount target is opened component by component without following a symbolic
link, and the mount is made on that open directory, so that nobody can swap it meanwhile. Mounts are
``nodev,nosuid`` always: what is inside was written by somebody else.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from holdfast.errors import InvalidInputError, NotFoundError, UnsupportedError
from holdfast.process.run import run
from holdfast.volumes import syscalls
from holdfast.volumes.errors import (
    AttachFailedError,
    DamagedFileSystemError,
    ForeignVolumeError,
    VolumeBusyError,
)
from holdfast.volumes.mounts import mount_at, mounts_of

_MAKE = {"ext4": ("mkfs.ext4", "-q"), "xfs": ("mkfs.xfs", "-q")}
_CHECK = {"ext4": ("e2fsck", "-f", "-n"), "xfs": ("xfs_repair", "-n")}
_MAGICS = (("ext4", 0x438, b"\x53\xef"), ("xfs", 0, b"XFSB"))

_MAKE_TIMEOUT_SECONDS = 600.0
_CHECK_TIMEOUT_SECONDS = 3600.0
_HEAD_BYTES, _TAIL_BYTES = 1 << 20, 1 << 16  # where blkid(8) looks for signatures


def make(device: str, kind: str = "ext4", *, has_grown: bool = False) -> None:
    """Make a file system on a blank device.

    Args:
        device: the block device of an attached volume.
        kind: of file system.
        has_grown: the volume is larger than when it was made blank, so its end reads as noise.

    Raises:
        ForeignVolumeError: the device is not blank.
        InvalidInputError: no such kind.
        ProgramMissingError: its tools are not installed.
        ChildFailedError: they failed.
    """
    if kind not in _MAKE:
        raise InvalidInputError(f"file system: expected one of {', '.join(_MAKE)}")
    require_blank(device, tail=not has_grown)
    run([*_MAKE[kind], device], timeout_seconds=_MAKE_TIMEOUT_SECONDS)


def require_blank(device: str, *, tail: bool = True) -> None:
    """Raise ``ForeignVolumeError`` if a device shows the mark of any format, known or not.

    Args:
        device: the block device of an attached volume.
        tail: whether to look at its end as well, where a few formats leave their only mark.
    """
    descriptor = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.lseek(descriptor, 0, os.SEEK_END)
        head = os.pread(descriptor, _HEAD_BYTES, 0)
        end = os.pread(descriptor, _TAIL_BYTES, max(0, size - _TAIL_BYTES)) if tail else b""
    finally:
        os.close(descriptor)
    if head.strip(b"\0") or end.strip(b"\0"):
        raise ForeignVolumeError("the volume holds data already; it is not formatted over")


def detect(device: str) -> str | None:
    """Return the kind of the file system on a device, if it is one that is offered here."""
    descriptor = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
    try:
        for kind, offset, magic in _MAGICS:
            if os.pread(descriptor, len(magic), offset) == magic:
                return kind
    finally:
        os.close(descriptor)
    return None


def mount(device: str, target: Path, *, readonly: bool = False) -> None:
    """Mount a device. Repeating it is no error.

    Args:
        device: the block device of an attached volume.
        target: an absolute path of an existing directory.
        readonly: refuse writes through this mount.

    Raises:
        InvalidInputError: the target is no directory, or is reached through a symbolic link.
        NotFoundError: the target does not exist.
        VolumeBusyError: something else is mounted there.
        DamagedFileSystemError: the device holds no file system, or an unsound one.
        AttachFailedError: the kernel refused for another reason.
    """
    occupant = mount_at(target)
    if occupant is not None:
        if any(own.target == target and own.readonly == readonly for own in mounts_of(device)):
            return
        raise VolumeBusyError("target: something is mounted there already")
    kind = detect(device)
    if kind is None:
        raise DamagedFileSystemError("the volume holds no file system; format it first")
    flags = syscalls.MS_NODEV | syscalls.MS_NOSUID | (syscalls.MS_RDONLY if readonly else 0)
    with _opened_directory(target) as place:
        try:
            syscalls.mount(device, f"/proc/self/fd/{place}", kind, flags, _options(kind, device))
        except OSError as error:
            raise _mount_refused(error) from error


def unmount(target: Path, *, lazy: bool = False) -> None:
    """Unmount what is mounted on a directory; nothing mounted there is no error.

    Args:
        target: the directory, as given to ``mount``.
        lazy: take it out of sight now; users of open files keep it until they let go.

    Raises:
        VolumeBusyError: files on it are in use, and ``lazy`` was not given.
    """
    if mount_at(target) is None:
        return
    with _opened_directory(target.parent) as parent:
        try:
            place = f"/proc/self/fd/{parent}/{target.name}"
            syscalls.unmount(place, syscalls.MNT_DETACH if lazy else 0)
        except OSError as error:
            if error.errno == errno.EBUSY:
                raise VolumeBusyError("files on the volume are in use") from error
            raise AttachFailedError(f"the kernel refused to unmount: {error.strerror}") from error


def check(device: str) -> None:
    """Prove that the file system on an unmounted device is sound; changes nothing.

    Raises:
        DamagedFileSystemError: it is not, or there is none.
        VolumeBusyError: it is mounted, so that its state on the device means little.
    """
    if mounts_of(device):
        raise VolumeBusyError("the volume is mounted; unmount it first")
    kind = detect(device)
    if kind is None:
        raise DamagedFileSystemError("the volume holds no file system")
    ended = run([*_CHECK[kind], device], timeout_seconds=_CHECK_TIMEOUT_SECONDS, expect=range(256))
    if ended.returncode != 0:
        raise DamagedFileSystemError(
            "the file system on the volume is damaged", detail=ended.stdout.decode(errors="replace")
        )


def _options(kind: str, device: str) -> str:
    """Return what else is asked of the kernel.

    A copy of a volume has the original's XFS inside, and may be mounted beside it. On a device that refuses
    writes no journal can be replayed; that of a snapshot of a mounted volume holds nothing to replay.
    """
    options = ["nouuid"] if kind == "xfs" else []
    if _refuses_writes(device):
        options.append("norecovery" if kind == "xfs" else "noload")
    return ",".join(options)


def _refuses_writes(device: str) -> bool:
    number = Path(device).stat().st_rdev
    return Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}/ro").read_text("ascii").strip() == "1"


def _mount_refused(error: OSError) -> Exception:
    if error.errno in {errno.EINVAL, errno.EUCLEAN, errno.EIO}:
        return DamagedFileSystemError("the file system on the volume cannot be mounted")
    if error.errno == errno.ENODEV:
        return UnsupportedError("this kernel does not know the volume's file system")
    if error.errno == errno.EBUSY:
        return VolumeBusyError("the volume or the target is in use")
    return AttachFailedError(f"the kernel refused to mount: {error.strerror}")


@contextmanager
def _opened_directory(path: Path) -> Iterator[int]:
    if not path.is_absolute() or ".." in path.parts:
        raise InvalidInputError("target: expected an absolute path without ..")
    flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
    descriptor = os.open("/", flags)
    try:
        for part in path.parts[1:]:
            try:
                inner = os.open(part, flags | os.O_NOFOLLOW, dir_fd=descriptor)
            except FileNotFoundError:
                raise NotFoundError("target: no such directory") from None
            except OSError as error:
                if error.errno in {errno.ENOTDIR, errno.ELOOP}:
                    raise InvalidInputError("target: expected directories only, no symbolic link") from None
                raise
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)
