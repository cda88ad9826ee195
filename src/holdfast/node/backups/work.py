"""What backing up, restoring and verifying do, once the gates were passed; each in a task of its own."""

import hashlib
import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from holdfast.clock import Clock
from holdfast.errors import HoldfastError
from holdfast.model import SecretBytes
from holdfast.node.backups.format import (
    MAX_MANIFEST_BYTES,
    BackupId,
    DamagedBackupError,
    Manifest,
    SetKeys,
    encode_manifest,
    read_manifest,
)
from holdfast.node.backups.protection import SECRET, WrappedKey
from holdfast.node.backups.records import BackupCatalog, BackupRecord, TaskRecord
from holdfast.node.backups.stores import BackupKeys, OpenBucket, is_missing
from holdfast.node.backups.tasks import Progress
from holdfast.node.backups.transfer import Transfer, bytes_to_move
from holdfast.node.cluster.locks import Still, VolumeLocks
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.devices import Devices
from holdfast.node.inventory.records import KeyNote, VolumeRecord
from holdfast.node.volume.copies import VolumeCopies
from holdfast.volumes.backend import VolumeFile
from holdfast.volumes.errors import PoolFullError
from holdfast.volumes.key_reference import KeyReference
from holdfast.volumes.luks_header import HEADER_BYTES
from holdfast.volumes.luks_read import data_segment, read_header

# A backup's header is opened by a random key, which needs no more. Whoever made up a backup of his own could
# have the node spend as much memory as another derivation asks for.
_MOST_ITERATIONS = 10_000
BACKUP_KEY = "cloud-backup"  # in the header's note, as the provider that has its key: no provider has


@dataclass(frozen=True, slots=True)
class OpenBackup:
    """A backup whose manifest was opened.

    Attributes:
        identity: which.
        bucket: where it is.
        keys: of its set.
        manifest: what it holds.
    """

    identity: BackupId
    bucket: OpenBucket
    keys: SetKeys
    manifest: Manifest


