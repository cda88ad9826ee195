"""``sys/policies/explain``: may this token do that, which rule says so, and which others were passed over.

The question is put to the very table that decides about requests, so the answer cannot differ from what the
token would meet. Only what depends on stored data is left out: whether a secret exists, check-and-set.
"""

from collections.abc import Sequence
from typing import Any

from holdfast.errors import InvalidInputError, UnauthenticatedError, UnsupportedError
from holdfast.formats.strict_json import encode
from holdfast.model import parse_path
from holdfast.policy.acl import Capability
from holdfast.policy.decision import Decision
from holdfast.policy.path_rules import PathRules
from holdfast.store import fields
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Route, RouteTable
from holdfast.store.tokens.routes import live_by_accessor
from holdfast.store.visit import Visit

_VERBS: dict[str, Operation] = {
    "get": Operation.READ,
    "read": Operation.READ,
    "list": Operation.LIST,
    "scan": Operation.SCAN,
    "post": Operation.WRITE,
    "put": Operation.WRITE,
    "write": Operation.WRITE,
    "create": Operation.WRITE,
    "update": Operation.WRITE,
    "patch": Operation.PATCH,
    "delete": Operation.DELETE,
}
_CAPABILITIES: dict[Operation, tuple[Capability, ...]] = {
    Operation.READ: (Capability.READ,),
    Operation.LIST: (Capability.LIST,),
    Operation.SCAN: (Capability.LIST,),
    Operation.WRITE: (Capability.CREATE, Capability.UPDATE),
    Operation.PATCH: (Capability.PATCH,),
    Operation.DELETE: (Capability.DELETE,),
}


def explain(visit: Visit, tables: Sequence[RouteTable]) -> Answer:
    """Answer the question in the body.

    Args:
        visit: with ``token`` or ``accessor``, ``verb``, ``path`` and perhaps ``parameters``.
        tables: the store's own paths, which may need more than a rule.

    Raises:
        InvalidInputError: no such token, verb or path.
    """
    verb = fields.required_text(visit.values, "verb").lower()
    operation = _VERBS.get(verb)
    if operation is None:
        raise InvalidInputError(f"verb: expected one of {', '.join(_VERBS)}")
    path = _canonical(fields.required_text(visit.values, "path"))
    if operation in {Operation.LIST, Operation.SCAN} and not path.endswith("/"):
        path += "/"
    acl, policies, networks = _rules(visit)
    parameters = fields.members(visit.values, "parameters")
    needed = _needed(verb, operation)
    decisions = {capability: acl.decide(path, capability, parameters=parameters) for capability in needed}
    route = _own_route(path, operation, tables)
    if route is not None and route.sudo:
        decisions[Capability.SUDO] = acl.decide(path, Capability.SUDO)
    granted = any(decisions[capability] for capability in needed) or (route is not None and route.any_token)
    allowed = granted and _passes(route, acl, decisions)
    return Answer(
        data=encode(
            {
                "allowed": allowed,
                "path": path,
                "policies": list(policies),
                "bound_cidrs": list(networks),
                "decisions": [_describe(capability, decision) for capability, decision in decisions.items()],
                "needs_root": bool(route and route.superuser),
                "rules_for_the_path": list(acl.speaking_for(path)),
                "dropped_rules": list(acl.dropped_for(path)),
            }
        )
    )


def _canonical(path: str) -> str:
    """Return a path as policies and requests have it, though written as a client would write its URL.

    Raises:
        InvalidInputError: no request could have this path.
    """
    return str(parse_path(path.removeprefix("/").removeprefix("v1/")))


def _needed(verb: str, operation: Operation) -> tuple[Capability, ...]:
    """Return what any one of which is enough; a write creates or updates, unless one is asked about."""
    if verb in {"create", "update"}:
        return (Capability(verb),)
    return _CAPABILITIES[operation]


def _passes(route: Route | None, acl: PathRules, decisions: dict[Capability, Decision]) -> bool:
    if route is None:
        return True
    if route.superuser and not acl.is_root:
        return False
    return not route.sudo or bool(decisions[Capability.SUDO])


def _describe(capability: Capability, decision: Decision) -> dict[str, Any]:
    if decision:
        return {"capability": capability.value, "allowed": True, "because": decision.rule}
    return {"capability": capability.value, "allowed": False, "because": decision.reason}


def _own_route(path: str, operation: Operation, tables: Sequence[RouteTable]) -> Route | None:
    for table in tables:
        try:
            found = table.find(path, operation)
        except UnsupportedError:
            raise InvalidInputError("verb: nobody can do this at the path") from None
        if found is not None:
            return found[0]
    return None


def _rules(visit: Visit) -> tuple[PathRules, tuple[str, ...], tuple[str, ...]]:
    """Return what decides for the token, its policies, and the networks that it may be used from."""
    if visit.values.get("accessor"):
        entry = live_by_accessor(visit)[1]
        policies = visit.store.known(entry).all_policies(entry.policies)
        return visit.store.acl_of(entry), policies, entry.bound_cidrs
    try:
        caller = visit.store.authenticate(fields.required_text(visit.values, "token"), visit.now)
    except UnauthenticatedError:
        raise InvalidInputError("token: expected one that is known and alive") from None
    return caller.acl, caller.known.all_policies(caller.entry.policies), caller.entry.bound_cidrs
