"""May they? What a caller may have done, decided by path, operation, and the caller's own policies.

Nothing is found for a caller, nor said to be missing, before the policies allowed him to ask for the path.
"""

from functools import partial

from holdfast.errors import NotFoundError, PermissionDeniedError
from holdfast.policy.acl import Capability
from holdfast.store.auth.dispatch import plan_auth
from holdfast.store.auth.mounts import PREFIX as AUTH_PREFIX
from holdfast.store.caller import Caller
from holdfast.store.description.fields import unrecognized
from holdfast.store.description.path_help import HELP
from holdfast.store.iam.routes import IAM_ROUTES
from holdfast.store.identity.routes import IDENTITY_ROUTES
from holdfast.store.mount_visit import MountVisit
from holdfast.store.open_store import OpenStore
from holdfast.store.permit import DENIED, Permit
from holdfast.store.request import EMPTY_BODY, Operation, StoreRequest
from holdfast.store.route import Plan, RouteTable
from holdfast.store.secrets_engines import SECRETS_ENGINES
from holdfast.store.system_routes import SELF_GUARDED, SYSTEM_ROUTES
from holdfast.store.tokens.routes import TOKEN_ROUTES
from holdfast.store.visit import Visit
from holdfast.store.wrapping.conclude import refuse_wrapping

# What is needed for an operation that carries no body.
_CAPABILITY = {
    Operation.READ: Capability.READ,
    Operation.LIST: Capability.LIST,
    Operation.SCAN: Capability.LIST,
    Operation.DELETE: Capability.DELETE,
}
_OWN_PATHS: dict[str, RouteTable] = {
    "sys/": SYSTEM_ROUTES,
    "auth/token/": TOKEN_ROUTES,
    "identity/": IDENTITY_ROUTES,
    "acs/": IAM_ROUTES,
}
_OWN_PREFIXES = tuple(_OWN_PATHS)

_FOR_ANYBODY = frozenset(route.pattern for route in SYSTEM_ROUTES.routes if route.anybody)
_WITHOUT_TOKEN = frozenset(
    (route.operation, route.pattern) for route in SYSTEM_ROUTES.routes if route.without_token
)
_FOR_ANY_TOKEN = frozenset(
    (route.operation, route.pattern) for route in SYSTEM_ROUTES.routes if route.any_token
)
_GUARDED_BELOW = ("sys/internal/ui/mounts/", HELP)

_NO_WRITE = Permit(create=False, update=False)


def caller_of(opened: OpenStore, request: StoreRequest, now: float) -> Caller:
    """Return who asks.

    Raises:
        UnauthenticatedError: nobody that is known, on a path that is not for anybody.
    """
    if not _is_for_anybody(request):
        return opened.authenticate(request.token, now)
    refuse_wrapping(request)
    return opened.nobody()


def authorise(
    opened: OpenStore, caller: Caller, request: StoreRequest, now: float, *, max_secret_bytes: int
) -> Plan:
    """Return what to do for the caller.

    Args:
        opened: the namespace that the request is for.
        caller: who asks.
        request: what for.
        now: Unix seconds.
        max_secret_bytes: the largest secret that may be written.

    Raises:
        PermissionDeniedError: he may not have it done.
        NotFoundError: he may, but nothing is there that would do it.
    """
    if request.path.startswith(_OWN_PREFIXES):
        return _plan_own_path(opened, caller, request, now)
    permit = permit_of(caller, request)
    if request.path.startswith(AUTH_PREFIX):
        return plan_auth(opened, caller, permit, request, now)
    mounted = opened.destination(request.operation, request.path).mounted
    engine = None if mounted is None else SECRETS_ENGINES.get(mounted.mount.type)
    if mounted is None or engine is None:
        raise NotFoundError(f'no handler for route "{request.path}". route entry not found.')
    visit = MountVisit(request, mounted, caller, permit, opened, now, max_secret_bytes)
    return partial(engine.serve, visit), []


def permit_of(caller: Caller, request: StoreRequest, *, may_create: bool = True) -> Permit:
    """Return which writes the caller may do.

    Args:
        caller: who asks.
        request: what for.
        may_create: whether the path is one at which something can be created.

    Raises:
        PermissionDeniedError: he may not do what he asks at all.
    """
    path, permit, wrap = request.path, _NO_WRITE, request.wrap_seconds or None
    capability = _CAPABILITY.get(request.operation)
    if capability is not None:
        if request.query or wrap:
            parameters = dict(request.query)
            allowed = bool(caller.acl.decide(path, capability, parameters=parameters, wrap_ttl_seconds=wrap))
        else:
            allowed = bool(caller.decide(path, capability))
    elif request.operation is Operation.PATCH:
        fields = request.body.values
        allowed = bool(caller.acl.decide(path, Capability.PATCH, parameters=fields, wrap_ttl_seconds=wrap))
    else:
        decide, fields = partial(caller.acl.decide, wrap_ttl_seconds=wrap), request.body.values
        permit = Permit(
            create=bool(may_create and decide(path, Capability.CREATE, parameters=fields)),
            update=bool(decide(path, Capability.UPDATE, parameters=fields)),
        )
        allowed = permit.create or permit.update
    if not allowed:
        raise PermissionDeniedError(DENIED)
    return permit


def _plan_own_path(opened: OpenStore, caller: Caller, request: StoreRequest, now: float) -> Plan:
    if not (_guards_itself(request) or _is_for_anybody(request)):
        permit_of(caller, request, may_create=False)
    table = next(table for prefix, table in _OWN_PATHS.items() if request.path.startswith(prefix))
    found = table.find(request.path, request.operation)
    if found is None:
        raise NotFoundError("unsupported path")
    route, argument = found
    if route.superuser and not caller.acl.is_root:
        raise PermissionDeniedError(DENIED)
    if route.sudo and not _may_sudo(caller, request):
        raise PermissionDeniedError(DENIED)
    if request.operation is Operation.WRITE and request.body is not EMPTY_BODY:
        request.ignored = unrecognized(route.pattern, request.body.values)
    visit = Visit(request, argument, caller=caller, store=opened, now=now)
    return partial(route.handler, visit), visit.warnings


def _may_sudo(caller: Caller, request: StoreRequest) -> bool:
    if not request.wrap_seconds:
        return bool(caller.decide(request.path, Capability.SUDO))
    return bool(caller.acl.decide(request.path, Capability.SUDO, wrap_ttl_seconds=request.wrap_seconds))


def _is_for_anybody(request: StoreRequest) -> bool:
    if request.path in _FOR_ANYBODY:
        return True
    return not request.token and (request.operation, request.path) in _WITHOUT_TOKEN


def _guards_itself(request: StoreRequest) -> bool:
    if (request.operation, request.path) in _FOR_ANY_TOKEN:
        return True
    return request.operation is Operation.READ and (
        request.path in SELF_GUARDED or request.path.startswith(_GUARDED_BELOW)
    )