class BackupWork:
    """Does the work."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        devices: Devices,
        copies: VolumeCopies,
        locks: VolumeLocks,
        backups: BackupCatalog,
        keys: BackupKeys,
        clock: Clock,
    ) -> None:
        self._catalog = catalog
        self._devices = devices
        self._copies = copies
        self._locks = locks
        self._backups = backups
        self._keys = keys
        self._clock = clock

    def back_up(
        self,
        task: TaskRecord,
        note: KeyNote | None,
        bucket: OpenBucket,
        progress: Progress,
        *,
        still: Still,
    ) -> BackupRecord:
        """Make a backup of what a volume holds at this moment.

        Args:
            task: says of which volume, and as which backup.
            note: the secret that opens its set; ``None`` for the credential's passphrase.
            bucket: where to.
            progress: of the task.
            still: see ``Still``; of a caller who reads the volume.
        """
        identity = BackupId.parse(task.backup_id)
        keys = self._set_keys(identity, note, bucket)
        volume = self._catalog.get(task.volume_id)
        reference = KeyReference(BACKUP_KEY, str(identity))
        with ExitStack() as held:
            with self._locks.turn(volume.id, still) as now:
                volume = now
                taken_at = int(self._clock.now())
                file, key = held.enter_context(self._copies.image(volume, reference))
            size = _file_bytes(file)
            progress.total = bytes_to_move(file.path, size)
            transfer = Transfer(bucket.objects, identity.place, keys, progress.advance)
            uploaded = transfer.upload(file.path, size)
            progress.moved = uploaded.uploaded_bytes
            manifest = Manifest(
                backup_id=str(identity),
                volume_id=volume.id,
                volume_name=volume.name,
                size_bytes=volume.size_bytes,
                file_system=volume.file_system,
                encrypted=volume.encrypted,
                file_bytes=size,
                header_key=key.reveal().decode(),
                grow_pending=volume.grow_pending,
                created_at=taken_at,
                volume_labels=volume.labels,
                labels=task.labels,
                pages=uploaded.pages,
                stored_bytes=uploaded.stored_bytes,
                uploaded_bytes=uploaded.uploaded_bytes,
                integrity=volume.integrity,
            )
        sealed = keys.seal(identity.manifest, encode_manifest(manifest))
        bucket.objects.put(identity.manifest, sealed)
        record = BackupRecord(
            id=str(identity),
            volume_id=volume.id,
            volume_name=volume.name,
            credential_id=task.credential_id,
            protection=task.protection,
            created_at=taken_at,
            size_bytes=volume.size_bytes,
            stored_bytes=uploaded.stored_bytes,
            uploaded_bytes=uploaded.uploaded_bytes,
            labels=task.labels,
            manifest_digest=hashlib.sha256(sealed).digest(),
            stored_ownership=volume.stored_ownership,
        )
        self._backups.put(record)
        return record

    def open(
        self, identity: BackupId, bucket: OpenBucket, wrapped: WrappedKey, known: BackupRecord | None
    ) -> OpenBackup:
        """Open the manifest of a backup.

        Args:
            identity: which.
            bucket: where it is.
            wrapped: its set's key; the caller may name the secret that it names.
            known: what this cluster remembers of it.

        Raises:
            NotFoundError: there is none.
            WrongBackupKeyError, DamagedBackupError: it does not open, or is not the one that was stored.
        """
        keys = self._keys.open(bucket, identity.place, wrapped)
        sealed = bucket.objects.get(identity.manifest, max_bytes=MAX_MANIFEST_BYTES)
        manifest = read_manifest(keys, identity, sealed)
        if known is not None and hashlib.sha256(sealed or b"").digest() != known.manifest_digest:
            raise DamagedBackupError("the manifest is another one than this cluster stored")
        kind = {"encrypted": manifest.encrypted, "integrity": manifest.integrity}
        if manifest.file_bytes != _file_bytes(VolumeFile("", Path(), manifest.size_bytes, "", **kind)):
            raise DamagedBackupError("the backup is not as long as the volume was made")
        return OpenBackup(identity, bucket, keys, manifest)

    def restore(self, backup: OpenBackup, record: VolumeRecord, progress: Progress) -> None:
        """Make a volume of a backup, or leave nothing."""
        manifest = backup.manifest
        progress.total = manifest.stored_bytes

        def fill(draft: VolumeFile) -> None:
            if manifest.stored_bytes > self._devices.pool.free_bytes():
                raise PoolFullError("the pool has less free space than the backup takes up")
            self._transfer(backup, progress).download(manifest, draft.path)
            if manifest.encrypted:
                _require_plain_derivation(draft)

        with self._locks.making(record.id), SecretBytes(manifest.header_key.encode()) as key:
            self._copies.adopt(record, key, fill)

    def verify(self, backup: OpenBackup, progress: Progress) -> None:
        """Read all of a backup."""
        progress.total = backup.manifest.stored_bytes
        self._transfer(backup, progress).verify(backup.manifest)

    def _transfer(self, backup: OpenBackup, progress: Progress) -> Transfer:
        return Transfer(backup.bucket.objects, backup.identity.place, backup.keys, progress.advance)

    def _set_keys(self, identity: BackupId, note: KeyNote | None, bucket: OpenBucket) -> SetKeys:
        place = identity.place
        if not identity.incremental and is_missing(bucket, place):
            return self._keys.create(bucket, place, note)
        try:
            wrapped = self._keys.read(bucket, place)
            if not _is_for(wrapped, note):
                raise DamagedBackupError("the bucket names another key for the backup than it was made with")
            return self._keys.open(bucket, place, wrapped)
        except HoldfastError as error:
            error.message += "; or ask for a full backup (--full), which needs nothing that is there"
            raise


def _file_bytes(vol: VolumeFile) -> int:
    return vol.area_bytes + (HEADER_BYTES if vol.encrypted else 0)


def _is_for(wrapped: WrappedKey, note: KeyNote | None) -> bool:
    if note is None:
        return wrapped.by != SECRET
    named = (wrapped.by, wrapped.provider, wrapped.path, wrapped.namespace)
    return named == (SECRET, note.provider, note.name, note.namespace)


def _require_plain_derivation(draft: VolumeFile) -> None:
    """Refuse a header that no backup of ours has, before a key is tried on it."""
    file = os.open(draft.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        header = read_header(file)
    finally:
        os.close(file)
    data_segment(header, integrity=draft.integrity)
    for slot in header.metadata["keyslots"].values():
        kdf = slot.get("kdf") if isinstance(slot, dict) else None
        match kdf:
            case {"type": "pbkdf2", "iterations": int(iterations)} if iterations <= _MOST_ITERATIONS:
                continue
        raise DamagedBackupError("the backup's header is none that a backup has")
    if len(header.keyslots) != 1:
        raise DamagedBackupError("the backup's header is none that a backup has")
