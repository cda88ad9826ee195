"""Service ``CloudBackup``: backups of volumes in stores of objects."""

from google.protobuf.timestamp_pb2 import Timestamp

from holdfast.api.sdk.proto import cloudbackup_pb2 as pb
from holdfast.api.sdk.table import Call, serve, unserved
from holdfast.errors import InvalidInputError, UnsupportedError
from holdfast.node.backups.backup_list_service import (
    MOST_LISTED,
    BackupFilter,
    CloudBackupListService,
    FoundBackup,
)
from holdfast.node.backups.backup_service import BackupSpec, CloudBackupService
from holdfast.node.backups.records import BackupRecord, TaskKind, TaskRecord, TaskState
from holdfast.node.backups.restores import RestoreSpec

STATES = {
    TaskState.ACTIVE: pb.SdkCloudBackupStatusTypeActive,
    TaskState.PAUSED: pb.SdkCloudBackupStatusTypePaused,
    TaskState.DONE: pb.SdkCloudBackupStatusTypeDone,
    TaskState.STOPPED: pb.SdkCloudBackupStatusTypeStopped,
    TaskState.FAILED: pb.SdkCloudBackupStatusTypeFailed,
}
KINDS = {
    TaskKind.BACKUP: pb.SdkCloudBackupOpTypeBackupOp,
    TaskKind.RESTORE: pb.SdkCloudBackupOpTypeRestoreOp,
    TaskKind.VERIFY: pb.CloudBackupOpTypeVerifyOp,
}
WANTED = {
    pb.SdkCloudBackupRequestedStatePause: TaskState.PAUSED,
    pb.SdkCloudBackupRequestedStateResume: TaskState.ACTIVE,
    pb.SdkCloudBackupRequestedStateStop: TaskState.STOPPED,
}


def create(call: Call, request: pb.SdkCloudBackupCreateRequest) -> pb.SdkCloudBackupCreateResponse:
    if request.near_sync_migrate:
        raise UnsupportedError("near_sync_migrate: this node does not migrate; leave it out")
    task_id = call.node.cloud_backups.create(
        call.admission,
        BackupSpec(
            volume=request.volume_id,
            credential=request.credential_id,
            full=request.full,
            task_id=request.task_id,
            labels=dict(request.labels),
            full_every=request.full_backup_frequency,
            secret_name=request.secret_name,
            secret_namespace=request.secret_context,
        ),
    )
    return pb.SdkCloudBackupCreateResponse(task_id=task_id)


def restore(call: Call, request: pb.SdkCloudBackupRestoreRequest) -> pb.SdkCloudBackupRestoreResponse:
    if request.task_id:
        raise UnsupportedError("task_id: the node gives the task its id; leave it out")
    if request.node_id not in {"", call.node.node_id}:
        raise UnsupportedError("node_id: the node that is asked restores; ask the one that you mean")
    task = call.node.cloud_backups.restore(
        call.admission,
        RestoreSpec(
            backup_id=request.backup_id,
            name=request.restore_volume_name or request.locator.name,
            credential=request.credential_id,
            secret_name=request.secret_name,
            secret_namespace=request.secret_context,
            own_key=request.own_key,
        ),
    )
    return pb.SdkCloudBackupRestoreResponse(restore_volume_id=task.volume_id, task_id=task.id)


def verify(call: Call, request: pb.CloudBackupVerifyRequest) -> pb.CloudBackupVerifyResponse:
    task_id = call.node.cloud_backups.verify(call.admission, request.backup_id, request.credential_id)
    return pb.CloudBackupVerifyResponse(task_id=task_id)


def delete(call: Call, request: pb.SdkCloudBackupDeleteRequest) -> pb.SdkCloudBackupDeleteResponse:
    call.node.cloud_backups.delete(call.admission, request.backup_id, request.credential_id)
    return pb.SdkCloudBackupDeleteResponse()


def delete_all(call: Call, request: pb.SdkCloudBackupDeleteAllRequest) -> pb.SdkCloudBackupDeleteAllResponse:
    if not request.src_volume_id:
        raise InvalidInputError("src_volume_id: expected a volume")
    removed = call.node.cloud_backups.delete_all(call.admission, request.src_volume_id, request.credential_id)
    return pb.SdkCloudBackupDeleteAllResponse(removed=removed)


