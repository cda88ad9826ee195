"""Which volumes a directory of the host has to do with: those mounted above it, on it, or below it.

Also volumes of other nodes of this host, and mounts that somebody made by hand: what counts is what the
kernel says of the device.
"""

from dataclasses import dataclass
from pathlib import Path

from holdfast.volumes import loop
from holdfast.volumes.dm_crypt import mapped_uuid
from holdfast.volumes.mounts import all_mounts


@dataclass(frozen=True, slots=True)
class MountedVolume:
    """A mount of a volume.

    Attributes:
        target: where it is mounted.
        uuid: of the volume.
    """

    target: Path
    uuid: str


def mounted_around(path: Path) -> list[MountedVolume]:
    """Return the mounts of volumes that have ``path`` in them, are there, or lie below it."""
    found = (
        MountedVolume(mount.target, _uuid_of(mount.device))
        for mount in all_mounts()
        if mount.target == path or mount.target in path.parents or path in mount.target.parents
    )
    return [mounted for mounted in found if mounted.uuid]


def _uuid_of(device: str) -> str:
    """Return the volume that a device, ``major:minor``, is for; empty for a device that is none of ours."""
    name = Path("/sys/dev/block", device).resolve().name
    return loop.marked_uuid(name) or mapped_uuid(name)
