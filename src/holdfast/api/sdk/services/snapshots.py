"""Service ``Volume``, second part: copies of a volume, and what one takes up."""

from holdfast.api.sdk.proto.volume_pb2 import (
    CapacityUsageInfo,
    SdkVolumeCapacityUsageRequest,
    SdkVolumeCapacityUsageResponse,
    SdkVolumeCloneRequest,
    SdkVolumeCloneResponse,
    SdkVolumeSnapshotCreateRequest,
    SdkVolumeSnapshotCreateResponse,
    SdkVolumeSnapshotEnumerateRequest,
    SdkVolumeSnapshotEnumerateResponse,
    SdkVolumeSnapshotEnumerateWithFiltersRequest,
    SdkVolumeSnapshotEnumerateWithFiltersResponse,
    SdkVolumeSnapshotRestoreRequest,
    SdkVolumeSnapshotRestoreResponse,
    SdkVolumeStatsRequest,
    SdkVolumeStatsResponse,
    Stats,
)
from holdfast.api.sdk.table import Call, serve
from holdfast.node.volume.snapshot_service import CloneSpec, SnapshotService
from holdfast.node.volume.usage_service import UsageService


def clone(call: Call, request: SdkVolumeCloneRequest) -> SdkVolumeCloneResponse:
    record = call.node.snapshots.clone(
        call.admission,
        CloneSpec(
            name=request.name,
            parent=request.parent_id,
            labels=dict(request.additional_labels),
            secret_name=request.secret_name,
            secret_namespace=request.secret_context,
            own_key=request.own_key,
            reencrypt=request.reencrypt,
        ),
    )
    return SdkVolumeCloneResponse(volume_id=record.id)


def snapshot(call: Call, request: SdkVolumeSnapshotCreateRequest) -> SdkVolumeSnapshotCreateResponse:
    record = call.node.snapshots.create(
        call.admission, request.volume_id, request.name, labels=dict(request.labels)
    )
    return SdkVolumeSnapshotCreateResponse(snapshot_id=record.id)


def restore(call: Call, request: SdkVolumeSnapshotRestoreRequest) -> SdkVolumeSnapshotRestoreResponse:
    call.node.snapshots.restore(call.admission, request.volume_id, request.snapshot_id)
    return SdkVolumeSnapshotRestoreResponse()


def enumerate_snapshots(
    call: Call, request: SdkVolumeSnapshotEnumerateRequest
) -> SdkVolumeSnapshotEnumerateResponse:
    found = call.node.snapshots.enumerate(call.admission, request.volume_id)
    return SdkVolumeSnapshotEnumerateResponse(volume_snapshot_ids=found)


def enumerate_with_filters(
    call: Call, request: SdkVolumeSnapshotEnumerateWithFiltersRequest
) -> SdkVolumeSnapshotEnumerateWithFiltersResponse:
    found = call.node.snapshots.enumerate_with_filters(
        call.admission, request.volume_id, labels=dict(request.labels)
    )
    return SdkVolumeSnapshotEnumerateWithFiltersResponse(volume_snapshot_ids=found)


def stats(call: Call, request: SdkVolumeStatsRequest) -> SdkVolumeStatsResponse:
    found = call.node.usage.stats(call.admission, request.volume_id, since_last=request.not_cumulative)
    answer = Stats(bytes_used=found.usage.total_bytes, interval_ms=found.interval_ms)
    if found.counters is not None:
        counters = found.counters
        answer.reads, answer.read_bytes, answer.read_ms = (
            counters.reads,
            counters.read_bytes,
            counters.read_ms,
        )
        answer.writes, answer.write_bytes = counters.writes, counters.write_bytes
        answer.write_ms, answer.io_ms = counters.write_ms, counters.io_ms
        answer.io_progress = counters.in_progress
    return SdkVolumeStatsResponse(stats=answer)


def capacity_usage(call: Call, request: SdkVolumeCapacityUsageRequest) -> SdkVolumeCapacityUsageResponse:
    usage = call.node.usage.capacity_usage(call.admission, request.volume_id).usage
    return SdkVolumeCapacityUsageResponse(
        capacity_usage_info=CapacityUsageInfo(
            exclusive_bytes=usage.exclusive_bytes,
            shared_bytes=usage.shared_bytes,
            total_bytes=usage.total_bytes,
        )
    )


ROWS = (
    serve(SnapshotService.clone, SdkVolumeCloneRequest, SdkVolumeCloneResponse, clone, "POST volumes/clone"),
    serve(
        UsageService.stats,
        SdkVolumeStatsRequest,
        SdkVolumeStatsResponse,
        stats,
        "GET volumes/stats/{volume_id}",
    ),
    serve(
        UsageService.capacity_usage,
        SdkVolumeCapacityUsageRequest,
        SdkVolumeCapacityUsageResponse,
        capacity_usage,
        "GET volumes/usage/{volume_id}",
    ),
    serve(
        SnapshotService.create,
        SdkVolumeSnapshotCreateRequest,
        SdkVolumeSnapshotCreateResponse,
        snapshot,
        "POST volumes/snapshots",
    ),
    serve(
        SnapshotService.enumerate,
        SdkVolumeSnapshotEnumerateRequest,
        SdkVolumeSnapshotEnumerateResponse,
        enumerate_snapshots,
        "GET volumes/snapshots",
    ),
    serve(
        SnapshotService.restore,
        SdkVolumeSnapshotRestoreRequest,
        SdkVolumeSnapshotRestoreResponse,
        restore,
        "POST volumes/snapshots/restore",
    ),
    serve(
        SnapshotService.enumerate_with_filters,
        SdkVolumeSnapshotEnumerateWithFiltersRequest,
        SdkVolumeSnapshotEnumerateWithFiltersResponse,
        enumerate_with_filters,
        "POST volumes/snapshots/filters/{volume_id}",
        "POST volumes/snapshots/filters",
    ),
)
