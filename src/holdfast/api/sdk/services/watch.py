"""Service ``Watch``: changes as they happen."""

from collections.abc import Iterator

from holdfast.api.sdk.proto import volume_types_pb2 as types
from holdfast.api.sdk.proto.watch_pb2 import SdkVolumeWatchResponse, SdkWatchRequest, SdkWatchResponse
from holdfast.api.sdk.table import Call, stream
from holdfast.api.sdk.volume_messages import inspect_response
from holdfast.errors import InvalidInputError
from holdfast.node.volume.watch_service import VolumeEvent, VolumeGone, WatchService


def watch(call: Call, request: SdkWatchRequest) -> Iterator[SdkWatchResponse]:
    if not request.HasField("volume_event"):
        raise InvalidInputError("volume_event: expected, as volumes are all that can be watched")
    labels = dict(request.volume_event.labels)
    events = call.node.watch.volumes(call.admission, labels=labels, over=call.over, recheck=call.recheck)
    return (SdkWatchResponse(volume_event=_message(event, call.node.node_id)) for event in events)


def _message(event: VolumeEvent, node_id: str) -> SdkVolumeWatchResponse:
    if isinstance(event, VolumeGone):
        gone = types.Volume(
            id=event.id,
            locator=types.VolumeLocator(name=event.name),
            state=types.VOLUME_STATE_DELETED,
            status=types.VOLUME_STATUS_NOT_PRESENT,
        )
        return SdkVolumeWatchResponse(volume=gone, name=event.name)
    return SdkVolumeWatchResponse(volume=inspect_response(event, node_id).volume, name=event.record.name)


ROWS = (stream(WatchService.volumes, SdkWatchRequest, SdkWatchResponse, watch, "POST watch"),)
