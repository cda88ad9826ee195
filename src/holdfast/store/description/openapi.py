"""``sys/internal/specs/openapi``: what there is to ask for, written down from the tables that answer it.

A caller sees the store's own paths and the mounts that his policies reach, nothing else.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from holdfast.formats.strict_json import encode
from holdfast.store.auth.methods import METHODS
from holdfast.store.auth.mounts import AuthMount
from holdfast.store.description.fields import request_schema
from holdfast.store.description.schemas import ERRORS, SCHEMAS, responses
from holdfast.store.description.words import summary
from holdfast.store.mounts import Mount
from holdfast.store.request import Answer, Operation
from holdfast.store.route import RouteTable
from holdfast.store.secrets_engines import SECRETS_ENGINES
from holdfast.store.visit import Visit
from holdfast.version import API_VERSION

_METHODS = {
    Operation.READ: "get",
    Operation.LIST: "get",
    Operation.SCAN: "get",
    Operation.WRITE: "post",
    Operation.PATCH: "patch",
    Operation.DELETE: "delete",
}
_FLAGS = {Operation.LIST: "list", Operation.SCAN: "scan"}
_PLACEHOLDER = re.compile(r"\{\}|<>")
_NAME = re.compile(r"\{(\w+)\}")


class Row(NamedTuple):
    """One operation.

    Attributes:
        path: below ``/v1/``, with names for what is open in it.
        operation: what a caller may do there.
        pattern: by which ``description.words`` and ``description.fields`` know the path.
        kind: type of the mount that serves it; empty for the store's own.
        remarks: what else the document says of it.
    """

    path: str
    operation: Operation
    pattern: str
    kind: str = ""
    remarks: Mapping[str, Any] = {}


_ANYBODY: Mapping[str, Any] = {"x-vault-unauthenticated": True, "security": []}

# Answered by the dialect itself, in documents without an envelope, while the store is sealed as well.
_STATUS = (
    Row("sys/init", Operation.READ, "sys/init", "status", _ANYBODY),
    Row("sys/init", Operation.WRITE, "sys/init", "status", _ANYBODY),
    Row("sys/unseal", Operation.WRITE, "sys/unseal", "status", _ANYBODY),
    Row("sys/seal-status", Operation.READ, "sys/seal-status", "status", _ANYBODY),
    Row("sys/leader", Operation.READ, "sys/leader", "status", _ANYBODY),
    Row("sys/health", Operation.READ, "sys/health", "status", _ANYBODY),
)


def describe(visit: Visit, own: Iterable[RouteTable]) -> Answer:
    """Return the document for a caller; ``own`` are the tables of the store's own paths."""
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Holdfast: the Vault HTTP API",
            "version": API_VERSION,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/v1"}],
        "security": [{"token": []}],
        "paths": _paths(_rows(visit, own)),
        "components": {
            "securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": "X-Vault-Token"}},
            "schemas": SCHEMAS,
            "responses": ERRORS,
        },
    }
    return Answer(raw=encode(document))


def _rows(visit: Visit, own: Iterable[RouteTable]) -> Iterator[Row]:
    yield from _STATUS
    for table in own:
        for route in table.routes:
            remarks: dict[str, Any] = {}
            if route.sudo or route.superuser:
                remarks["x-vault-sudo"] = True
            if route.anybody:
                remarks |= _ANYBODY
            yield Row(_with_names(route.pattern), route.operation, route.pattern, remarks=remarks)
    acl = visit.caller.acl
    for mount in visit.store.mounts.mounts:
        if acl.may_touch_below(mount.path):
            yield from _of_engine(mount)
    for auth_mount in visit.store.auth_mounts.mounts:
        if acl.may_touch_below(f"auth/{auth_mount.path}"):
            yield from _of_method(auth_mount)


def _of_engine(mount: Mount) -> Iterator[Row]:
    engine = SECRETS_ENGINES.get(mount.type)
    for path, operation in engine.paths(mount) if engine else ():
        yield Row(mount.path + path, operation, path, mount.type)


def _of_method(mount: AuthMount) -> Iterator[Row]:
    method, kind = METHODS[mount.type], "jwt" if mount.type == "oidc" else mount.type
    for route in method.table.routes:
        path = f"auth/{mount.path}{_with_names(route.pattern)}"
        yield Row(path, route.operation, route.pattern, kind)
    login = "login/{name}" if method.names_in_path else "login"
    yield Row(f"auth/{mount.path}{login}", Operation.WRITE, login, kind, _ANYBODY)
    for path, operation in method.further:
        yield Row(f"auth/{mount.path}{path}", operation, path, kind, _ANYBODY)


def _with_names(pattern: str) -> str:
    names = iter(("name", "second", "third", "fourth"))
    return _PLACEHOLDER.sub(lambda _: "{" + next(names) + "}", pattern)


def _paths(rows: Iterable[Row]) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for row in rows:
        item, method = paths.setdefault("/" + row.path, {}), _METHODS[row.operation]
        if (flag := _FLAGS.get(row.operation)) is not None:
            _add_flag(item, row, flag)
        else:
            flags = item.get(method, {}).get("parameters", [])
            item[method] = _operation(row)
            item[method]["parameters"] += [p | {"required": False} for p in flags if p["in"] == "query"]
    return dict(sorted(paths.items()))


def _operation(row: Row) -> dict[str, Any]:
    key = f"{row.kind}:{row.pattern}" if row.kind not in {"", "status"} else row.pattern
    described: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "-", f"{row.operation}-{row.path}").strip("-"),
        "summary": summary(key, row.operation),
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for name in _NAME.findall(row.path)
        ],
        "responses": responses(key, row.operation, is_status=row.kind == "status"),
        **row.remarks,
    }
    described["parameters"] += _QUERY.get((key, row.operation), [])
    if row.operation in {Operation.WRITE, Operation.PATCH}:
        media = "application/merge-patch+json" if row.operation is Operation.PATCH else "application/json"
        schema = request_schema(row.pattern, "" if row.kind == "status" else row.kind)
        described["requestBody"] = {"content": {media: {"schema": schema}}}
    return described


def _add_flag(item: dict[str, Any], row: Row, flag: str) -> None:
    """Say that a GET lists with a flag in its query; where there is nothing to read, the flag is needed."""
    is_new = "get" not in item
    if is_new:
        item["get"] = _operation(row._replace(operation=Operation.LIST))
    only = is_new and flag == "list"
    schema = {"type": "string", "enum": ["true"]}
    item["get"]["parameters"].append({"name": flag, "in": "query", "required": only, "schema": schema})
    if not is_new:
        for parameter in item["get"]["parameters"]:
            if parameter["in"] == "query":
                parameter["required"] = False


def _in_query(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


_NUMBER = {"type": "integer", "minimum": 0, "maximum": 999_999_999}
_VERSION = _in_query("version", _NUMBER, "number of a version; 0 or nothing for the newest")
_CODE = {"type": "integer", "minimum": 200, "maximum": 599}
_QUERY: dict[tuple[str, Operation], list[dict[str, Any]]] = {
    ("kv:data/{path}", Operation.READ): [_VERSION],
    ("kv:subkeys/{path}", Operation.READ): [
        _VERSION,
        _in_query("depth", _NUMBER, "how deep to go; 0 for no limit"),
    ],
    ("sys/metrics", Operation.READ): [
        _in_query("format", {"type": "string", "enum": ["prometheus"]}, "nothing for JSON")
    ],
    ("sys/health", Operation.READ): [
        _in_query(name, _CODE, "status code to answer with in this state")
        for name in ("activecode", "sealedcode", "uninitcode")
    ],
}
