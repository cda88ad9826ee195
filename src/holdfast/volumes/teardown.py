"""Taking a marked loop device away, and waiting until the kernel has really let go of it."""

import time
from collections.abc import Callable

from holdfast.volumes import loop, syscalls
from holdfast.volumes.errors import VolumeBusyError
from holdfast.volumes.mounts import mounts_of

SETTLE_SECONDS = 5.0
_POLL_SECONDS = 0.005


def refuse_mounted(device: str) -> None:
    """Raise ``VolumeBusyError`` if a device is mounted."""
    mounts = mounts_of(device)
    if mounts:
        raise VolumeBusyError("the volume is mounted; unmount it first", detail=str(mounts[0].target))


def unmount_lazily(device: str) -> None:
    """Take every mount of a device out of sight; users of open files keep it until they let go."""
    for mount in reversed(mounts_of(device)):
        syscalls.unmount(str(mount.target), syscalls.MNT_DETACH)


def release_loop(uuid: str) -> bool:
    """Detach the loop device of a volume; returns whether it is gone, after waiting a little."""
    device = loop.find(uuid)
    if device is None:
        return True
    # The kernel takes a device in use away only when its last user has gone, and says so to nobody.
    loop.detach(device.path)
    return wait_until(lambda: loop.find(uuid) is None)


def wait_until(condition: Callable[[], bool]) -> bool:
    """Return whether the condition came true within ``SETTLE_SECONDS``."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
