"""What a node remembers of its backups, and of the tasks that make, restore and verify them.

    cloud-backups/<cluster>/<volume>-<set>-...   BackupRecord
    cloud-tasks/<id>                             TaskRecord

A backup belongs to whom its volume belonged when it was made, and can be used when the volume is gone. What
is needed to restore it is in the bucket; the record only says who may.

Records are MessagePack arrays that open with their kind and their layout version. Fields are only ever
appended, with a default; their order never changes.
"""

import re
import secrets
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import TypeVar

import msgspec

from holdfast.errors import ConflictError, InvalidInputError
from holdfast.node.access.ownership_note import OwnershipNote
from holdfast.node.access.resource import PAGE
from holdfast.node.backups.format import BackupId
from holdfast.node.stored import read_stored
from holdfast.policy.ownership import Ownership
from holdfast.storage.interface import Reader, Storage, Transaction

BACKUPS, TASKS = "cloud-backups/", "cloud-tasks/"
KEPT_TASKS = 500
SILENT_SECONDS = 120  # after so long without a word, a task of a node that is gone stops nobody
T = TypeVar("T")
_TASK_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


class TaskKind(StrEnum):
    """What a task does."""

    BACKUP = "backup"
    RESTORE = "restore"
    VERIFY = "verify"
    DELETE = "delete"  # keeps others from the volume's backups for the moment


class TaskState(StrEnum):
    """How far a task is."""

    ACTIVE = "active"
    PAUSED = "paused"  # on request, or because the node ended; can be resumed
    DONE = "done"
    STOPPED = "stopped"  # on request; a backup can be resumed
    FAILED = "failed"  # likewise


class BackupRecord(msgspec.Struct, frozen=True, array_like=True, tag="cloud-backup", kw_only=True):
    """One backup.

    Attributes:
        layout: layout version of this record.
        id: see ``format.BackupId``.
        volume_id: which volume.
        volume_name: its name then.
        credential_id: by which it was stored.
        protection: what its set's key is wrapped under; see ``BackupKeys.protection``.
        created_at: Unix seconds.
        size_bytes: what the volume offers.
        stored_bytes: what it holds.
        uploaded_bytes: what of that it added.
        labels: of the backup.
        manifest_digest: SHA-256 of its manifest as it was stored.
        stored_ownership: see ``ownership``.
    """

    layout: int = 1
    id: str
    volume_id: str
    volume_name: str
    credential_id: str
    protection: str
    created_at: int
    size_bytes: int
    stored_bytes: int
    uploaded_bytes: int
    labels: dict[str, str]
    manifest_digest: bytes
    stored_ownership: OwnershipNote

    @property
    def ownership(self) -> Ownership:
        """Whom it belongs to."""
        return self.stored_ownership.ownership()

    @property
    def scope_labels(self) -> None:
        """No scope is about it."""
        return


class TaskRecord(msgspec.Struct, frozen=True, array_like=True, tag="cloud-task", kw_only=True):
    """One task.

    Attributes:
        layout: layout version of this record.
        id: by which it is asked after.
        kind: what it does.
        state: how far it is.
        volume_id: the volume that is backed up, or that is restored; empty for one that verifies.
        backup_id: the backup that is made, restored or verified.
        credential_id: by which it gets at the bucket.
        protection: what the set's key is wrapped under.
        node_id: which node does it.
        started_at: Unix seconds.
        ended_at: Unix seconds; 0 before.
        heard_at: when its node last said that it goes on.
        done_bytes: so far, of those below.
        total_bytes: to be looked at.
        moved_bytes: sent, where that is less than what was looked at.
        problem: why it came to nothing; empty otherwise.
        labels: of the backup.
        stored_ownership: see ``ownership``.
    """

    layout: int = 1
    id: str
    kind: TaskKind
    state: TaskState
    volume_id: str
    backup_id: str
    credential_id: str
    protection: str
    node_id: str
    started_at: int
    ended_at: int = 0
    heard_at: int
    done_bytes: int = 0
    total_bytes: int = 0
    moved_bytes: int = 0
    problem: str = ""
    labels: dict[str, str]
    stored_ownership: OwnershipNote

    @property
    def ownership(self) -> Ownership:
        """Whom it belongs to."""
        return self.stored_ownership.ownership()

    @property
    def scope_labels(self) -> None:
        """No scope is about it."""
        return


_encode = msgspec.msgpack.Encoder().encode
_backup = msgspec.msgpack.Decoder(BackupRecord).decode
_task = msgspec.msgpack.Decoder(TaskRecord).decode


