"""Which request is which call: one row per route of the gateway.

A row names the operation, from which the gates take the API, and how to make the call once the caller was
admitted. Only then is the request's body read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from holdfast.api.sdk import answers
from holdfast.api.sdk.answers import Json
from holdfast.api.sdk.messages import (
    AttachRequest,
    DefaultSecretKeyRequest,
    DetachRequest,
    ExportRequest,
    FilterRequest,
    ImportRequest,
    MountRequest,
    RoleRequest,
    RotateDefaultSecretKeyRequest,
    RotateKeyRequest,
    VolumeCreateRequest,
    VolumeRequest,
    VolumeUpdateRequest,
    read_message,
    read_size,
)
from holdfast.errors import InvalidInputError, UnavailableError
from holdfast.node.api import Operation
from holdfast.node.attach_service import AttachService
from holdfast.node.gate import Admission
from holdfast.node.node import Node
from holdfast.node.role_service import RoleService
from holdfast.node.secrets_service import SecretsService
from holdfast.node.status_service import StatusService
from holdfast.node.volume_service import VolumeService, VolumeSpec


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose caller was admitted.

    Attributes:
        node: the node.
        admission: of the caller.
        parameters: what the path names.
        body: the body, not read yet.
    """

    node: Node
    admission: Admission
    parameters: Mapping[str, str]
    body: bytes


Handle = Callable[[Call], Json]


@dataclass(frozen=True, slots=True)
class Route:
    """One row.

    Attributes:
        method: HTTP method.
        path: below ``/v1``; a segment in braces is a parameter.
        operation: what is called.
        handle: reads the request and makes the call.
    """

    method: str
    path: str
    operation: Operation[Any, Any, Any]
    handle: Handle


def _create_volume(call: Call) -> Json:
    request = read_message(call.body, VolumeCreateRequest)
    spec = request.spec
    if spec.format not in answers.FILE_SYSTEM_BY_FORMAT:
        raise InvalidInputError(f"spec.format: expected one of {', '.join(answers.FILE_SYSTEM_BY_FORMAT)}")
    record = call.node.volumes.create(
        call.admission,
        VolumeSpec(
            name=request.name,
            size_bytes=read_size(spec.size),
            file_system=answers.FILE_SYSTEM_BY_FORMAT[spec.format],
            encrypted=spec.encrypted,
            secret_name=spec.passphrase,
            secret_namespace=spec.secret_context,
            own_key=spec.own_key,
            labels=request.labels,
            acls=spec.ownership.acls.access_control() if spec.ownership else None,
        ),
    )
    return {"volume_id": record.id}


def _enumerate_volumes(call: Call) -> Json:
    return {"volume_ids": call.node.volumes.enumerate(call.admission)}


def _inspect_with_filters(call: Call) -> Json:
    request = read_message(call.body, FilterRequest)
    found = call.node.volumes.inspect_with_filters(call.admission, name=request.name, labels=request.labels)
    return {"volumes": [answers.status_json(status) for status in found]}


def _inspect_volume(call: Call) -> Json:
    return answers.status_json(call.node.volumes.inspect(call.admission, call.parameters["volume_id"]))


def _update_volume(call: Call) -> Json:
    request = read_message(call.body, VolumeUpdateRequest)
    ownership = request.spec.ownership
    call.node.volumes.update(
        call.admission,
        call.parameters["volume_id"],
        labels=request.labels,
        owner=(ownership.owner or None) if ownership else None,
        acls=ownership.acls.access_control() if ownership else None,
    )
    return {}


def _delete_volume(call: Call) -> Json:
    return answers.removal_json(call.node.volumes.delete(call.admission, call.parameters["volume_id"]))


def _rotate_volume_key(call: Call) -> Json:
    request = read_message(call.body, RotateKeyRequest)
    record = call.node.volumes.rotate_key(
        call.admission,
        request.volume_id,
        secret_name=request.secret_name,
        secret_namespace=request.secret_context,
    )
    return {"key": answers.key_json(record.key)}


def _attach(call: Call) -> Json:
    request = read_message(call.body, AttachRequest)
    options = request.options
    attachment = call.node.attachments.attach(
        call.admission,
        request.volume_id,
        secret_name=options.secret_name or options.secret_key,
        secret_namespace=options.secret_context,
    )
    return {"device_path": attachment.device}


def _detach(call: Call) -> Json:
    request = read_message(call.body, DetachRequest)
    call.node.attachments.detach(
        call.admission,
        request.volume_id,
        force=request.options.force,
        unmount=request.options.unmount_before_detach,
    )
    return {}


def _format(call: Call) -> Json:
    call.node.attachments.format(call.admission, read_message(call.body, VolumeRequest).volume_id)
    return {}


def _mount(call: Call) -> Json:
    request = read_message(call.body, MountRequest)
    call.node.attachments.mount(call.admission, request.volume_id, request.mount_path)
    return {}


def _unmount(call: Call) -> Json:
    request = read_message(call.body, MountRequest)
    call.node.attachments.unmount(call.admission, request.volume_id, request.mount_path)
    return {}


def _import_tree(call: Call) -> Json:
    request = read_message(call.body, ImportRequest)
    call.node.attachments.import_tree(call.admission, request.volume_id, request.source_path)
    return {}


def _export_tree(call: Call) -> Json:
    request = read_message(call.body, ExportRequest)
    call.node.attachments.export_tree(call.admission, request.volume_id, request.destination_path)
    return {}


