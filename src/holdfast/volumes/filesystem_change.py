"""Changes of a file system that is there already: another identity, and the growth of its device.

The identity of a file system is what the host takes two of them apart by. A copy of a volume has the
identity of the original inside, whatever its header says; XFS refuses to mount both.
"""

import contextlib
import os
import uuid as uuid_module
from pathlib import Path

from holdfast.process.capabilities import CAP_SYS_RESOURCE, has_capability
from holdfast.process.run import ChildFailedError, run
from holdfast.volumes.errors import DamagedFileSystemError, VolumeBusyError
from holdfast.volumes.filesystem import detect
from holdfast.volumes.mounts import mounts_of

_TIMEOUT_SECONDS = 3600.0
_UUID_AT = {"ext4": 0x468, "xfs": 0x20}
_SOUND = (0, 1)  # e2fsck(8): sound, or made sound, such as by replaying the journal


def identity_of(device: str) -> str | None:
    """Return the UUID of the file system on a device, if it is one that is offered here."""
    kind = detect(device)
    if kind is None:
        return None
    descriptor = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return str(uuid_module.UUID(bytes=os.pread(descriptor, 16, _UUID_AT[kind])))
    finally:
        os.close(descriptor)


def set_identity(device: str, uuid: str) -> bool:
    """Give the file system on an unmounted device a UUID; returns whether it has it now.

    It does not where an XFS log has yet to be replayed: mount and unmount it, then repeat.

    Raises:
        DamagedFileSystemError: the file system is not sound, or there is none.
        VolumeBusyError: it is mounted.
    """
    if identity_of(device) == uuid:
        return True
    if mounts_of(device):
        raise VolumeBusyError("the volume is mounted; unmount it first")
    if detect(device) == "ext4":
        _repair(device)
        run(["tune2fs", "-f", "-U", uuid, device], timeout_seconds=_TIMEOUT_SECONDS)
        return True
    with contextlib.suppress(ChildFailedError):
        run(["xfs_admin", "-U", uuid, device], timeout_seconds=_TIMEOUT_SECONDS)
    return identity_of(device) == uuid


def grows_while_mounted(kind: str) -> bool:
    """Whether this process can grow a mounted file system of a kind; ext4 needs a capability for that."""
    return kind == "xfs" or has_capability(CAP_SYS_RESOURCE)


def grows_while_unmounted(kind: str) -> bool:
    """Whether a file system of a kind can be grown while it is not mounted."""
    return kind == "ext4"


def grow_mounted(device: str, kind: str, target: Path) -> None:
    """Make a file system as large as its device while it is mounted on ``target``."""
    argv = ["xfs_growfs", "-d", str(target)] if kind == "xfs" else ["resize2fs", device]
    run(argv, timeout_seconds=_TIMEOUT_SECONDS)


def grow_unmounted(device: str) -> None:
    """Make an ext4 file system as large as its device.

    Raises:
        DamagedFileSystemError: it is not sound.
        VolumeBusyError: it is mounted.
    """
    if mounts_of(device):
        raise VolumeBusyError("the volume is mounted; unmount it first")
    _repair(device)
    run(["resize2fs", device], timeout_seconds=_TIMEOUT_SECONDS)


def _repair(device: str) -> None:
    """Replay the journal, and prove that the file system is sound."""
    ended = run(["e2fsck", "-f", "-p", device], timeout_seconds=_TIMEOUT_SECONDS, expect=range(256))
    if ended.returncode not in _SOUND:
        raise DamagedFileSystemError(
            "the file system on the volume is damaged", detail=ended.stdout.decode(errors="replace")
        )
