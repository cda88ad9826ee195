"""Taking backups out of a bucket, while nobody makes one of the same volume."""

import msgspec

from holdfast.clock import Clock
from holdfast.model.principal import GUEST
from holdfast.node.access.ownership_note import note_of
from holdfast.node.backups.format import BackupId, data_of, manifests_of
from holdfast.node.backups.records import (
    BackupCatalog,
    BackupRecord,
    TaskCatalog,
    TaskKind,
    TaskRecord,
    TaskState,
    new_task_id,
)
from holdfast.node.backups.stores import Buckets, OpenBucket
from holdfast.node.backups.transfer import remove_all
from holdfast.node.credentials.credential_records import CredentialRecord
from holdfast.policy.ownership_change import ownership_on_create


class BackupRemoval:
    """Removes backups. The caller has passed the gates."""

    def __init__(
        self,
        *,
        backups: BackupCatalog,
        task_catalog: TaskCatalog,
        buckets: Buckets,
        clock: Clock,
        cluster_id: str,
        node_id: str,
    ) -> None:
        self._backups = backups
        self._task_catalog = task_catalog
        self._buckets = buckets
        self._clock = clock
        self._cluster_id = cluster_id
        self._node_id = node_id

    def remove(
        self,
        volume_id: str,
        records: list[BackupRecord],
        credential: CredentialRecord,
        *,
        partial: bool = False,
    ) -> None:
        """Remove backups of one volume: from the bucket first, then from the records.

        Args:
            volume_id: which volume.
            records: which backups.
            credential: by which they were stored.
            partial: whether what uploads left goes as well, if no backup is left.

        Raises:
            ConflictError: the volume is being backed up or restored.
        """
        now = int(self._clock.now())
        marker = TaskRecord(
            id=new_task_id(),
            kind=TaskKind.DELETE,
            state=TaskState.ACTIVE,
            volume_id=volume_id,
            backup_id="",
            credential_id=credential.id,
            protection="",
            node_id=self._node_id,
            started_at=now,
            heard_at=now,
            labels={},
            stored_ownership=note_of(ownership_on_create(GUEST, None)),
        )
        self._task_catalog.begin(marker)
        try:
            with self._buckets.open(credential) as bucket:
                self._remove_from(bucket, volume_id, records, partial=partial)
        finally:
            self._task_catalog.update(
                marker.id, lambda task: msgspec.structs.replace(task, state=TaskState.DONE, ended_at=now)
            )

    def _remove_from(
        self, bucket: OpenBucket, volume_id: str, records: list[BackupRecord], *, partial: bool
    ) -> None:
        places = set()
        for record in records:
            identity = BackupId.parse(record.id)
            bucket.objects.delete([identity.manifest])
            self._backups.remove(record.id)
            places.add(identity.place)
        left = {
            BackupId.parse(listed.name.removeprefix(manifests_of())).place
            for listed in bucket.objects.list(manifests_of(self._cluster_id, volume_id))
        }
        remove_all(bucket.objects, [place.data for place in places - left])
        if partial and not left:
            remove_all(bucket.objects, [data_of(self._cluster_id, volume_id)])
