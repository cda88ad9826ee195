"""``sys/quotas/...``: how many requests one address may send; of leases, see ``lease_routes``."""

import math
from typing import Any

from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode
from holdfast.store import fields
from holdfast.store.command import Command
from holdfast.store.layout import CONFIG
from holdfast.store.policy_records import fold_name
from holdfast.store.quotas.commands import ConfigureQuotas, DeleteRateLimit, SaveRateLimit
from holdfast.store.quotas.lease_routes import LEASE_QUOTA_ROUTES
from holdfast.store.quotas.paths import path_of, pattern_of
from holdfast.store.quotas.records import Quotas, RateLimit, load_quotas
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Route
from holdfast.store.visit import Visit

MAX_RATE = 1e9
MAX_SECONDS = 24 * 3600


def _list(visit: Visit) -> Answer:
    names = [limit.name for limit in _quotas(visit).limits]
    return Answer(data=encode({"keys": names})) if names else Answer(missing=True)


def _read(visit: Visit) -> Answer:
    limit = _quotas(visit).named(fold_name(visit.argument))
    if limit is None:
        return Answer(missing=True)
    return Answer(
        data=encode(
            {
                "name": limit.name,
                "type": "rate-limit",
                "path": limit.path,
                "rate": limit.rate,
                "interval": limit.interval_seconds,
                "block_interval": limit.block_seconds,
                "role": "",
                "inheritable": limit.inheritable,
            }
        )
    )


def _write(visit: Visit) -> Command:
    values, name = visit.values, fold_name(visit.argument)
    if fields.text(values, "role"):
        raise InvalidInputError("role: expected none; give a quota the path of the login")
    if fields.text(values, "type", "rate-limit") != "rate-limit":
        raise InvalidInputError("type: expected rate-limit")
    before = _quotas(visit).named(name) or RateLimit(name, "", 0.0)
    limit = RateLimit(
        name=name,
        path=path_of(visit) if "path" in values else before.path,
        rate=_rate(values) if "rate" in values else before.rate,
        interval_seconds=_seconds(values, "interval", before.interval_seconds) or 1,
        block_seconds=_seconds(values, "block_interval", before.block_seconds),
        inheritable=fields.boolean(values, "inheritable", default=before.inheritable),
    )
    if not limit.rate:
        raise InvalidInputError("rate: expected a number over 0, but it is missing")
    return SaveRateLimit(limit=limit)


def _delete(visit: Visit) -> Command:
    return DeleteRateLimit(name=fold_name(visit.argument))


def _read_config(visit: Visit) -> Answer:
    settings = _quotas(visit).settings
    return Answer(
        data=encode(
            {
                "enable_rate_limit_audit_logging": settings.audit,
                "enable_rate_limit_response_headers": False,
                "rate_limit_exempt_paths": list(settings.exempt),
            }
        )
    )


def _configure(visit: Visit) -> Command:
    values = visit.values
    if fields.boolean(values, "enable_rate_limit_response_headers"):
        raise InvalidInputError(
            "enable_rate_limit_response_headers: expected false; only refusals have such headers"
        )
    exempt = None
    if "rate_limit_exempt_paths" in values:
        exempt = tuple(pattern_of(path) for path in fields.words(values, "rate_limit_exempt_paths"))
    audit = None
    if "enable_rate_limit_audit_logging" in values:
        audit = fields.boolean(values, "enable_rate_limit_audit_logging")
    return ConfigureQuotas(exempt=exempt, audit=audit)


def _quotas(visit: Visit) -> Quotas:
    return load_quotas(visit.view(CONFIG))


def _rate(values: dict[str, Any]) -> float:
    given = values["rate"]
    try:
        rate = float(given) if isinstance(given, str | int | float) and given is not True else math.nan
    except (ValueError, OverflowError):
        rate = math.nan
    if not 0 < rate <= MAX_RATE:
        raise InvalidInputError("rate: expected a number over 0")
    return rate


def _seconds(values: dict[str, Any], name: str, before: int) -> int:
    seconds = fields.seconds(values, name) if name in values else before
    if seconds > MAX_SECONDS:
        raise InvalidInputError(f"{name}: expected at most 24h")
    return seconds


QUOTA_ROUTES = (
    Route("sys/quotas/config", Operation.READ, _read_config),
    Route("sys/quotas/config", Operation.WRITE, _configure),
    Route("sys/quotas/rate-limit", Operation.LIST, _list),
    Route("sys/quotas/rate-limit/{}", Operation.READ, _read),
    Route("sys/quotas/rate-limit/{}", Operation.WRITE, _write),
    Route("sys/quotas/rate-limit/{}", Operation.DELETE, _delete),
    *LEASE_QUOTA_ROUTES,
)
