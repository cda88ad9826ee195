"""Service ``CloudBackup``: backups of volumes in stores of objects, and volumes out of backups.

Who reads both a volume and a credential may back the one up by the other. A backup belongs to whom the
volume belongs; who reads it and the credential may restore it, into a volume of his own. A backup that this
cluster does not know, made by another one or before a loss of records, is for storage administrators. A
secret that a caller names, or that a bucket names, is one that the caller must be allowed to name.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import msgspec

from holdfast.clock import Clock
from holdfast.errors import ConflictError, InvalidInputError
from holdfast.model import Principal
from holdfast.node import apis
from holdfast.node.access.gate import Gate
from holdfast.node.access.ownership_note import note_of
from holdfast.node.access.resource import Resource
from holdfast.node.api import Admission, operation
from holdfast.node.backups.format import BackupId, SetPlace, check_cluster
from holdfast.node.backups.protection import PASSPHRASE, SECRET
from holdfast.node.backups.records import (
    BackupCatalog,
    TaskCatalog,
    TaskKind,
    TaskRecord,
    TaskState,
    is_heard,
    new_task_id,
)
from holdfast.node.backups.removal import BackupRemoval
from holdfast.node.backups.restores import NewVolumes, RestoreSpec
from holdfast.node.backups.stores import BackupKeys, Buckets, OpenBucket, protection_of
from holdfast.node.backups.tasks import Progress, Tasks
from holdfast.node.backups.ways import Ways
from holdfast.node.backups.work import BackupWork, OpenBackup
from holdfast.node.credentials.credential_records import CredentialRecord
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.records import KeyNote, KeyOrigin, VolumeRecord
from holdfast.node.keys.cluster_key import ClusterKeyReference
from holdfast.node.keys.volume_keys import VolumeKeys
from holdfast.node.volume.volume_service import check_labels
from holdfast.policy.ownership import AccessType, Ownership
from holdfast.policy.ownership_change import ownership_on_create
from holdfast.policy.secret_scopes import CLUSTER_WIDE

FULL_EVERY = 7  # so many incremental backups follow a full one, as with the original
_ELSEWHERE = Ownership(owner="\0another cluster")  # no user has such a name


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupSpec:
    """What is to be backed up, and how.

    Attributes:
        volume: id or name.
        credential: id or name; empty for the only one that the caller may read.
        full: begin a new set, although an incremental backup is possible.
        task_id: by which the task is asked after; the same again is the same task.
        labels: of the backup.
        full_every: how many incremental backups follow a full one; 0 for the usual number.
        secret_name: the secret that opens the backup, in place of the credential's passphrase; ``default``
            for the cluster-wide key.
        secret_namespace: the provider's namespace of that secret.
    """

    volume: str
    credential: str = ""
    full: bool = False
    task_id: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    full_every: int = 0
    secret_name: str = ""
    secret_namespace: str = ""


@dataclass(frozen=True, slots=True)
class BackupSize:
    """What a backup comes to.

    Attributes:
        download_bytes: what a restore reads.
        own_bytes: what the backup added to its set.
        volume_bytes: what the restored volume takes up at first.
    """

    download_bytes: int
    own_bytes: int
    volume_bytes: int


class CloudBackupService:
    """Backups and their tasks.

    Attributes:
        cluster_id: which cluster this is; part of its backups' ids.
    """

    def __init__(
        self,
        *,
        gate: Gate,
        catalog: Catalog,
        ways: Ways,
        removal: BackupRemoval,
        backups: BackupCatalog,
        task_catalog: TaskCatalog,
        tasks: Tasks,
        buckets: Buckets,
        backup_keys: BackupKeys,
        work: BackupWork,
        new_volumes: NewVolumes,
        keys: VolumeKeys,
        cluster_key: ClusterKeyReference,
        clock: Clock,
        cluster_id: str,
        node_id: str,
    ) -> None:
        self._gate = gate
        self._catalog = catalog
        self._ways = ways
        self._removal = removal
        self._backups = backups
        self._task_catalog = task_catalog
        self._tasks = tasks
        self._buckets = buckets
        self._backup_keys = backup_keys
        self._work = work
        self._new_volumes = new_volumes
        self._keys = keys
        self._cluster_key = cluster_key
        self._clock = clock
        self.cluster_id = cluster_id
        self._node_id = node_id

    @operation(apis.CLOUD_BACKUP_CREATE)
    def create(self, admission: Admission, spec: BackupSpec) -> str:
        """Begin a backup of a volume, in use or not; return the id of the task.

        Raises:
            SecretDeniedError: the caller may not name that secret.
            InvalidInputError: there is neither a passphrase nor a secret, or no bucket.
            ConflictError: the volume is being backed up already.
            LimitReachedError: this node has enough to do.
        """
        volume = self._gate.resource(admission, self._catalog, spec.volume)
        credential = self._ways.credential(admission, spec.credential)
        self._gate.secret(admission, spec.secret_name, spec.secret_namespace)
        check_labels(spec.labels)
        if spec.task_id and (known := self._task(admission, spec.task_id)) is not None:
            if known.kind is not TaskKind.BACKUP or known.volume_id != volume.id:
                raise ConflictError("task_id: expected one that is not another task's")
            if known.state is TaskState.DONE or is_heard(known, self._clock.now()):
                return known.id
        note = self._note(spec)
        protection = protection_of(note)
        identity = self._next_backup(volume, credential, protection, spec)
        now = int(self._clock.now())
        task = TaskRecord(
            id=spec.task_id or new_task_id(),
            kind=TaskKind.BACKUP,
            state=TaskState.ACTIVE,
            volume_id=volume.id,
            backup_id=str(identity),
            credential_id=credential.id,
            protection=protection,
            node_id=self._node_id,
            started_at=now,
            heard_at=now,
            labels=dict(spec.labels),
            stored_ownership=volume.stored_ownership,
        )
        self._begin_backup(admission, task, credential, note)
        return task.id

    @operation(apis.CLOUD_BACKUP_RESTORE)
    def restore(self, admission: Admission, spec: RestoreSpec) -> TaskRecord:
        """Begin to make a volume of a backup; it belongs to the caller. Return the task.

        Raises:
            VolumeExistsError: the name is taken.
            SecretDeniedError: the caller may not name the volume's new key, or the secret of the backup.
            NoClusterKeyError: the volume is encrypted, no key was named, and none is set.
            WrongBackupKeyError, DamagedBackupError, NotFoundError: the backup does not open.
        """
        credential = self._ways.credential(admission, spec.credential)
        identity = BackupId.parse(spec.backup_id)
        with ExitStack() as stack:
            backup = self._open(admission, identity, credential, stack)
            volume = self._new_volumes.plan(admission, spec, backup.manifest)
            task = self._reading_task(admission.principal, TaskKind.RESTORE, identity, credential, volume.id)
            done = stack.pop_all()

            def over(ended: TaskRecord) -> None:
                self._gate.done(admission, volume.id, f"restore of {identity}: {_outcome(ended)}")

            def work(progress: Progress) -> None:
                with done:
                    self._work.restore(backup, volume, progress)

            with _closed_if_it_fails(done):
                self._tasks.start(task, work, over)
        return task

    @operation(apis.CLOUD_BACKUP_VERIFY)
    def verify(self, admission: Admission, backup_id: str, credential: str = "") -> str:
        """Begin to read all of a backup, and to check it; return the id of the task.

        Raises:
            as ``restore``
        """
        found = self._ways.credential(admission, credential)
        identity = BackupId.parse(backup_id)
        with ExitStack() as stack:
            backup = self._open(admission, identity, found, stack)
            task = self._reading_task(admission.principal, TaskKind.VERIFY, identity, found, "")
            done = stack.pop_all()

            def over(ended: TaskRecord) -> None:
                self._gate.done(admission, str(identity), f"verification: {_outcome(ended)}")

            def work(progress: Progress) -> None:
                with done:
                    self._work.verify(backup, progress)

            with _closed_if_it_fails(done):
                self._tasks.start(task, work, over)
        return task.id

    @operation(apis.CLOUD_BACKUP_SIZE)
    def size(self, admission: Admission, backup_id: str, credential: str = "") -> BackupSize:
        """Return what a backup comes to, as its manifest says. Raises as ``restore``."""
        found = self._ways.credential(admission, credential)
        with ExitStack() as stack:
            manifest = self._open(admission, BackupId.parse(backup_id), found, stack).manifest
        return BackupSize(manifest.stored_bytes, manifest.uploaded_bytes, manifest.stored_bytes)

    @operation(apis.CLOUD_BACKUP_STATE_CHANGE)
    def change_state(self, admission: Admission, task_id: str, wanted: TaskState) -> None:
        """Pause, resume (``ACTIVE``) or stop a task.

        A backup that was stopped, failed, or ended with its node is resumed as well, for which the caller
        needs what ``create`` needs.

        Raises:
            ConflictError: it is not in a state in which that can be done, or another node is at it.
        """
        task = self._gate.resource(admission, self._task_catalog, task_id)
        if task.kind is TaskKind.BACKUP and self._catalog.find(task.volume_id) is not None:
            self._gate.resource(admission, self._catalog, task.volume_id)
        progress = self._tasks.progress(task.id)
        if progress is None:
            if wanted is not TaskState.ACTIVE or task.kind is not TaskKind.BACKUP:
                raise ConflictError("task_id: expected a task that this node is at")
            self._resume(admission, task)
        elif wanted is TaskState.PAUSED:
            progress.pause()
        elif wanted is TaskState.STOPPED:
            progress.end()
        else:
            progress.resume()
        self._gate.done(admission, task.id, f"task is to be {wanted}")

    @operation(apis.CLOUD_BACKUP_DELETE)
    def delete(self, admission: Admission, backup_id: str, credential: str = "") -> None:
        """Remove a backup at once, and what it shares with others with the last of these.

        A backup that is not on record here is another cluster's, which may be adding to it.

        Raises:
            ConflictError: the volume is being backed up at the moment, or the credential is another one.
        """
        found = self._ways.credential(admission, credential)
        record = self._gate.resource(admission, self._backups, backup_id)
        self._ways.require_same(record, found)
        self._removal.remove(record.volume_id, [record], found)
        self._gate.done(admission, record.id, "cloud backup removed")

    @operation(apis.CLOUD_BACKUP_DELETE_ALL)
    def delete_all(self, admission: Admission, volume: str, credential: str = "") -> int:
        """Remove all backups of a volume, and what uploads that were cut short left; return how many.

        Raises:
            as ``delete``
        """
        found = self._ways.credential(admission, credential)
        known = self._catalog.find(volume) if volume else None
        if known is None and not volume.isdigit():
            known = self._gate.resource(admission, self._catalog, volume)
        elif known is not None:
            self._gate.require(admission, self._catalog, known, reference=volume)
        identity = volume if known is None else known.id
        records = [
            record
            for record in self._backups.of_volume(self.cluster_id, identity)
            if record.credential_id == found.id
        ]
        for record in records:
            self._gate.require(admission, self._backups, record)
        if known is None and not records:
            self._gate.resource(admission, self._catalog, volume)  # says what is said of what is not there
        self._removal.remove(identity, records, found, partial=True)
        self._gate.done(admission, identity, f"all {len(records)} cloud backups removed")
        return len(records)

    def recover(self) -> None:
        """Say of what a crash cut short that it can be resumed; for the start of a node."""
        self._tasks.recover()

    def stop(self) -> None:
        """End the tasks of this node so that they can be resumed; for a node that stops."""
        self._tasks.stop()

    def _begin_backup(
        self, admission: Admission, task: TaskRecord, credential: CredentialRecord, note: KeyNote | None
    ) -> None:
        with ExitStack() as stack:
            bucket = stack.enter_context(self._buckets.open(credential))
            if note is None and bucket.passphrase is None:
                raise InvalidInputError(
                    "secret_name: expected a secret to encrypt the backup with (default for the cluster-wide "
                    "key), or a credential with an encryption passphrase"
                )
            done = stack.pop_all()

        def over(ended: TaskRecord) -> None:
            self._gate.done(admission, task.volume_id, f"cloud backup {task.backup_id}: {_outcome(ended)}")

        still = self._gate.still(admission, self._catalog, access=AccessType.READ)

        def work(progress: Progress) -> None:
            with done:
                self._work.back_up(task, note, bucket, progress, still=still)

        with _closed_if_it_fails(done):
            self._tasks.start(task, work, over)

    def _resume(self, admission: Admission, task: TaskRecord) -> None:
        credential = self._ways.credential(admission, task.credential_id)
        volume = self._gate.resource(admission, self._catalog, task.volume_id)
        note = None
        if task.protection != PASSPHRASE:
            _, _, namespace, name = task.protection.split("\n")
            self._gate.secret(admission, name, namespace, literally=True)
            note = self._keys.note(name, namespace, KeyOrigin.NAMED)
        now = int(self._clock.now())
        again = msgspec.structs.replace(
            task,
            state=TaskState.ACTIVE,
            node_id=self._node_id,
            heard_at=now,
            ended_at=0,
            done_bytes=0,
            problem="",
            stored_ownership=volume.stored_ownership,
        )
        if task.state is TaskState.DONE or is_heard(task, self._clock.now()):
            raise ConflictError("task_id: expected a task that is not under way, and not done")
        self._begin_backup(admission, again, credential, note)

    def _task(self, admission: Admission, task_id: str) -> TaskRecord | None:
        self._task_catalog.check_reference(task_id)
        known = self._task_catalog.find(task_id)
        if known is not None:
            self._gate.require(admission, self._task_catalog, known, access=AccessType.READ)
        return known

    def _note(self, spec: BackupSpec) -> KeyNote | None:
        if spec.secret_name == CLUSTER_WIDE:
            current = self._cluster_key.current()
            return self._keys.note(current.name, current.namespace, KeyOrigin.CLUSTER)
        if spec.secret_name:
            return self._keys.note(spec.secret_name, spec.secret_namespace, KeyOrigin.NAMED)
        return None

    def _next_backup(
        self, volume: VolumeRecord, credential: CredentialRecord, protection: str, spec: BackupSpec
    ) -> BackupId:
        cluster = check_cluster(self.cluster_id)
        records = [
            record
            for record in self._backups.of_volume(cluster, volume.id)
            if (record.credential_id, record.protection) == (credential.id, protection)
        ]
        unfinished = [
            task
            for task in self._task_catalog.enumerate()
            if task.kind is TaskKind.BACKUP
            and task.state is not TaskState.DONE
            and (task.volume_id, task.credential_id, task.protection)
            == (volume.id, credential.id, protection)
            and (not records or task.started_at >= records[-1].created_at)
            and self._backups.find(task.backup_id) is None
        ]
        unfinished.sort(key=lambda task: task.started_at)
        if unfinished:
            last = BackupId.parse(unfinished[-1].backup_id)
            if not spec.full or not last.incremental:
                return last  # what it brought there already is not sent again
        if spec.full or not records:
            return SetPlace.fresh(cluster, volume.id).backup(1, incremental=False)
        previous = BackupId.parse(records[-1].id)
        if previous.number > (spec.full_every or FULL_EVERY):
            return SetPlace.fresh(cluster, volume.id).backup(1, incremental=False)
        return previous.place.backup(previous.number + 1, incremental=True)

    def _open(
        self, admission: Admission, identity: BackupId, credential: CredentialRecord, stack: ExitStack
    ) -> OpenBackup:
        known = self._backups.find(str(identity))
        resource: Resource = _Foreign(str(identity)) if known is None else known
        self._gate.require(admission, self._backups, resource, access=AccessType.READ)
        bucket: OpenBucket = stack.enter_context(self._buckets.open(credential))
        wrapped = self._backup_keys.read(bucket, identity.place)
        if wrapped.by == SECRET:
            # The bucket's word: without this, its owner could have the node fetch any secret.
            self._gate.secret(admission, wrapped.path, wrapped.namespace, literally=True)
        return self._work.open(identity, bucket, wrapped, known)

    def _reading_task(
        self,
        principal: Principal,
        kind: TaskKind,
        identity: BackupId,
        credential: CredentialRecord,
        volume_id: str,
    ) -> TaskRecord:
        now = int(self._clock.now())
        return TaskRecord(
            id=new_task_id(),
            kind=kind,
            state=TaskState.ACTIVE,
            volume_id=volume_id,
            backup_id=str(identity),
            credential_id=credential.id,
            protection="",
            node_id=self._node_id,
            started_at=now,
            heard_at=now,
            labels={},
            stored_ownership=note_of(ownership_on_create(principal, None)),
        )


@dataclass(frozen=True, slots=True)
class _Foreign:
    """A backup that this cluster has no record of, as the gate sees it: nobody's but administrators'.

    What is in it may be made up by whoever has its passphrase: a file system that the kernel would be given
    to mount, a header that the node would be given to read.
    """

    id: str
    ownership: Ownership = _ELSEWHERE
    scope_labels: None = None


@contextmanager
def _closed_if_it_fails(stack: ExitStack) -> Iterator[None]:
    """Close what a task was to use and close, if it is not begun."""
    try:
        yield
    except BaseException:
        stack.close()
        raise


def _outcome(task: TaskRecord) -> str:
    return f"{task.state}: {task.problem}" if task.problem else f"{task.state}"
