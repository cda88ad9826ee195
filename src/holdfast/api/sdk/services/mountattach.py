"""Service ``MountAttach``: making a volume usable on this node, and taking it away again."""

from holdfast.api.sdk.proto.mountattach_pb2 import (
    SdkVolumeAttachRequest,
    SdkVolumeAttachResponse,
    SdkVolumeDetachRequest,
    SdkVolumeDetachResponse,
    SdkVolumeMountRequest,
    SdkVolumeMountResponse,
    SdkVolumeUnmountRequest,
    SdkVolumeUnmountResponse,
    VolumeExportTreeRequest,
    VolumeExportTreeResponse,
    VolumeFormatRequest,
    VolumeFormatResponse,
    VolumeImportTreeRequest,
    VolumeImportTreeResponse,
)
from holdfast.api.sdk.table import Call, serve
from holdfast.node.volume.attach_service import AttachService


def attach(call: Call, request: SdkVolumeAttachRequest) -> SdkVolumeAttachResponse:
    options = request.options
    attachment = call.node.attachments.attach(
        call.admission,
        request.volume_id,
        secret_name=call.node.provider.name_of(options.secret_name, options.secret_key),
        secret_namespace=options.secret_context,
        read_only=options.read_only,
    )
    return SdkVolumeAttachResponse(device_path=attachment.device)


def detach(call: Call, request: SdkVolumeDetachRequest) -> SdkVolumeDetachResponse:
    call.node.attachments.detach(
        call.admission,
        request.volume_id,
        force=request.options.force,
        unmount=request.options.unmount_before_detach,
    )
    return SdkVolumeDetachResponse()


def format_volume(call: Call, request: VolumeFormatRequest) -> VolumeFormatResponse:
    call.node.attachments.format(call.admission, request.volume_id)
    return VolumeFormatResponse()


def mount(call: Call, request: SdkVolumeMountRequest) -> SdkVolumeMountResponse:
    call.node.attachments.mount(call.admission, request.volume_id, request.mount_path)
    return SdkVolumeMountResponse()


def unmount(call: Call, request: SdkVolumeUnmountRequest) -> SdkVolumeUnmountResponse:
    call.node.attachments.unmount(call.admission, request.volume_id, request.mount_path)
    return SdkVolumeUnmountResponse()


def import_tree(call: Call, request: VolumeImportTreeRequest) -> VolumeImportTreeResponse:
    call.node.attachments.import_tree(call.admission, request.volume_id, request.source_path)
    return VolumeImportTreeResponse()


def export_tree(call: Call, request: VolumeExportTreeRequest) -> VolumeExportTreeResponse:
    call.node.attachments.export_tree(call.admission, request.volume_id, request.destination_path)
    return VolumeExportTreeResponse()


ROWS = (
    serve(
        AttachService.attach,
        SdkVolumeAttachRequest,
        SdkVolumeAttachResponse,
        attach,
        "POST mountattach/attach",
    ),
    serve(
        AttachService.detach,
        SdkVolumeDetachRequest,
        SdkVolumeDetachResponse,
        detach,
        "POST mountattach/detach",
    ),
    serve(
        AttachService.format,
        VolumeFormatRequest,
        VolumeFormatResponse,
        format_volume,
        "POST mountattach/format",
    ),
    serve(
        AttachService.mount,
        SdkVolumeMountRequest,
        SdkVolumeMountResponse,
        mount,
        "POST mountattach/mount",
    ),
    serve(
        AttachService.unmount,
        SdkVolumeUnmountRequest,
        SdkVolumeUnmountResponse,
        unmount,
        "POST mountattach/unmount",
    ),
    serve(
        AttachService.import_tree,
        VolumeImportTreeRequest,
        VolumeImportTreeResponse,
        import_tree,
        "POST mountattach/import",
    ),
    serve(
        AttachService.export_tree,
        VolumeExportTreeRequest,
        VolumeExportTreeResponse,
        export_tree,
        "POST mountattach/export",
    ),
)
