"""A volume as a message, and what of a wanted volume a node can do.

A property that no node of ours has is refused rather than ignored: whoever asks for three copies and gets one
without a word has lost data later. Hints about speed are taken as hints.
"""

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from holdfast.api.sdk.keys import key_message
from holdfast.api.sdk.ownership import ownership_message
from holdfast.api.sdk.proto import volume_types_pb2 as types
from holdfast.api.sdk.proto.volume_pb2 import SdkVolumeInspectResponse
from holdfast.errors import InvalidInputError
from holdfast.node.inventory.records import VolumeRecord
from holdfast.node.volume.volume_service import VolumeStatus
from holdfast.volumes.backend import AttachStage

FILE_SYSTEMS = {types.FS_TYPE_NONE: "ext4", types.FS_TYPE_EXT4: "ext4", types.FS_TYPE_XFS: "xfs"}
FORMATS = {"ext4": types.FS_TYPE_EXT4, "xfs": types.FS_TYPE_XFS}
STATES = {
    AttachStage.DETACHED: types.VOLUME_STATE_DETACHED,
    AttachStage.ATTACHED: types.VOLUME_STATE_ATTACHED,
    AttachStage.BROKEN: types.VOLUME_STATE_ERROR,
}

_SERVED = frozenset(
    {
        "size",
        "format",
        "encrypted",
        "passphrase",
        "ownership",
        "secret_context",
        "own_key",
        "integrity",
        "ha_level",
        "scale",
        "storage_policy",
        "snapshot_schedule",
    }
)
_HINTS = frozenset(
    {
        "aggregation_level",
        "block_size",
        "cos",
        "force_unsupported_fs_type",
        "io_profile",
        "nodiscard",
        "queue_depth",
        "readahead",
    }
)


def check_spec(spec: types.VolumeSpec) -> None:
    """Raise ``InvalidInputError`` for a wanted property that this node does not have; names it."""
    refuse_others(spec, _SERVED | _HINTS, "spec")
    if spec.ha_level not in {0, 1}:
        raise InvalidInputError("spec.ha_level: expected 1, as this node keeps one copy of a volume")
    if spec.scale not in {0, 1}:
        raise InvalidInputError("spec.scale: expected 1, as a volume is one")
    if spec.format not in FILE_SYSTEMS:
        raise InvalidInputError("spec.format: expected one of FS_TYPE_EXT4, FS_TYPE_XFS")


def refuse_others(message: Message, served: frozenset[str], where: str) -> None:
    """Raise ``InvalidInputError`` if a field outside ``served`` is set; names it.

    A message with nothing in it asks for nothing: clients of the SDK send such.
    """
    for field, value in message.ListFields():
        is_empty = isinstance(value, Message) and not value.ByteSize()
        if field.name not in served and not is_empty:
            raise InvalidInputError(f"{where}.{field.name}: not offered by this node; leave it out")


def volume_message(record: VolumeRecord) -> types.Volume:
    """Say a volume, without what only the kernel knows."""
    format_ = FORMATS[record.file_system]
    return types.Volume(
        id=record.id,
        locator=types.VolumeLocator(name=record.name, volume_labels=record.labels),
        source=types.Source(parent=record.parent),  # empty, not absent: the SDK's clients look into it
        readonly=record.is_snapshot,
        fs_resize_required=record.grow_pending,
        ctime=Timestamp(seconds=record.created_at),
        format=format_,
        spec=types.VolumeSpec(
            size=record.size_bytes,
            format=format_,
            encrypted=record.encrypted,
            passphrase=record.key.name if record.key else "",
            ownership=ownership_message(record.ownership),
            storage_policy=record.storage_policy,
            ha_level=1,
            integrity=record.integrity,
            snapshot_schedule=record.snapshot_plan,
        ),
        holdfast=types.VolumeDetails(
            uuid=record.uuid,
            stage=record.state.value,
            key=key_message(record.key),
            taken_by=record.taken_by,
        ),
    )


def inspect_response(status: VolumeStatus, node_id: str) -> SdkVolumeInspectResponse:
    """Say a volume and what the kernel of this node says about it."""
    record, state = status.record, status.state
    volume = volume_message(record)
    volume.state = STATES[state.stage]
    volume.status = types.VOLUME_STATUS_UP
    volume.attach_path.extend(str(path) for path in state.mounts)
    volume.attached_on = status.attached_on or (node_id if state.attachment else "")
    if state.attachment:
        volume.device_path = state.attachment.device
        volume.secure_device_path = state.attachment.device if record.encrypted else ""
        volume.holdfast.backend = state.attachment.backend
    return SdkVolumeInspectResponse(volume=volume, name=record.name, labels=record.labels)
