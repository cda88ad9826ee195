"""Giving a volume another key, in an order that a crash cannot turn into a loss.

The new key is stored in the provider and read back first. Then the header changes (add, prove, note,
remove the old one), and last the node's record. The old key stays in the provider: backups of the
volume still need it.
"""

from dataclasses import dataclass

import msgspec

from holdfast.errors import ConflictError, HoldfastError
from holdfast.model import SecretBytes
from holdfast.node.catalog import Catalog
from holdfast.node.devices import Devices
from holdfast.node.keys import VolumeKeys
from holdfast.node.locks import VolumeLocks
from holdfast.node.records import KeyNote, VolumeRecord
from holdfast.volumes.key_reference import KeyReference
from holdfast.volumes.lifecycle import rotate_key
from holdfast.volumes.luks_header import LuksHeader


@dataclass(frozen=True, slots=True)
class RotationOutcome:
    """What became of one volume when its key was to change.

    Attributes:
        volume_id: which volume.
        name: its name.
        rotated: whether the new key opens it and the old one does not.
        problem: if not, why; the old key opens it still.
    """

    volume_id: str
    name: str
    rotated: bool
    problem: str = ""


class KeyRotation:
    """Changes keys of volumes. The caller has passed the gates."""

    def __init__(self, *, catalog: Catalog, devices: Devices, keys: VolumeKeys, locks: VolumeLocks) -> None:
        self._catalog = catalog
        self._devices = devices
        self._keys = keys
        self._locks = locks

    def rotate(self, volume_id: str, note: KeyNote, new_key: SecretBytes) -> VolumeRecord:
        """Make ``new_key``, which ``note`` says where to find, the key of a volume.

        Raises:
            ProviderUnavailableError, SecretNotFoundError: the key so far cannot be had.
            WrongKeyError: the key so far does not open the volume.
            ConflictError: the volume is not encrypted.
        """
        with self._locks.holding(volume_id):
            record = self._catalog.get(volume_id)
            reference = self.reference_of(record)
            if reference != note.reference():
                with self._keys.fetch(reference) as old_key:
                    rotate_key(self._devices.file(record), old_key, new_key, note.reference())
            return self._catalog.update(volume_id, lambda now: msgspec.structs.replace(now, key=note))

    def try_rotate(self, record: VolumeRecord, note: KeyNote, new_key: SecretBytes) -> RotationOutcome:
        """Rotate one of several volumes: its trouble is reported, and does not stop the others."""
        try:
            self.rotate(record.id, note, new_key)
        except HoldfastError as error:
            return RotationOutcome(record.id, record.name, rotated=False, problem=error.message)
        except OSError as error:
            problem = f"its backing file cannot be used ({error.strerror or type(error).__name__})"
            return RotationOutcome(record.id, record.name, rotated=False, problem=problem)
        return RotationOutcome(record.id, record.name, rotated=True)

    def reference_of(self, record: VolumeRecord) -> KeyReference:
        """Return where a volume's key is: as its header says, for the header changes with the key.

        Raises:
            ConflictError: the volume is not encrypted, or its backing file is gone.
        """
        if record.key is None:
            raise ConflictError("the volume is not encrypted and has no key")
        try:
            noted = LuksHeader(self._devices.file(record)).noted_key()
        except FileNotFoundError:
            raise ConflictError(
                "the volume's backing file is gone; restore it or delete the volume"
            ) from None
        return noted.reference if noted is not None else record.key.reference()
