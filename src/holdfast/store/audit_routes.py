"""``sys/audit-hash`` and ``sys/audit-chain``: what people need who read audit files."""

import base64

from holdfast.audit import ValueHasher, chain_key
from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode
from holdfast.store import fields
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Route
from holdfast.store.visit import Visit


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


AUDIT_ROUTES = (
    Route("sys/audit-hash/{}", Operation.WRITE, _hash),
    Route("sys/audit-chain/{}", Operation.READ, _chain_key, sudo=True),
)
