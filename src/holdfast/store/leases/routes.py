"""``sys/leases/...`` and its older names: look up, extend and end what was leased.

A lease can be named in the body or at the end of the path; the body counts.
"""

from collections import Counter

from holdfast.clock import rfc3339
from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode
from holdfast.store import fields
from holdfast.store.auth.renewal import renewing
from holdfast.store.command import Command
from holdfast.store.layout import TOKENS
from holdfast.store.leases.commands import RenewLease, RevokeLease, RevokeLeasesBelow, TidyTokens
from holdfast.store.leases.ids import find_lease, leases_below
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Deferred, Route
from holdfast.store.visit import Visit


def _lookup(visit: Visit) -> Answer:
    name = _named(visit)
    found = find_lease(visit.view(TOKENS), visit.store.hasher, name, now=visit.now)
    if found is None:
        raise InvalidInputError("invalid lease")
    entry = found[1]
    return Answer(
        data=encode(
            {
                "id": name,
                "issue_time": rfc3339(entry.created_at),
                "expire_time": rfc3339(entry.expires_at),
                "last_renewal": rfc3339(entry.renewed_at) if entry.renewed_at else None,
                "renewable": entry.renewable,
                "ttl": max(0, int(entry.expires_at - visit.now)),
            }
        )
    )


def _list(visit: Visit) -> Answer:
    """List one level of names: a directory for all that is below it."""
    prefix = f"{visit.argument.strip('/')}/".removeprefix("/")
    with visit.store.snapshot(TOKENS) as view:
        names = {
            _first_step(name[len(prefix) :]) for name, _, _ in leases_below(view, visit.store.hasher, prefix)
        }
    return Answer(data=encode({"keys": sorted(names)})) if names else Answer(missing=True)


def _first_step(name: str) -> str:
    first, slash, _ = name.partition("/")
    return first + slash


def _renew(visit: Visit) -> Command | Deferred:
    name = _named(visit)
    command = RenewLease(lease=name, increment_seconds=fields.seconds(visit.values, "increment"))
    found = find_lease(visit.view(TOKENS), visit.store.hasher, name, now=visit.now)
    return command if found is None else renewing(visit, found[1], command)


def _revoke(visit: Visit) -> Command:
    return RevokeLease(lease=_named(visit))


def _revoke_below(visit: Visit) -> Command:
    return RevokeLeasesBelow(prefix=visit.argument.strip("/") + "/")


def _count(visit: Visit) -> Answer:
    """Count leases by mount. None is irrevocable, which is what Vault counts here unless told otherwise."""
    counts: Counter[str] = Counter()
    if visit.request.parameter("type") != "irrevocable":
        with visit.store.snapshot(TOKENS) as view:
            counts.update(
                _mount_of(visit, entry.path) for _, _, entry in leases_below(view, visit.store.hasher, "")
            )
    return Answer(data=encode({"lease_count": counts.total(), "counts": dict(sorted(counts.items()))}))


def _mount_of(visit: Visit, path: str) -> str:
    found = visit.store.auth_mounts.find(path)
    if found is not None:
        return f"auth/{found.path}"
    mount = visit.store.mounts.find(path)
    return mount.path if mount is not None else "/".join(path.split("/")[:2]) + "/"


def _list_irrevocable(_visit: Visit) -> Answer:
    return Answer(data=encode({"lease_count": 0, "leases": None}))


def tidy(_visit: Visit) -> Command:
    """Remove what has run out."""
    return TidyTokens()


def _named(visit: Visit) -> str:
    """Return the name of the lease that a request is about."""
    name = fields.text(visit.values, "lease_id") or visit.argument
    if not name:
        raise InvalidInputError("lease_id: expected the name of a lease, but it is missing or empty")
    return name.strip("/")


_WRITE = Operation.WRITE

LEASE_ROUTES = (
    Route("sys/leases", Operation.READ, _list_irrevocable, sudo=True),
    Route("sys/leases/count", Operation.READ, _count),
    Route("sys/leases/lookup", _WRITE, _lookup),
    Route("sys/leases/lookup", Operation.LIST, _list, sudo=True),
    Route("sys/leases/lookup/{}", Operation.LIST, _list, sudo=True),
    Route("sys/leases/tidy", _WRITE, tidy),
    *(
        Route(f"{path}{end}", _WRITE, _renew)
        for path in ("sys/leases/renew", "sys/renew")
        for end in ("", "/{}")
    ),
    *(
        Route(f"{path}{end}", _WRITE, _revoke)
        for path in ("sys/leases/revoke", "sys/revoke")
        for end in ("", "/{}")
    ),
    *(
        Route(f"{path}/{{}}", _WRITE, _revoke_below, sudo=True)
        for where in ("sys/leases", "sys")
        for path in (f"{where}/revoke-prefix", f"{where}/revoke-force")
    ),
)
