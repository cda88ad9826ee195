"""Bringing a volume into being, finishing what a crash cut short, and taking it away without a trace.

Order when making: record (with the identity that the header will carry), key, backing file, header. Each
step can be repeated, so that the same request again finishes an interrupted one. Order when removing:
keyslots, own key, file, record; each of them may be missing already. A key of the volume's own stays as long
as a snapshot or a clone needs it, and goes with the last of them.
"""

from dataclasses import dataclass
from typing import Self

import msgspec

from holdfast.errors import HoldfastError, NotFoundError
from holdfast.model import SecretBytes
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.devices import Devices
from holdfast.node.inventory.records import KeyNote, KeyOrigin, VolumeRecord, VolumeState
from holdfast.node.keys.volume_keys import VolumeKeys
from holdfast.providers import SecretNotFoundError
from holdfast.volumes.integrity import format_volume
from holdfast.volumes.lifecycle import EraseReport, crypto_erase
from holdfast.volumes.lock import volume_lock

MAX_NAMES_TOLD = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalReport:
    """What became of a volume that was removed.

    Attributes:
        volume_id: which volume.
        name: its name.
        erased: what happened to its keyslots; ``None`` if it had no header.
        own_key_destroyed: whether the key made for this volume alone was destroyed in the provider;
            ``None`` if its key was not its own. It is not while a snapshot or clone needs it.
        remarks: what the operator should know or still do.
    """

    volume_id: str
    name: str
    erased: EraseReport | None
    own_key_destroyed: bool | None
    remarks: tuple[str, ...]

    @classmethod
    def of_before(cls, volume_id: str) -> Self:
        """Return what is said of a volume that was removed before."""
        remarks = ("it was removed before",)
        return cls(volume_id=volume_id, name="", erased=None, own_key_destroyed=None, remarks=remarks)


class VolumeMaker:
    """Makes and removes volumes. The caller holds the volume's lock, and has passed the gates."""

    def __init__(self, *, catalog: Catalog, devices: Devices, keys: VolumeKeys) -> None:
        self._catalog = catalog
        self._devices = devices
        self._keys = keys

    def make(self, record: VolumeRecord) -> VolumeRecord:
        """Make a volume that is recorded as prepared, or finish making it.

        Raises:
            ProviderUnavailableError: its key cannot be had.
            PoolFullError: no room.
            ForeignVolumeError: something else is where it should be.
        """
        if record.key is None:
            self._make_file(record)
            return self._finish(record)
        note, key = self._key_for(record.key)
        with key:
            record = self._catalog.update(record.id, lambda now: msgspec.structs.replace(now, key=note))
            self._make_file(record)
            vol = self._devices.file(record)
            with volume_lock(vol):
                format_volume(vol, key, note.reference())
        return self._finish(record)

    def discard(self, record: VolumeRecord) -> None:
        """Take back a volume whose making failed; what cannot be taken back stays recorded as prepared."""
        try:
            self.remove(record)
        except HoldfastError:
            return

    def remove(self, record: VolumeRecord, *, by: str = "") -> RemovalReport:
        """Crypto-erase and remove a detached volume.

        Args:
            record: the volume.
            by: the user who asked for it.

        Raises:
            VolumeBusyError: it is attached.
        """
        vol = self._devices.file(record)
        remarks: list[str] = []
        self._devices.pool.require_detached(vol)  # a plain volume has nothing to be erased that would say so
        erased = crypto_erase(vol) if record.encrypted and vol.path.exists() else None
        # From here on it needs its key no more: of two copies that are removed at once, the last sees that.
        self._catalog.update(record.id, lambda now: msgspec.structs.replace(now, state=VolumeState.REMOVING))
        own_key_destroyed = self._destroy_own_key(record, remarks)
        try:
            self._devices.pool.delete(vol)
        except NotFoundError:
            remarks.append("there was no backing file")
        self._catalog.remove(record, by=by)
        remarks += self._remaining_copies(record)
        if erased is not None:
            remarks += erased.caveats
        return RemovalReport(
            volume_id=record.id,
            name=record.name,
            erased=erased,
            own_key_destroyed=own_key_destroyed,
            remarks=tuple(remarks),
        )

    def _key_for(self, note: KeyNote) -> tuple[KeyNote, SecretBytes]:
        if note.origin is KeyOrigin.OWN:
            return self._keys.make_first(note)
        try:
            return self._keys.at(note)
        except SecretNotFoundError as error:
            if note.origin is not KeyOrigin.CLUSTER:
                raise
            raise SecretNotFoundError(
                "the cluster-wide key is not in the provider; see `hfctl secrets status`", detail=error.detail
            ) from None

    def _make_file(self, record: VolumeRecord) -> None:
        if not self._devices.file(record).path.exists():
            self._devices.pool.create(
                record.id,
                record.size_bytes,
                uuid=record.uuid,
                encrypted=record.encrypted,
                integrity=record.integrity,
            )

    def _finish(self, record: VolumeRecord) -> VolumeRecord:
        return self._catalog.update(
            record.id, lambda now: msgspec.structs.replace(now, state=VolumeState.FORMATTED)
        )

    def _destroy_own_key(self, record: VolumeRecord, remarks: list[str]) -> bool | None:
        note = record.key
        if note is None or note.origin is not KeyOrigin.OWN:
            return None
        users = self._users_of_own(note)
        if users:
            remarks.append(
                f"the secret {note.name} is kept: it opens {_some(users)}, and goes with the last of them"
            )
            return False
        try:
            self._keys.destroy(note)
        except HoldfastError as error:
            # The keyslots are gone already; a volume must not outlive its provider.
            then = "destroy it there"
            if note.provider == self._keys.kind:
                self._catalog.note_leftover_key(note)
                then = "the node destroys it once it can"
            remarks.append(f"the secret {note.name} is still in the provider ({error.message}); {then}")
            return False
        return True

    def _users_of_own(self, note: KeyNote) -> list[str]:
        """Return the names of the volumes that a key made for one opens: that one, and snapshots of it."""
        made_for = note.name.rpartition("/")[2]
        found = self._catalog.find(made_for)
        candidates = [*([] if found is None else [found]), *self._catalog.copies_of(made_for)]
        return [
            other.name
            for other in candidates
            if other.state is not VolumeState.REMOVING
            and other.key is not None
            and other.key.same_secret(note)
        ]

    def _remaining_copies(self, record: VolumeRecord) -> list[str]:
        copies = [other.name for other in self._catalog.copies_of(record.id)]
        return [f"what was copied from it remains, and stays readable: {_some(copies)}"] if copies else []


def _some(names: list[str]) -> str:
    """Say a few of many names."""
    told = ", ".join(names[:MAX_NAMES_TOLD])
    return told if len(names) <= MAX_NAMES_TOLD else f"{told} and {len(names) - MAX_NAMES_TOLD} more"
