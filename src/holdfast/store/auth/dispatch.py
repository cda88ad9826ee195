"""A request below ``auth/`` from a caller with a token: to the handler of the mount's method."""

from functools import partial

from holdfast.errors import NotFoundError, PermissionDeniedError
from holdfast.store.auth.methods import METHODS
from holdfast.store.auth.visit import AuthVisit
from holdfast.store.caller import Caller
from holdfast.store.open_store import OpenStore
from holdfast.store.permit import Permit
from holdfast.store.request import Operation, StoreRequest
from holdfast.store.route import Plan


def plan_auth(opened: OpenStore, caller: Caller, permit: Permit, request: StoreRequest, now: float) -> Plan:
    """Return what to do for a caller who may ask.

    Raises:
        NotFoundError: no method is mounted there, or it has no such path.
        PermissionDeniedError: he may only create, where nothing can be created.
    """
    mount = opened.auth_mounts.find(request.path)
    method = None if mount is None else METHODS.get(mount.type)
    if mount is None or method is None:
        raise NotFoundError(f'no handler for route "{request.path}". route entry not found.')
    found = method.table.find(request.path[len("auth/") + len(mount.path) :], request.operation)
    if found is None:
        raise NotFoundError("unsupported path")
    route, argument = found
    if request.operation is Operation.WRITE and not permit.update and route.pattern not in method.creating:
        raise PermissionDeniedError("permission denied")
    visit = AuthVisit(request, argument, mount=mount, permit=permit, caller=caller, store=opened, now=now)
    return partial(route.handler, visit), visit.warnings
