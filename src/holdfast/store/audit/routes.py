"""``sys/audit...``: which audit devices there are, and what people need who read what they wrote."""

import base64
from functools import partial
from typing import Any

from holdfast.audit import AuditBroker, AuditTarget, DeviceSettings, ValueHasher, chain_key, read_options
from holdfast.clock import rfc3339
from holdfast.errors import HoldfastError, InvalidInputError, UnavailableError
from holdfast.formats.strict_json import encode
from holdfast.store import fields
from holdfast.store.audit.devices import (
    DisableAuditDevice,
    EnableAuditDevice,
    check_unused,
    new_audit_key,
)
from holdfast.store.audit.header_routes import AUDIT_HEADER_ROUTES
from holdfast.store.audit.rules import AuditRules
from holdfast.store.command import Command
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Deferred, Route
from holdfast.store.visit import Visit

TEST_PATH = "sys/audit/test"


def _list(visit: Visit) -> Answer:
    devices = sorted(_devices(visit), key=lambda device: device.name)
    shown = {f"{device.name}/": _describe(device, visit) for device in devices}
    return Answer(data=encode(shown), flat=True)


def _enable(visit: Visit) -> Deferred:
    """Add a device, once it has taken a line."""
    values, rules = visit.values, visit.store.facts.audit
    settings = DeviceSettings(
        name=visit.argument.strip("/"),
        type=fields.text(values, "type"),
        options=read_options(fields.members(values, "options")),
        description=fields.text(values, "description"),
        local=fields.boolean(values, "local"),
    )
    rules.check_new(settings)
    check_unused(settings, _devices(visit))
    key = visit.store.audit_keys().get(settings.name) or new_audit_key()
    return Deferred(partial(_try_out, rules, settings, key, visit.request.id, visit.now), outside=True)


def _try_out(rules: AuditRules, settings: DeviceSettings, key: bytes, request_id: str, now: float) -> Command:
    """Write a line to a device; return the command that adds it."""
    device = settings.open(key, directory=rules.directory or None)
    broker = AuditBroker([device])
    try:
        target = AuditTarget(Operation.WRITE, TEST_PATH)
        entry = broker.entry(request_id.encode(), broker.auth(client_token=""), target, allowed=True)
        broker.request(entry, now)
        broker.flush()
    except HoldfastError:
        raise UnavailableError(
            f"sanity check failed; the audit device took no test record: {device.last_failure}"
        ) from None
    finally:
        broker.close()
    return EnableAuditDevice(settings=settings, key=key)


def _disable(visit: Visit) -> Command:
    name = visit.argument.strip("/")
    if visit.store.facts.audit.named(name) is not None:
        raise InvalidInputError(
            "cannot disable audit device via API; it is one of the configuration: remove its stanza there"
        )
    return DisableAuditDevice(name=name)


def _hash(visit: Visit) -> Answer:
    """Return what stands for a text in the lines of a device, so that one can look for it."""
    text = fields.required_text(visit.values, "input")
    return Answer(data=encode({"hash": ValueHasher(_device_key(visit)).text(text)}), flat=True)


def _chain_key(visit: Visit) -> Answer:
    """Return the key that lines of a device are verified with. It opens nothing, but could forge lines."""
    key = base64.b64encode(chain_key(_device_key(visit))).decode()
    return Answer(data=encode({"algorithm": "hmac-sha256", "key": key}))


def _device_key(visit: Visit) -> bytes:
    key = visit.store.audit_keys().get(visit.argument.strip("/"))
    if key is None:
        raise InvalidInputError("unknown audit backend")
    return key


def _devices(visit: Visit) -> tuple[DeviceSettings, ...]:
    configured = visit.store.facts.audit.configured
    names = {device.name for device in configured}
    return (*configured, *(device for device in visit.store.audit_devices if device.name not in names))


def _describe(device: DeviceSettings, visit: Visit) -> dict[str, Any]:
    failing, since, failures, last = visit.store.facts.audit_health.of(device.name)
    return {
        "type": device.type,
        "description": device.description,
        "options": device.options,
        "local": device.local,
        "path": f"{device.name}/",
        "health": {
            "failing_processes": failing,
            "failing_since": rfc3339(since) if since else "",
            "failed_writes": failures,
            "last_failure": rfc3339(last) if last else "",
        },
    }


AUDIT_ROUTES = (
    Route("sys/audit", Operation.READ, _list, sudo=True),
    Route("sys/audit/{}", Operation.WRITE, _enable, sudo=True),
    Route("sys/audit/{}", Operation.DELETE, _disable, sudo=True),
    *AUDIT_HEADER_ROUTES,
    Route("sys/audit-hash/{}", Operation.WRITE, _hash),
    Route("sys/audit-chain/{}", Operation.READ, _chain_key, sudo=True),
)
