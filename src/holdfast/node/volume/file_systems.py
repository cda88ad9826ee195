"""Bringing the file system in a volume up to what the volume's record says, around mounting it.

The file system of a clone gets the identity of its volume, so that it can be told from its parent's. That of
a volume that has grown is made to fill it. Both may have to wait: for a moment in which it is not mounted, or
in which it is; the record keeps what is left to do.
"""

import os
from pathlib import Path

import msgspec

from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.devices import Devices
from holdfast.node.inventory.records import VolumeRecord
from holdfast.volumes import filesystem
from holdfast.volumes import filesystem_change as change
from holdfast.volumes.mounts import mounts_of


class FileSystemCare:
    """Looks after file systems. The caller holds the volume's lock."""

    def __init__(self, *, catalog: Catalog, devices: Devices) -> None:
        self._catalog = catalog
        self._devices = devices

    def before_mount(self, record: VolumeRecord, device: str, target: Path) -> None:
        """Do what has to be done while it is not mounted.

        Args:
            record: the volume; attached for writing.
            device: its device, with a file system on it.
            target: where it is about to be mounted.

        Raises:
            DamagedFileSystemError: something has to be done, and the file system is not sound.
        """
        if mounts_of(device):
            return
        if record.parent and not change.set_identity(device, record.uuid):
            filesystem.mount(device, target)  # replays the log, without which XFS does not let it change
            filesystem.unmount(target)
            change.set_identity(device, record.uuid)
        if record.grow_pending and change.grows_while_unmounted(record.file_system):
            self._reach(record, device)
            change.grow_unmounted(device)
            self._grown(record)

    def after_mount(self, record: VolumeRecord, device: str) -> None:
        """Do what can be done only while it is mounted."""
        if self._catalog.get(record.id).grow_pending:
            self.grow(record, device)

    def grow(self, record: VolumeRecord, device: str) -> None:
        """Make the device, and if that can be done now the file system too, fill a volume that has grown."""
        self._reach(record, device)
        mounts, kind = mounts_of(device), record.file_system
        if filesystem.detect(device) != kind:
            return  # there is none yet; it will be made to fill the device, which is noted until then
        if mounts and change.grows_while_mounted(kind):
            change.grow_mounted(device, kind, mounts[0].target)
            self._grown(record)
        elif not mounts and change.grows_while_unmounted(kind):
            change.grow_unmounted(device)
            self._grown(record)

    def _reach(self, record: VolumeRecord, device: str) -> None:
        descriptor = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
        try:
            size = os.lseek(descriptor, 0, os.SEEK_END)
        finally:
            os.close(descriptor)
        if size < record.size_bytes:
            self._devices.attacher(record).grow(self._devices.file(record))

    def _grown(self, record: VolumeRecord) -> None:
        self._catalog.update(record.id, lambda now: msgspec.structs.replace(now, grow_pending=False))