class BackupCatalog:
    """The backups that this cluster made."""

    kind = "cloud backup"

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def check_reference(self, reference: str) -> str:
        """Return ``reference`` if it is the id of a backup, or raise."""
        BackupId.parse(reference)
        return reference

    def find(self, reference: str) -> BackupRecord | None:
        """Return a backup, or ``None``."""
        stored = self._storage.get(BACKUPS + reference)
        return None if stored is None else _read(_backup, stored)

    def enumerate(self) -> Iterator[BackupRecord]:
        """Yield all backups."""
        for cluster in _names(self._storage, BACKUPS):
            for leaf in _names(self._storage, BACKUPS + cluster):
                found = self.find(cluster + leaf)
                if found is not None:
                    yield found

    def of_volume(self, cluster: str, volume_id: str) -> list[BackupRecord]:
        """Return the backups of a volume, the oldest first."""
        found = []
        for leaf in _names(self._storage, f"{BACKUPS}{cluster}/", after=f"{volume_id}-"):
            if not leaf.startswith(f"{volume_id}-"):
                break
            record = self.find(f"{cluster}/{leaf}")
            if record is not None:
                found.append(record)
        return sorted(found, key=lambda record: (record.created_at, record.id))

    def put(self, record: BackupRecord) -> None:
        """Remember a backup."""
        self._storage.write(lambda transaction: transaction.put(BACKUPS + record.id, _encode(record)))

    def remove(self, identity: str) -> None:
        """Forget a backup."""
        self._storage.write(lambda transaction: transaction.delete(BACKUPS + identity))


class TaskCatalog:
    """The tasks of all nodes."""

    kind = "cloud backup task"

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def check_reference(self, reference: str) -> str:
        """Return ``reference`` if it may be the id of a task, or raise."""
        if not _TASK_ID.fullmatch(reference):
            raise InvalidInputError("task_id: expected 1 to 128 letters, digits, dashes and underscores")
        return reference

    def find(self, reference: str) -> TaskRecord | None:
        """Return a task, or ``None``."""
        stored = self._storage.get(TASKS + reference)
        return None if stored is None else _read(_task, stored)

    def enumerate(self) -> Iterator[TaskRecord]:
        """Yield all tasks."""
        for name in _names(self._storage, TASKS):
            found = self.find(name)
            if found is not None:
                yield found

    def begin(self, record: TaskRecord) -> None:
        """Remember that a task begins; forget the oldest that ended long ago.

        Raises:
            ConflictError: a volume is backed up or restored already, or the task goes on.
        """

        def change(transaction: Transaction) -> None:
            ended = []
            for name in _names(transaction, TASKS):
                other = _read(_task, transaction.get(TASKS + name) or b"")
                if other.state is TaskState.DONE or not is_heard(other, record.heard_at):
                    ended.append(other)
                elif other.id == record.id or (record.volume_id and other.volume_id == record.volume_id):
                    raise ConflictError(
                        "the volume is being backed up or restored already; see `hfctl cloudsnap status`"
                    )
            ended.sort(key=lambda other: other.started_at)
            for other in ended[: max(0, len(ended) + 1 - KEPT_TASKS)]:
                transaction.delete(TASKS + other.id)
            transaction.put(TASKS + record.id, _encode(record))

        self._storage.write(change)

    def update(self, identity: str, edit: Callable[[TaskRecord], TaskRecord]) -> None:
        """Change a task's record; nothing happens if it is forgotten."""

        def change(transaction: Transaction) -> None:
            stored = transaction.get(TASKS + identity)
            if stored is not None:
                transaction.put(TASKS + identity, _encode(edit(_read(_task, stored))))

        self._storage.write(change)


def is_heard(record: TaskRecord, now: float) -> bool:
    """Whether some node is at a task still, as far as is known."""
    return (
        record.state in {TaskState.ACTIVE, TaskState.PAUSED}
        and record.ended_at == 0
        and now - record.heard_at < SILENT_SECONDS
    )


def new_task_id() -> str:
    """Return a fresh id."""
    return secrets.token_hex(16)


def _read(decode: Callable[[bytes], T], stored: bytes) -> T:
    return read_stored(decode, stored, "a stored record of a backup")


def _names(reader: Reader, prefix: str, *, after: str = "") -> Iterator[str]:
    while True:
        page = reader.list(prefix, after=after, limit=PAGE)
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1]
