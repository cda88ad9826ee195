"""Service ``Role``: named rules about who may call what."""

from holdfast.api.sdk.proto.role_pb2 import RoleTestRequest as TestRequest
from holdfast.api.sdk.proto.role_pb2 import RoleTestResponse as TestResponse
from holdfast.api.sdk.proto.role_pb2 import RoleTestResult as Result
from holdfast.api.sdk.proto.role_pb2 import RoleTestVerdict as Verdict
from holdfast.api.sdk.proto.role_pb2 import (
    RuleScope,
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
from holdfast.node.roles.role_service import CallVerdict, RoleService
from holdfast.policy.decision import Decision
from holdfast.policy.role_scope import Scope
from holdfast.policy.roles import Role, Rule


def role_message(role: Role) -> SdkRole:
    return SdkRole(name=role.name, rules=[_rule_message(rule) for rule in role.rules])


def _rule_message(rule: Rule) -> SdkRule:
    scope = RuleScope(labels=rule.scope.labels) if rule.scope is not None else None
    return SdkRule(services=rule.services, apis=rule.apis, scope=scope)


def role_of(message: SdkRole) -> Role:
    """Return the role that a message says; raises ``InvalidInputError`` for one that cannot be."""
    return Role(name=message.name, rules=tuple(_rule_of(rule) for rule in message.rules))


def _rule_of(message: SdkRule) -> Rule:
    # An empty scope is refused, and not taken for none.
    scope = Scope(labels=dict(message.scope.labels)) if message.HasField("scope") else None
    return Rule(services=tuple(message.services), apis=tuple(message.apis), scope=scope)


def create(call: Call, request: SdkRoleCreateRequest) -> SdkRoleCreateResponse:
    role = call.node.roles.create(call.admission, role_of(request.role), allow_unknown=request.allow_unknown)
    return SdkRoleCreateResponse(role=role_message(role))


def update(call: Call, request: SdkRoleUpdateRequest) -> SdkRoleUpdateResponse:
    role = call.node.roles.update(call.admission, role_of(request.role), allow_unknown=request.allow_unknown)
    return SdkRoleUpdateResponse(role=role_message(role))


def enumerate_roles(call: Call, request: SdkRoleEnumerateRequest) -> SdkRoleEnumerateResponse:  # noqa: ARG001
    return SdkRoleEnumerateResponse(names=call.node.roles.enumerate(call.admission))


def inspect(call: Call, request: SdkRoleInspectRequest) -> SdkRoleInspectResponse:
    role = call.node.roles.inspect(call.admission, request.name)
    return SdkRoleInspectResponse(role=role_message(role))


def delete(call: Call, request: SdkRoleDeleteRequest) -> SdkRoleDeleteResponse:
    call.node.roles.delete(call.admission, request.name)
    return SdkRoleDeleteResponse()


def test_roles(call: Call, request: TestRequest) -> TestResponse:
    found = call.node.roles.test(
        call.admission,
        names=tuple(request.names),
        role=role_of(request.role) if request.HasField("role") else None,
        calls=[(each.service, each.method) for each in request.calls],
        labels=dict(request.volume.labels) if request.HasField("volume") else None,
    )
    return TestResponse(results=[_result(verdict) for verdict in found.calls], warnings=found.warnings)


def _result(verdict: CallVerdict) -> Result:
    rule, reason = _words(verdict.decision)
    return Result(
        service=verdict.service,
        method=verdict.method,
        known=verdict.is_known,
        allowed=bool(verdict.decision),
        rule=rule,
        reason=reason,
        roles=[_verdict(name, decision) for name, decision in verdict.by_role],
    )


def _verdict(name: str, decision: Decision) -> Verdict:
    rule, reason = _words(decision)
    return Verdict(role=name, allowed=bool(decision), rule=rule, reason=reason)


def _words(decision: Decision) -> tuple[str, str]:
    return (decision.rule, "") if decision else ("", decision.reason)


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
    serve(RoleService.test, TestRequest, TestResponse, test_roles, "POST roles/test"),
)
