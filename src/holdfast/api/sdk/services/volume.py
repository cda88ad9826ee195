"""Service ``Volume``, first part: volumes from creation to removal."""

from typing import TypeAlias

from holdfast.api.sdk.keys import key_message
from holdfast.api.sdk.ownership import (
    access_change,
    access_control,
    ownership_message,
    ownership_of,
    updated_list,
)
from holdfast.api.sdk.proto.volume_pb2 import (
    SdkVolumeCreateRequest,
    SdkVolumeCreateResponse,
    SdkVolumeDeleteRequest,
    SdkVolumeDeleteResponse,
    SdkVolumeEnumerateRequest,
    SdkVolumeEnumerateResponse,
    SdkVolumeEnumerateWithFiltersRequest,
    SdkVolumeEnumerateWithFiltersResponse,
    SdkVolumeInspectRequest,
    SdkVolumeInspectResponse,
    SdkVolumeInspectWithFiltersRequest,
    SdkVolumeInspectWithFiltersResponse,
    SdkVolumeUpdateRequest,
    SdkVolumeUpdateResponse,
    VolumeAccessUpdateRequest,
    VolumeAccessUpdateResponse,
    VolumeRemoval,
    VolumeRotateKeyRequest,
    VolumeRotateKeyResponse,
)
from holdfast.api.sdk.spec_words import read_words
from holdfast.api.sdk.table import Call, serve
from holdfast.api.sdk.volume_messages import FILE_SYSTEMS, check_spec, inspect_response, refuse_others
from holdfast.node.volume.volume_listing import Paging, VolumeFilter, VolumeListService
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec

Lists: TypeAlias = (
    SdkVolumeEnumerateRequest | SdkVolumeEnumerateWithFiltersRequest | SdkVolumeInspectWithFiltersRequest
)

_UPDATABLE = frozenset({"ownership", "size", "snapshot_schedule"})


def create(call: Call, request: SdkVolumeCreateRequest) -> SdkVolumeCreateResponse:
    spec = request.spec
    check_spec(spec)
    wanted = read_words(request.name, request.labels, spec)
    schedule = spec.snapshot_schedule
    plan = call.node.snapshot_plans.with_volume(call.admission, schedule) if schedule else None
    record = call.node.volumes.create(
        call.admission,
        VolumeSpec(
            name=wanted.name,
            size_bytes=wanted.size_bytes,
            file_system=FILE_SYSTEMS[wanted.format],
            encrypted=wanted.encrypted,
            secret_name=call.node.provider.name_of(wanted.secret_name, wanted.secret_entry),
            secret_namespace=wanted.secret_namespace,
            own_key=spec.own_key,
            integrity=spec.integrity,
            labels=dict(request.labels),
            acls=access_control(spec.ownership) if spec.HasField("ownership") else None,
            storage_policy=spec.storage_policy,
        ),
        plan=plan,
    )
    return SdkVolumeCreateResponse(volume_id=record.id)


def enumerate_volumes(call: Call, request: SdkVolumeEnumerateRequest) -> SdkVolumeEnumerateResponse:
    page = call.node.volume_lists.enumerate(call.admission, _paging(request))
    return SdkVolumeEnumerateResponse(volume_ids=page.entries, next_page_token=page.next_token)


def enumerate_with_filters(
    call: Call, request: SdkVolumeEnumerateWithFiltersRequest
) -> SdkVolumeEnumerateWithFiltersResponse:
    page = call.node.volume_lists.enumerate_with_filters(call.admission, _wanted(request), _paging(request))
    return SdkVolumeEnumerateWithFiltersResponse(volume_ids=page.entries, next_page_token=page.next_token)


def inspect(call: Call, request: SdkVolumeInspectRequest) -> SdkVolumeInspectResponse:
    found = call.node.volumes.inspect(call.admission, request.volume_id)
    return inspect_response(found, call.node.node_id)


def inspect_with_filters(
    call: Call, request: SdkVolumeInspectWithFiltersRequest
) -> SdkVolumeInspectWithFiltersResponse:
    page = call.node.volume_lists.inspect_with_filters(call.admission, _wanted(request), _paging(request))
    return SdkVolumeInspectWithFiltersResponse(
        volumes=[inspect_response(status, call.node.node_id) for status in page.entries],
        next_page_token=page.next_token,
    )


