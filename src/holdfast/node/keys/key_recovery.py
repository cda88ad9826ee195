"""Recovery keys: made by the node, given away once, and kept by a person. See ``volumes.recovery``."""

from dataclasses import dataclass

import msgspec

from holdfast.crypto.openpgp import read_recipient
from holdfast.errors import ConflictError
from holdfast.model import SecretBytes
from holdfast.node.cluster.locks import Still, VolumeLocks
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.devices import Devices
from holdfast.node.inventory.records import KeyNote, VolumeRecord
from holdfast.node.keys.cluster_key import ClusterKeyReference
from holdfast.node.keys.key_rotation import KeyRotation
from holdfast.node.keys.next_key import next_key
from holdfast.node.keys.volume_keys import VolumeKeys
from holdfast.providers.generate import random_key
from holdfast.volumes.luks_header import LuksHeader
from holdfast.volumes.recovery import add_recovery_key, recover, remove_recovery_key


@dataclass(frozen=True, slots=True)
class RecoveryKey:
    """A recovery key on its way to whoever is to keep it.

    Attributes:
        slot: the keyslot that it opens.
        key: the key itself as text, or an OpenPGP message with it.
        fingerprint: of the OpenPGP key that it is encrypted to; empty if it is in clear.
    """

    slot: int
    key: SecretBytes
    fingerprint: str


class KeyRecovery:
    """Makes, removes and uses recovery keys. The caller has passed the gates."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        devices: Devices,
        keys: VolumeKeys,
        cluster_key: ClusterKeyReference,
        rotation: KeyRotation,
        locks: VolumeLocks,
    ) -> None:
        self._catalog = catalog
        self._devices = devices
        self._keys = keys
        self._cluster_key = cluster_key
        self._rotation = rotation
        self._locks = locks

    def add(self, volume_id: str, *, still: Still, public_key: bytes = b"") -> RecoveryKey:
        """Make a recovery key for a volume; the caller wipes it.

        Args:
            volume_id: which volume.
            still: see ``Still``.
            public_key: an OpenPGP public key, to encrypt the recovery key to.

        Raises:
            ConflictError: the volume is not encrypted, or has a recovery key.
            KeyUnusableError: no OpenPGP public key that encrypts.
            ProviderUnavailableError, SecretNotFoundError: the volume's own key cannot be had.
        """
        recipient = read_recipient(public_key) if public_key else None
        with self._locks.turn(volume_id, still) as record:
            _key_of(record)
            with self._current_key(record) as key, random_key() as recovery_key:
                slot = add_recovery_key(self._devices.file(record), key, recovery_key)
                if recipient is None:
                    return RecoveryKey(slot, SecretBytes(recovery_key.view()), "")
                message = recipient.encrypt(recovery_key.reveal())
                return RecoveryKey(slot, SecretBytes(message), recipient.fingerprint)

    def remove(self, volume_id: str, *, still: Still) -> int:
        """Destroy the keyslots of a volume's recovery key; returns how many there were.

        Raises:
            ConflictError: the volume is not encrypted.
            ProviderUnavailableError, SecretNotFoundError: the volume's own key cannot be had.
        """
        with self._locks.turn(volume_id, still) as record:
            _key_of(record)
            with self._current_key(record) as key:
                return len(remove_recovery_key(self._devices.file(record), key))

    def recover(self, volume_id: str, recovery_key: SecretBytes, *, still: Still) -> VolumeRecord:
        """Give a volume whose key is lost a new one of the same kind.

        Raises:
            WrongKeyError: the recovery key does not open it.
            ConflictError: the volume is not encrypted, or has no recovery key.
            ProviderUnavailableError, NoClusterKeyError: there is no new key to be had.
        """
        with self._locks.turn(volume_id, still) as record:
            lost = _key_of(record)
            vol = self._devices.file(record)
            slots = LuksHeader(vol).recovery_slots()
            if not slots:
                raise ConflictError("the volume has no recovery key")
            LuksHeader(vol).verify(recovery_key, slots[0])  # before a new key is made for nothing
            note, new_key = next_key(self._keys, self._cluster_key, lost)
            with new_key:
                recover(vol, recovery_key, new_key, note.reference())
            return self._catalog.update(volume_id, lambda now: msgspec.structs.replace(now, key=note))

    def _current_key(self, record: VolumeRecord) -> SecretBytes:
        return self._keys.fetch(self._rotation.reference_of(record))


def _key_of(record: VolumeRecord) -> KeyNote:
    if record.key is None:
        raise ConflictError("the volume is not encrypted and has no key")
    return record.key