def enumerate_with_filters(
    call: Call, request: pb.SdkCloudBackupEnumerateWithFiltersRequest
) -> pb.SdkCloudBackupEnumerateWithFiltersResponse:
    if request.status_filter not in {
        pb.SdkCloudBackupStatusTypeUnknown,
        pb.SdkCloudBackupStatusTypeDone,
    }:  # what failed or was stopped never has a manifest, which is what is listed
        return pb.SdkCloudBackupEnumerateWithFiltersResponse()
    limit = min(request.max_backups or MOST_LISTED, MOST_LISTED)
    found = call.node.cloud_backup_lists.enumerate(
        call.admission,
        BackupFilter(
            credential=request.credential_id,
            volume_id=request.src_volume_id,
            cluster_id=request.cluster_id,
            every_cluster=request.all,
            backup_id=request.cloud_backup_id,
            labels=dict(request.metadata_filter),
            without_volume=request.missing_src_volumes,
            limit=limit,
            after=request.continuation_token,
        ),
    )
    own = call.node.cloud_backup_lists.cluster_id
    return pb.SdkCloudBackupEnumerateWithFiltersResponse(
        backups=[_info(entry, own) for entry in found[:limit]],
        continuation_token=str(found[limit - 1].identity) if len(found) > limit else "",
    )


def status(call: Call, request: pb.SdkCloudBackupStatusRequest) -> pb.SdkCloudBackupStatusResponse:
    tasks = call.node.cloud_backup_lists.status(
        call.admission, volume=request.volume_id, task_id=request.task_id, local=request.local
    )
    return pb.SdkCloudBackupStatusResponse(statuses={task.id: _status(task) for task in tasks})


def history(call: Call, request: pb.SdkCloudBackupHistoryRequest) -> pb.SdkCloudBackupHistoryResponse:
    found = call.node.cloud_backup_lists.history(call.admission, request.src_volume_id)
    return pb.SdkCloudBackupHistoryResponse(history_list=[_item(entry) for entry in found])


def change_state(
    call: Call, request: pb.SdkCloudBackupStateChangeRequest
) -> pb.SdkCloudBackupStateChangeResponse:
    wanted = WANTED.get(request.requested_state)
    if wanted is None:
        raise InvalidInputError("requested_state: expected pause, resume or stop")
    call.node.cloud_backups.change_state(call.admission, request.task_id, wanted)
    return pb.SdkCloudBackupStateChangeResponse()


def size(call: Call, request: pb.SdkCloudBackupSizeRequest) -> pb.SdkCloudBackupSizeResponse:
    found = call.node.cloud_backups.size(call.admission, request.backup_id, request.credential_id)
    return pb.SdkCloudBackupSizeResponse(
        size=found.download_bytes,
        total_download_bytes=found.download_bytes,
        compressed_object_bytes=found.own_bytes,
        capacity_required_for_restore=found.volume_bytes,
    )


def _info(entry: FoundBackup, cluster: str) -> pb.SdkCloudBackupInfo:
    place, record = entry.identity.place, entry.record
    message = pb.SdkCloudBackupInfo(
        id=str(entry.identity),
        src_volume_id=place.volume,
        status=pb.SdkCloudBackupStatusTypeDone,
        cluster_type=(
            pb.SdkCloudBackupClusterCurrent if place.cluster == cluster else pb.SdkCloudBackupClusterOther
        ),
    )
    if record is not None:
        message.src_volume_name = record.volume_name
        message.timestamp.CopyFrom(Timestamp(seconds=record.created_at))
        message.metadata.update(record.labels)
        message.stored_bytes, message.uploaded_bytes = record.stored_bytes, record.uploaded_bytes
    return message


