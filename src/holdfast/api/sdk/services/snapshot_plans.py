"""Service ``Volume``, the part about snapshots that are taken by themselves."""

from google.protobuf.timestamp_pb2 import Timestamp

from holdfast.api.sdk.proto.volume_pb2 import (
    SdkVolumeSnapshotScheduleUpdateRequest,
    SdkVolumeSnapshotScheduleUpdateResponse,
    VolumeScheduleState,
    VolumeSnapshotScheduleInspectRequest,
    VolumeSnapshotScheduleInspectResponse,
)
from holdfast.api.sdk.table import Call, serve
from holdfast.node.schedules.snapshot_plan_service import ScheduleState, SnapshotPlanService


def update(
    call: Call, request: SdkVolumeSnapshotScheduleUpdateRequest
) -> SdkVolumeSnapshotScheduleUpdateResponse:
    call.node.snapshot_plans.update(call.admission, request.volume_id, request.snapshot_schedule_names)
    return SdkVolumeSnapshotScheduleUpdateResponse()


def inspect(
    call: Call, request: VolumeSnapshotScheduleInspectRequest
) -> VolumeSnapshotScheduleInspectResponse:
    state = call.node.snapshot_plans.inspect(call.admission, request.volume_id)
    return VolumeSnapshotScheduleInspectResponse(
        snapshot_schedule=state.text,
        planned_by=state.planner,
        stopped=state.stopped,
        schedules=[_message(schedule) for schedule in state.schedules],
    )


def _message(state: ScheduleState) -> VolumeScheduleState:
    entry = state.entry
    return VolumeScheduleState(
        name=state.name,
        schedule=state.text,
        next_due=_time(state.next_due),
        taken_at=_time(entry.done_at),
        taken_for=_time(entry.done_for if entry.done_at else 0),
        failed_at=_time(entry.failed_at),
        failure=entry.failure,
    )


def _time(seconds: int) -> Timestamp | None:
    return Timestamp(seconds=seconds) if seconds else None


ROWS = (
    serve(
        SnapshotPlanService.update,
        SdkVolumeSnapshotScheduleUpdateRequest,
        SdkVolumeSnapshotScheduleUpdateResponse,
        update,
        "POST volumes/snapshot/schedules/{volume_id}",
    ),
    serve(
        SnapshotPlanService.inspect,
        VolumeSnapshotScheduleInspectRequest,
        VolumeSnapshotScheduleInspectResponse,
        inspect,
        "GET volumes/snapshot/schedules/{volume_id}",
    ),
)
