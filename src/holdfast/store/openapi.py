"""``sys/internal/specs/openapi``: what there is to ask for, written down from the tables that answer it.

A caller sees the store's own paths and the mounts that his policies reach, nothing else.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from holdfast.formats.strict_json import encode
from holdfast.store.auth.methods import METHODS
from holdfast.store.auth.mounts import AuthMount
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
_RESPONSES = {
    "200": {"description": "done, and there is something to say"},
    "204": {"description": "done"},
    "400": {"description": "the request says something that it must not"},
    "403": {"description": "not known, or not allowed"},
    "404": {"description": "nothing is there"},
    "503": {"description": "sealed, or not able to answer now"},
}

Row = tuple[str, Operation, dict[str, Any]]
"""A path below ``/v1/`` with names for what is open in it, an operation, and remarks on it."""


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
        },
    }
    return Answer(raw=encode(document))


def _rows(visit: Visit, own: Iterable[RouteTable]) -> Iterator[Row]:
    for table in own:
        for route in table.routes:
            remarks: dict[str, Any] = {}
            if route.sudo or route.superuser:
                remarks["x-vault-sudo"] = True
            if route.anybody:
                remarks |= {"x-vault-unauthenticated": True, "security": []}
            yield _with_names(route.pattern), route.operation, remarks
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
        yield mount.path + path, operation, {}


def _of_method(mount: AuthMount) -> Iterator[Row]:
    method = METHODS[mount.type]
    for route in method.table.routes:
        yield f"auth/{mount.path}{_with_names(route.pattern)}", route.operation, {}
    login = "login/{name}" if method.names_in_path else "login"
    yield f"auth/{mount.path}{login}", Operation.WRITE, {"x-vault-unauthenticated": True, "security": []}


def _with_names(pattern: str) -> str:
    names = iter(("name", "second", "third", "fourth"))
    return _PLACEHOLDER.sub(lambda _: "{" + next(names) + "}", pattern)


def _paths(rows: Iterable[Row]) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for path, operation, remarks in rows:
        item, method = paths.setdefault("/" + path, {}), _METHODS[operation]
        if (flag := _FLAGS.get(operation)) is not None:
            _add_flag(item, path, flag, remarks)
        else:
            flags = item.get(method, {}).get("parameters", [])
            item[method] = _operation(path, operation, remarks)
            item[method]["parameters"] += [p | {"required": False} for p in flags if p["in"] == "query"]
    return dict(sorted(paths.items()))


def _operation(path: str, operation: Operation, remarks: dict[str, Any]) -> dict[str, Any]:
    words = re.sub(r"\W+", "-", f"{operation}-{path}").strip("-")
    described: dict[str, Any] = {
        "operationId": words,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in _NAME.findall(path)
        ],
        "responses": _RESPONSES,
        **remarks,
    }
    if operation in {Operation.WRITE, Operation.PATCH}:
        media_type = "application/merge-patch+json" if operation is Operation.PATCH else "application/json"
        described["requestBody"] = {"content": {media_type: {"schema": {"type": "object"}}}}
    return described


def _add_flag(item: dict[str, Any], path: str, flag: str, remarks: dict[str, Any]) -> None:
    """Say that a GET lists with a flag in its query; where there is nothing to read, the flag is needed."""
    is_new = "get" not in item
    if is_new:
        item["get"] = _operation(path, Operation.LIST, remarks)
    only = is_new and flag == "list"
    schema = {"type": "string", "enum": ["true"]}
    item["get"]["parameters"].append({"name": flag, "in": "query", "required": only, "schema": schema})
    if not is_new:
        for parameter in item["get"]["parameters"]:
            if parameter["in"] == "query":
                parameter["required"] = False