def update(call: Call, request: SdkVolumeUpdateRequest) -> SdkVolumeUpdateResponse:
    spec = request.spec
    refuse_others(spec, _UPDATABLE, "spec")
    named = spec.HasField("ownership")
    plan = None
    if spec.HasField("snapshot_schedule"):  # what is refused in the end has changed nothing
        schedule, volume = spec.snapshot_schedule, request.volume_id
        plan = call.node.snapshot_plans.check(call.admission, schedule, reference=volume)
    call.node.volumes.update(
        call.admission,
        request.volume_id,
        labels=dict(request.labels),
        owner=(spec.ownership.owner or None) if named else None,
        acls=updated_list(spec.ownership) if named else None,
        size_bytes=spec.size or None,  # the SDK's command line sends 0 with whatever else it changes
    )
    if plan is not None:
        call.node.snapshot_plans.change(call.admission, request.volume_id, plan)
    return SdkVolumeUpdateResponse()


def update_access(call: Call, request: VolumeAccessUpdateRequest) -> VolumeAccessUpdateResponse:
    record = call.node.volumes.update_access(call.admission, request.volume_id, access_change(request))
    return VolumeAccessUpdateResponse(ownership=ownership_message(record.ownership))


def delete(call: Call, request: SdkVolumeDeleteRequest) -> SdkVolumeDeleteResponse:
    report = call.node.volumes.delete(call.admission, request.volume_id)
    erased = report.erased
    return SdkVolumeDeleteResponse(
        holdfast=VolumeRemoval(
            volume_id=report.volume_id,
            name=report.name,
            keyslots_destroyed=len(erased.destroyed) if erased else 0,
            header_overwritten=erased.header_overwritten if erased else False,
            own_key_destroyed=report.own_key_destroyed,
            remarks=report.remarks,
        )
    )


def rotate_key(call: Call, request: VolumeRotateKeyRequest) -> VolumeRotateKeyResponse:
    record = call.node.volumes.rotate_key(
        call.admission,
        request.volume_id,
        secret_name=request.secret_name,
        secret_namespace=request.secret_context,
    )
    return VolumeRotateKeyResponse(key=key_message(record.key))


def _paging(request: Lists) -> Paging:
    return Paging(max_entries=request.max_entries, token=request.page_token)


def _wanted(
    request: SdkVolumeEnumerateWithFiltersRequest | SdkVolumeInspectWithFiltersRequest,
) -> VolumeFilter:
    return VolumeFilter(
        name=request.name,
        labels=dict(request.labels),
        ownership=ownership_of(request.ownership),
        group=request.group.id,
        ownerless=request.ownerless,
    )


ROWS = (
    serve(VolumeService.create, SdkVolumeCreateRequest, SdkVolumeCreateResponse, create, "POST volumes"),
    serve(
        VolumeListService.enumerate,
        SdkVolumeEnumerateRequest,
        SdkVolumeEnumerateResponse,
        enumerate_volumes,
        "GET volumes",
    ),
    serve(
        VolumeListService.enumerate_with_filters,
        SdkVolumeEnumerateWithFiltersRequest,
        SdkVolumeEnumerateWithFiltersResponse,
        enumerate_with_filters,
        "POST volumes/filters",
    ),
    serve(
        VolumeService.update_access,
        VolumeAccessUpdateRequest,
        VolumeAccessUpdateResponse,
        update_access,
        "PUT volumes/access/{volume_id}",
    ),
    serve(
        VolumeService.inspect,
        SdkVolumeInspectRequest,
        SdkVolumeInspectResponse,
        inspect,
        "GET volumes/inspect/{volume_id}",
    ),
    serve(
        VolumeListService.inspect_with_filters,
        SdkVolumeInspectWithFiltersRequest,
        SdkVolumeInspectWithFiltersResponse,
        inspect_with_filters,
        "POST volumes/inspectwithfilters",
    ),
    serve(
        VolumeService.update,
        SdkVolumeUpdateRequest,
        SdkVolumeUpdateResponse,
        update,
        "PUT volumes/{volume_id}",
    ),
    serve(
        VolumeService.delete,
        SdkVolumeDeleteRequest,
        SdkVolumeDeleteResponse,
        delete,
        "DELETE volumes/{volume_id}",
    ),
    serve(
        VolumeService.rotate_key,
        VolumeRotateKeyRequest,
        VolumeRotateKeyResponse,
        rotate_key,
        "POST volumes/rotatekey",
    ),
)
