"""``sys/quotas/lease-count/...``: how many leases there may be."""

from typing import Any

from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode
from holdfast.store import fields
from holdfast.store.command import Command
from holdfast.store.layout import TOKENS
from holdfast.store.policy_records import fold_name
from holdfast.store.quotas.lease_commands import DeleteLeaseCount, SaveLeaseCount
from holdfast.store.quotas.lease_counts import LeaseCount, load_lease_counts
from holdfast.store.quotas.paths import path_of
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Route
from holdfast.store.visit import Visit

TYPE = "lease-count"


def _list(visit: Visit) -> Answer:
    names = [quota.name for quota in _quotas(visit)]
    return Answer(data=encode({"keys": names})) if names else Answer(missing=True)


def _read(visit: Visit) -> Answer:
    quota = _named(visit)
    if quota is None:
        return Answer(missing=True)
    data: dict[str, Any] = {
        "name": quota.name,
        "type": TYPE,
        "path": quota.path,
        "max_leases": quota.max_leases,
        "counter": quota.count,
        "role": quota.role,
        "inheritable": quota.inheritable,
    }
    return Answer(data=encode(data))


def _write(visit: Visit) -> Command:
    values, name = visit.values, fold_name(visit.argument)
    if fields.text(values, "type", TYPE) != TYPE:
        raise InvalidInputError(f"type: expected {TYPE}")
    before = _named(visit) or LeaseCount(name, "", 0)
    path = path_of(visit) if "path" in values else before.path
    inside, _ = visit.store.namespaces.enter("", path if path.endswith("/") else f"{path}/")
    quota = LeaseCount(
        name=name,
        path=path,
        namespace=inside.namespace.uuid,
        inner=path[len(inside.namespace.path) :],
        max_leases=fields.integer(values, "max_leases", before.max_leases),
        role=fields.text(values, "role", before.role),
        inheritable=fields.boolean(values, "inheritable", default=before.inheritable),
    )
    if not quota.max_leases:
        raise InvalidInputError("max_leases: expected a number over 0")
    mounts = (f"auth/{mount.path}" for mount in inside.auth_mounts.mounts)
    if quota.role and quota.inner not in mounts:
        raise InvalidInputError("role: expected none, unless path is that of an auth mount")
    if quota.inheritable and quota.namespace:
        raise InvalidInputError("inheritable: expected false; a namespace is counted without those in it")
    return SaveLeaseCount(quota=quota)


def _delete(visit: Visit) -> Command:
    return DeleteLeaseCount(name=fold_name(visit.argument))


def _named(visit: Visit) -> LeaseCount | None:
    name = fold_name(visit.argument)
    return next((quota for quota in _quotas(visit) if quota.name == name), None)


def _quotas(visit: Visit) -> tuple[LeaseCount, ...]:
    return load_lease_counts(visit.view(TOKENS))


LEASE_QUOTA_ROUTES = (
    Route("sys/quotas/lease-count", Operation.LIST, _list),
    Route("sys/quotas/lease-count/{}", Operation.READ, _read),
    Route("sys/quotas/lease-count/{}", Operation.WRITE, _write),
    Route("sys/quotas/lease-count/{}", Operation.DELETE, _delete),
)
