"""Service ``Role``: named rules about who may call what."""

from holdfast.api.sdk.proto.role_pb2 import (
    SdkRole,
    SdkRoleCreateRequest,
    SdkRoleCreateResponse,
    SdkRoleDeleteRequest,
    SdkRoleDeleteResponse,
    SdkRoleEnumerateRequest,
    SdkRoleEnumerateResponse,
    SdkRoleInspectRequest,
    SdkRoleInspectResponse,
    SdkRoleUpdateRequest,
    SdkRoleUpdateResponse,
    SdkRule,
)
from holdfast.api.sdk.table import Call, serve
from holdfast.node.role_service import RoleService
from holdfast.policy.roles import Role, Rule


def role_message(role: Role) -> SdkRole:
    rules = [SdkRule(services=rule.services, apis=rule.apis) for rule in role.rules]
    return SdkRole(name=role.name, rules=rules)


def role_of(message: SdkRole) -> Role:
    """Return the role that a message says; raises ``InvalidInputError`` for one that cannot be."""
    rules = tuple(Rule(services=tuple(rule.services), apis=tuple(rule.apis)) for rule in message.rules)
    return Role(name=message.name, rules=rules)


def create(call: Call, request: SdkRoleCreateRequest) -> SdkRoleCreateResponse:
    role = call.node.roles.create(call.admission, role_of(request.role))
    return SdkRoleCreateResponse(role=role_message(role))


def update(call: Call, request: SdkRoleUpdateRequest) -> SdkRoleUpdateResponse:
    role = call.node.roles.update(call.admission, role_of(request.role))
    return SdkRoleUpdateResponse(role=role_message(role))


def enumerate_roles(call: Call, request: SdkRoleEnumerateRequest) -> SdkRoleEnumerateResponse:  # noqa: ARG001
    return SdkRoleEnumerateResponse(names=call.node.roles.enumerate(call.admission))


def inspect(call: Call, request: SdkRoleInspectRequest) -> SdkRoleInspectResponse:
    role = call.node.roles.inspect(call.admission, request.name)
    return SdkRoleInspectResponse(role=role_message(role))


def delete(call: Call, request: SdkRoleDeleteRequest) -> SdkRoleDeleteResponse:
    call.node.roles.delete(call.admission, request.name)
    return SdkRoleDeleteResponse()


ROWS = (
    serve(RoleService.create, SdkRoleCreateRequest, SdkRoleCreateResponse, create, "POST roles"),
    serve(RoleService.update, SdkRoleUpdateRequest, SdkRoleUpdateResponse, update, "PUT roles"),
    serve(
        RoleService.enumerate,
        SdkRoleEnumerateRequest,
        SdkRoleEnumerateResponse,
        enumerate_roles,
        "GET roles",
    ),
    serve(
        RoleService.inspect,
        SdkRoleInspectRequest,
        SdkRoleInspectResponse,
        inspect,
        "GET roles/inspect/{name}",
    ),
    serve(RoleService.delete, SdkRoleDeleteRequest, SdkRoleDeleteResponse, delete, "DELETE roles/{name}"),
)