def _set_cluster_key(call: Call) -> Json:
    request = read_message(call.body, DefaultSecretKeyRequest)
    note = call.node.secrets.set_cluster_key(
        call.admission,
        request.default_secret_key,
        namespace=request.secret_namespace,
        overwrite=request.override,
        generate=request.generate,
    )
    return {"key": answers.key_json(note)}


def _get_cluster_key(call: Call) -> Json:
    note = call.node.secrets.status(call.admission).cluster_key
    return {"SecretValue": note.name if note else ""}


def _verify_provider(call: Call) -> Json:
    provider = call.node.secrets.status(call.admission).provider
    if provider is None or not provider.usable:
        raise UnavailableError(provider.problem if provider else "this node has no secrets provider")
    return {}


def _secrets_status(call: Call) -> Json:
    return answers.secrets_status_json(call.node.secrets.status(call.admission))


def _rotate_cluster_key(call: Call) -> Json:
    request = read_message(call.body, RotateDefaultSecretKeyRequest)
    return answers.rotation_json(call.node.secrets.rotate_cluster_key(call.admission, resume=request.resume))


def _create_role(call: Call) -> Json:
    role = call.node.roles.create(call.admission, read_message(call.body, RoleRequest).role)
    return {"role": answers.role_json(role)}


def _update_role(call: Call) -> Json:
    role = call.node.roles.update(call.admission, read_message(call.body, RoleRequest).role)
    return {"role": answers.role_json(role)}


def _enumerate_roles(call: Call) -> Json:
    return {"names": call.node.roles.enumerate(call.admission)}


def _inspect_role(call: Call) -> Json:
    return {"role": answers.role_json(call.node.roles.inspect(call.admission, call.parameters["name"]))}


def _delete_role(call: Call) -> Json:
    call.node.roles.delete(call.admission, call.parameters["name"])
    return {}


def _version(call: Call) -> Json:
    (major, minor, patch), own = call.node.status.version(call.admission)
    sdk = {"major": major, "minor": minor, "patch": patch, "version": f"{major}.{minor}.{patch}"}
    return {"sdk_version": sdk, "version": {"driver": "holdfast", "version": own}}


def _capabilities(call: Call) -> Json:
    names = call.node.status.capabilities(call.admission)
    return {"capabilities": [{"service": {"type": name}} for name in names]}


def _who_am_i(call: Call) -> Json:
    return answers.principal_json(call.node.status.who_am_i(call.admission))


def _inspect_cluster(call: Call) -> Json:
    identity = call.node.status.inspect_cluster(call.admission)
    return {"cluster": {"id": identity.cluster_id, "name": identity.cluster_id, "status": "STATUS_OK"}}


def _inspect_node(call: Call) -> Json:
    return answers.node_json(call.node.status.inspect_node(call.admission))


ROUTES = (
    Route("GET", "identities/version", StatusService.version, _version),
    Route("GET", "identities/capabilities", StatusService.capabilities, _capabilities),
    Route("GET", "identities/whoami", StatusService.who_am_i, _who_am_i),
    Route("GET", "clusters/inspectcurrent", StatusService.inspect_cluster, _inspect_cluster),
    Route("GET", "nodes/inspectcurrent", StatusService.inspect_node, _inspect_node),
    Route("POST", "volumes", VolumeService.create, _create_volume),
    Route("GET", "volumes", VolumeService.enumerate, _enumerate_volumes),
    Route("POST", "volumes/inspectwithfilters", VolumeService.inspect_with_filters, _inspect_with_filters),
    Route("GET", "volumes/inspect/{volume_id}", VolumeService.inspect, _inspect_volume),
    Route("POST", "volumes/rotatekey", VolumeService.rotate_key, _rotate_volume_key),
    Route("PUT", "volumes/{volume_id}", VolumeService.update, _update_volume),
    Route("DELETE", "volumes/{volume_id}", VolumeService.delete, _delete_volume),
    Route("POST", "mountattach/attach", AttachService.attach, _attach),
    Route("POST", "mountattach/detach", AttachService.detach, _detach),
    Route("POST", "mountattach/format", AttachService.format, _format),
    Route("POST", "mountattach/mount", AttachService.mount, _mount),
    Route("POST", "mountattach/unmount", AttachService.unmount, _unmount),
    Route("POST", "mountattach/import", AttachService.import_tree, _import_tree),
    Route("POST", "mountattach/export", AttachService.export_tree, _export_tree),
    Route("PUT", "cluster/secrets/defaultsecretkey", SecretsService.set_cluster_key, _set_cluster_key),
    Route("GET", "cluster/secrets/defaultsecretkey", SecretsService.status, _get_cluster_key),
    Route(
        "POST",
        "cluster/secrets/rotatedefaultsecretkey",
        SecretsService.rotate_cluster_key,
        _rotate_cluster_key,
    ),
    Route("GET", "cluster/secrets/verify", SecretsService.status, _verify_provider),
    Route("GET", "cluster/secrets/status", SecretsService.status, _secrets_status),
    Route("POST", "roles", RoleService.create, _create_role),
    Route("PUT", "roles", RoleService.update, _update_role),
    Route("GET", "roles", RoleService.enumerate, _enumerate_roles),
    Route("GET", "roles/inspect/{name}", RoleService.inspect, _inspect_role),
    Route("DELETE", "roles/{name}", RoleService.delete, _delete_role),
)
