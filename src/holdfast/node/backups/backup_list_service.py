"""Service ``CloudBackup``, the part that only looks: which backups there are, and how far tasks are."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from holdfast.errors import InvalidInputError
from holdfast.node import apis
from holdfast.node.access.gate import Gate
from holdfast.node.api import Admission, operation
from holdfast.node.backups.format import BackupId, check_cluster, manifests_of
from holdfast.node.backups.records import (
    BackupCatalog,
    BackupRecord,
    TaskCatalog,
    TaskKind,
    TaskRecord,
    TaskState,
)
from holdfast.node.backups.stores import Buckets
from holdfast.node.backups.tasks import Tasks
from holdfast.node.backups.ways import Ways
from holdfast.node.inventory.catalog import Catalog
from holdfast.policy.ownership import AccessType

MOST_LISTED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupFilter:
    """Which backups of a bucket are wanted.

    Attributes:
        credential: id or name; empty for the only one that the caller may read.
        volume_id: of this volume.
        cluster_id: of this cluster; empty for this one.
        every_cluster: of all clusters.
        backup_id: this one.
        labels: that have all of these.
        without_volume: whose volume is gone.
        limit: at most so many.
        after: only ids that sort after this one.
    """

    credential: str = ""
    volume_id: str = ""
    cluster_id: str = ""
    every_cluster: bool = False
    backup_id: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    without_volume: bool = False
    limit: int = MOST_LISTED
    after: str = ""


@dataclass(frozen=True, slots=True)
class FoundBackup:
    """A backup in a bucket.

    Attributes:
        identity: its id, which says where it is.
        record: what this cluster remembers of it; ``None`` if it knows no more than that it is there.
    """

    identity: BackupId
    record: BackupRecord | None


class CloudBackupListService:
    """Backups and tasks, as their readers see them.

    Attributes:
        cluster_id: which cluster this is; part of its backups' ids.
    """

    def __init__(
        self,
        *,
        gate: Gate,
        catalog: Catalog,
        ways: Ways,
        backups: BackupCatalog,
        task_catalog: TaskCatalog,
        tasks: Tasks,
        buckets: Buckets,
        cluster_id: str,
        node_id: str,
    ) -> None:
        self._gate = gate
        self._catalog = catalog
        self._ways = ways
        self._backups = backups
        self._task_catalog = task_catalog
        self._tasks = tasks
        self._buckets = buckets
        self.cluster_id = cluster_id
        self._node_id = node_id

    @operation(apis.CLOUD_BACKUP_ENUMERATE)
    def enumerate(self, admission: Admission, wanted: BackupFilter) -> list[FoundBackup]:
        """Return the backups in a bucket, but for those of volumes that the caller may not read."""
        credential = self._ways.credential(admission, wanted.credential)
        cluster = "" if wanted.every_cluster else wanted.cluster_id or self.cluster_id
        if not wanted.volume_id.isdigit():
            wanted = replace(wanted, volume_id=self._ways.volume_id(admission, wanted.volume_id))
        prefix = manifests_of(cluster and check_cluster(cluster), wanted.volume_id if cluster else "")
        with self._buckets.open(credential) as bucket:
            found = []
            for listed in bucket.objects.list(prefix):
                entry = self._found(admission, listed.name, wanted)
                if entry is not None:
                    found.append(entry)
                if len(found) > min(wanted.limit or MOST_LISTED, MOST_LISTED):
                    break
        return found

    @operation(apis.CLOUD_BACKUP_STATUS)
    def status(
        self, admission: Admission, *, volume: str = "", task_id: str = "", local: bool = False
    ) -> list[TaskRecord]:
        """Return the tasks that the caller may see, as far as they are.

        Args:
            admission: of the caller.
            volume: only of this volume, by id or name.
            task_id: only this one, whatever the volume.
            local: only of this node.
        """
        if task_id:
            one = self._gate.resource(admission, self._task_catalog, task_id, access=AccessType.READ)
            return [self._tasks.live(one)]
        identity = self._ways.volume_id(admission, volume)
        return [
            self._tasks.live(task)
            for task in self._gate.visible(admission, self._task_catalog)
            if task.kind is not TaskKind.DELETE
            and identity in {"", task.volume_id}
            and (not local or task.node_id == self._node_id)
        ]

    @operation(apis.CLOUD_BACKUP_HISTORY)
    def history(self, admission: Admission, volume: str = "") -> list[BackupRecord | TaskRecord]:
        """Return the backups of a volume, and the attempts that came to nothing, the oldest first."""
        identity = self._ways.volume_id(admission, volume)
        made = [
            record
            for record in self._gate.visible(admission, self._backups)
            if identity in {"", record.volume_id}
        ]
        failed = [
            task
            for task in self._gate.visible(admission, self._task_catalog)
            if task.kind is TaskKind.BACKUP
            and task.state in {TaskState.FAILED, TaskState.STOPPED}
            and identity in {"", task.volume_id}
        ]
        return sorted([*made, *failed], key=_moment)

    def _found(self, admission: Admission, name: str, wanted: BackupFilter) -> FoundBackup | None:
        try:
            identity = BackupId.parse(name.removeprefix(manifests_of()))
        except InvalidInputError:
            return None  # somebody else's object in our corner of the bucket
        record = self._backups.find(str(identity))
        if record is not None and not self._gate.may_read(admission, record):
            return None
        labels = record.labels if record is not None else {}
        volume_id = identity.place.volume
        is_wanted = (
            wanted.backup_id in {"", str(identity)}
            and wanted.volume_id in {"", volume_id}
            and str(identity) > wanted.after
            and wanted.labels.items() <= labels.items()
            and not (wanted.without_volume and self._catalog.find(volume_id) is not None)
        )
        return FoundBackup(identity, record) if is_wanted else None


def _moment(entry: BackupRecord | TaskRecord) -> int:
    return entry.created_at if isinstance(entry, BackupRecord) else entry.ended_at
