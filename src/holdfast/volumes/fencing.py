"""Taking volumes away from whoever uses them, at once: what is written after that reaches no disk.

First the device is made to fail, which waits for nobody. Then the file systems on it are shut down, and
last the device is taken away as far as its users let it.
"""

import contextlib
import fcntl
import os
import struct
from collections.abc import Iterable

from holdfast.errors import HoldfastError
from holdfast.volumes import loop
from holdfast.volumes.backend import AttachStage, VolumeBackend
from holdfast.volumes.lease_file import LeasedVolume

_FS_IOC_SHUTDOWN = 0x8004587D  # ext4 and XFS
_WITHOUT_WRITING_THE_LOG = struct.pack("=I", 2)


def cut_off(volume: LeasedVolume, backends: Iterable[VolumeBackend]) -> str:
    """Make every use of a volume fail from now on; waits for nobody.

    Args:
        volume: the volume; a device of it that was made later is another node's, and left alone.
        backends: all that may have attached it.

    Returns:
        What went wrong, for the operator; empty if nothing did.
    """
    vol, backend = volume.file(), _backend_of(volume, backends)
    if backend is None:
        return ""
    problem = ""
    try:
        backend.cut_off(vol)
    except (HoldfastError, OSError) as error:
        problem = str(error)
    with contextlib.suppress(HoldfastError, OSError):
        for target in backend.status(vol).mounts:
            _shut_down(str(target))
    return problem


def take_away(volume: LeasedVolume, backends: Iterable[VolumeBackend]) -> str:
    """Detach a volume that was cut off; returns what is left of it, empty if nothing is."""
    vol, backend = volume.file(), _backend_of(volume, backends)
    if backend is None:
        return ""
    try:
        backend.detach(vol, force=True)
    except (HoldfastError, OSError) as error:
        return str(error)
    return ""


def _backend_of(volume: LeasedVolume, backends: Iterable[VolumeBackend]) -> VolumeBackend | None:
    vol, device = volume.file(), loop.find(volume.uuid)
    if device is not None and volume.sequence not in {0, loop.sequence(device.path)}:
        return None
    for backend in backends:
        if device is not None:
            if backend.name == device.backend.removesuffix(loop.WORK_SUFFIX):
                return backend
            continue
        if backend.status(vol).stage is not AttachStage.DETACHED:  # a mapping whose loop device is gone
            return backend
    return None


def _shut_down(target: str) -> None:
    descriptor = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.ioctl(descriptor, _FS_IOC_SHUTDOWN, _WITHOUT_WRITING_THE_LOG)
    finally:
        os.close(descriptor)
