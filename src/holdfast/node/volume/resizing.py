"""Making a volume larger, attached or not.

Order: the backing file, the record, the device, the file system. Each step can be repeated, and the record
never promises more than the file has; what was cut short is finished by the same request again, or by the
next mount. A volume with integrity is let to nobody until its record is true of it.
"""

import msgspec

from holdfast.errors import ConflictError, UnsupportedError
from holdfast.node.cluster.locks import Still, VolumeLocks
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.devices import Devices
from holdfast.node.inventory.records import VolumeRecord
from holdfast.node.keys.key_rotation import KeyRotation
from holdfast.node.keys.volume_keys import VolumeKeys
from holdfast.node.volume.copies import require_complete
from holdfast.node.volume.file_systems import FileSystemCare
from holdfast.volumes.backend import AttachStage, VolumeFile
from holdfast.volumes.errors import VolumeBusyError
from holdfast.volumes.integrity import finish_growth, grow, require_detached
from holdfast.volumes.lock import volume_lock
from holdfast.volumes.luks_header import LuksHeader
from holdfast.volumes.luks_read import data_segment


class VolumeResizer:
    """Makes volumes larger. The caller has passed the gates."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        devices: Devices,
        keys: VolumeKeys,
        rotation: KeyRotation,
        care: FileSystemCare,
        locks: VolumeLocks,
    ) -> None:
        self._keys = keys
        self._rotation = rotation
        self._catalog = catalog
        self._devices = devices
        self._care = care
        self._locks = locks

    def resize(self, volume_id: str, size_bytes: int, *, still: Still) -> VolumeRecord:
        """Make a volume as large as asked for; ``grow_pending`` of what is returned tells what is left.

        Args:
            volume_id: which volume.
            size_bytes: how large.
            still: see ``Still``.

        Raises:
            InvalidInputError: the size cannot be, or is smaller than the present one.
            ConflictError: it is a snapshot.
            UnsupportedHeaderError: it is being re-encrypted.
            UnsupportedError: its encryption is authenticated, and this host has nothing to attach it by.
            PoolFullError: the pool has less free space than that.
            VolumeBusyError: its device is broken; or its encryption is authenticated, and it is attached.
            ProviderUnavailableError, SecretNotFoundError: the key of such a volume cannot be had.
        """
        with self._locks.turn(volume_id, still) as present:
            record = present
            require_complete(record)
            if record.is_snapshot:
                raise ConflictError("a snapshot keeps its size; make a clone of it and resize that")
            state = self._devices.state(record)
            if state.stage is AttachStage.BROKEN:
                raise VolumeBusyError("the volume's device is broken; detach it with force first")
            larger = self._make_room(record, size_bytes)
            if larger.size > record.size_bytes:
                record = self._catalog.update(
                    volume_id,
                    lambda now: msgspec.structs.replace(now, size_bytes=larger.size, grow_pending=True),
                )
            if record.integrity:
                vol = self._devices.file(record)
                with volume_lock(vol):
                    finish_growth(vol)
            if record.grow_pending and state.attachment is not None and not state.attachment.readonly:
                try:
                    self._care.grow(record, state.attachment.device)
                except UnsupportedError:  # attached by an older version; it grows when attached again
                    return record
            return self._catalog.get(volume_id)

    def _make_room(self, record: VolumeRecord, size_bytes: int) -> VolumeFile:
        vol, pool = self._devices.file(record), self._devices.pool
        if record.integrity:
            self._devices.require_integrity()
            require_detached(vol, "grows")
            with self._keys.fetch(self._rotation.reference_of(record)) as key, volume_lock(vol):
                data_segment(LuksHeader(vol).read(), integrity=True, growing=True)
                return grow(pool, vol, size_bytes, key)
        with volume_lock(vol):
            if record.encrypted:
                data_segment(LuksHeader(vol).read())  # refuses one erased, or half re-encrypted
            return pool.grow(vol, size_bytes)
