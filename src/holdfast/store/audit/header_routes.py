"""``sys/config/auditing/request-headers``: which headers of requests audit lines show."""

import re
from typing import Any

from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode
from holdfast.store import fields
from holdfast.store.audit.headers import HideHeader, ShowHeader, load_audit_headers
from holdfast.store.command import Command
from holdfast.store.layout import CONFIG
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Route
from holdfast.store.visit import Visit

PATH = "sys/config/auditing/request-headers"

_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,128}")
_CREDENTIALS = frozenset({"x-vault-token", "authorization", "cookie", "proxy-authorization"})


def _list(visit: Visit) -> Answer:
    return _shown({"headers": _told(load_audit_headers(visit.view(CONFIG)))})


def _read(visit: Visit) -> Answer:
    name = _name(visit)
    headers = load_audit_headers(visit.view(CONFIG))
    if name not in headers:
        raise InvalidInputError("Could not find header in config")
    return _shown(_told({name: headers[name]}))


def _write(visit: Visit) -> Command:
    name = _name(visit)
    if not _NAME.fullmatch(name):
        raise InvalidInputError("header: expected the name of a header")
    if name in _CREDENTIALS:
        raise InvalidInputError("header: expected one that carries no credential")
    return ShowHeader(name=name, is_hashed=fields.boolean(visit.values, "hmac"))


def _delete(visit: Visit) -> Command:
    return HideHeader(name=_name(visit))


def _name(visit: Visit) -> str:
    return visit.argument.lower()


def _told(headers: dict[str, bool]) -> dict[str, Any]:
    return {name: {"hmac": is_hashed} for name, is_hashed in sorted(headers.items())}


def _shown(data: dict[str, Any]) -> Answer:
    return Answer(data=encode(data), flat=True)


AUDIT_HEADER_ROUTES = (
    Route(PATH, Operation.READ, _list, sudo=True),
    Route(f"{PATH}/<>", Operation.READ, _read, sudo=True),
    Route(f"{PATH}/<>", Operation.WRITE, _write, sudo=True),
    Route(f"{PATH}/<>", Operation.DELETE, _delete, sudo=True),
)