def _status(task: TaskRecord) -> pb.SdkCloudBackupStatus:
    left = max(0, task.total_bytes - task.done_bytes)
    spent = max(0, task.heard_at - task.started_at)
    return pb.SdkCloudBackupStatus(
        backup_id=task.backup_id,
        optype=KINDS.get(task.kind, pb.SdkCloudBackupOpTypeUnknown),
        status=STATES[task.state],
        bytes_done=task.done_bytes,
        start_time=Timestamp(seconds=task.started_at),
        completed_time=Timestamp(seconds=task.ended_at) if task.ended_at else None,
        node_id=task.node_id,
        src_volume_id=task.volume_id,
        info=[task.problem] if task.problem else [],
        credential_id=task.credential_id,
        bytes_total=task.total_bytes,
        eta_seconds=left * spent // task.done_bytes if task.done_bytes and not task.ended_at else 0,
        bytes_moved=task.moved_bytes,
    )


def _item(entry: BackupRecord | TaskRecord) -> pb.SdkCloudBackupHistoryItem:
    if isinstance(entry, BackupRecord):
        return pb.SdkCloudBackupHistoryItem(
            src_volume_id=entry.volume_id,
            timestamp=Timestamp(seconds=entry.created_at),
            status=pb.SdkCloudBackupStatusTypeDone,
            backup_id=entry.id,
        )
    return pb.SdkCloudBackupHistoryItem(
        src_volume_id=entry.volume_id,
        timestamp=Timestamp(seconds=entry.ended_at),
        status=STATES[entry.state],
        backup_id=entry.backup_id,
        info=entry.problem,
    )


ROWS = (
    serve(
        CloudBackupService.create,
        pb.SdkCloudBackupCreateRequest,
        pb.SdkCloudBackupCreateResponse,
        create,
        "POST cloudbackups",
    ),
    serve(
        CloudBackupService.restore,
        pb.SdkCloudBackupRestoreRequest,
        pb.SdkCloudBackupRestoreResponse,
        restore,
        "POST cloudbackups/restore",
    ),
    serve(
        CloudBackupService.verify,
        pb.CloudBackupVerifyRequest,
        pb.CloudBackupVerifyResponse,
        verify,
        "POST cloudbackups/verify",
    ),
    serve(
        CloudBackupService.delete,
        pb.SdkCloudBackupDeleteRequest,
        pb.SdkCloudBackupDeleteResponse,
        delete,
        "DELETE cloudbackups/backup/{backup_id}",
        "POST cloudbackups/delete",  # an id has a slash
    ),
    serve(
        CloudBackupService.delete_all,
        pb.SdkCloudBackupDeleteAllRequest,
        pb.SdkCloudBackupDeleteAllResponse,
        delete_all,
        "POST cloudbackups/deleteall",
    ),
    serve(
        CloudBackupListService.enumerate,
        pb.SdkCloudBackupEnumerateWithFiltersRequest,
        pb.SdkCloudBackupEnumerateWithFiltersResponse,
        enumerate_with_filters,
        "POST cloudbackups/enumerate/filters",
    ),
    serve(
        CloudBackupListService.status,
        pb.SdkCloudBackupStatusRequest,
        pb.SdkCloudBackupStatusResponse,
        status,
        "POST cloudbackups/status",
    ),
    serve(
        CloudBackupListService.history,
        pb.SdkCloudBackupHistoryRequest,
        pb.SdkCloudBackupHistoryResponse,
        history,
        "GET cloudbackups/history/{src_volume_id}",
        "GET cloudbackups/history",
    ),
    serve(
        CloudBackupService.change_state,
        pb.SdkCloudBackupStateChangeRequest,
        pb.SdkCloudBackupStateChangeResponse,
        change_state,
        "POST cloudbackups/statechange",
    ),
    serve(
        CloudBackupService.size,
        pb.SdkCloudBackupSizeRequest,
        pb.SdkCloudBackupSizeResponse,
        size,
        "GET cloudbackups/size",
    ),
    unserved("CloudBackup", "GroupCreate", "POST cloudbackups/group"),
    unserved("CloudBackup", "Catalog", "POST cloudbackups/catalog"),
    unserved("CloudBackup", "SchedCreate", "POST cloudbackups/schedules"),
    unserved("CloudBackup", "SchedUpdate", "PUT cloudbackups/schedules"),
    unserved("CloudBackup", "SchedEnumerate", "GET cloudbackups/schedules"),
    unserved("CloudBackup", "SchedDelete", "DELETE cloudbackups/schedules/{backup_schedule_id}"),
)
