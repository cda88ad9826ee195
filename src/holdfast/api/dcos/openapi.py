"""The OpenAPI description of the DC/OS Secrets API as it is served here; one row for each operation.

``tests/scenario/test_dcos_fuzz.py`` makes requests up from it, and holds a real store's answers against it.
"""

from functools import cache
from typing import Any, NamedTuple

from holdfast.formats.strict_json import encode
from holdfast.version import VERSION

JSON = "application/json"
BYTES = "application/octet-stream"


_USUAL = ("400", "401", "403", "404", "413", "503")
_UNTOLD = ("400", "404", "413", "503")


class Row(NamedTuple):
    """One operation: what it is called, what it takes, what it answers."""

    method: str
    path: str
    summary: str
    success: str
    answer: str = ""
    body: str = ""
    failures: tuple[str, ...] = _USUAL
    needs_token: bool = True


ROWS = (
    Row("get", "/ping", "Is the service alive?", "200", "Pong", failures=_UNTOLD, needs_token=False),
    Row(
        "get",
        "/ping/backends/{store}",
        "Is a store there? `all` asks for every one.",
        "200",
        "Pong",
        failures=_UNTOLD,
        needs_token=False,
    ),
    Row("get", "/store", "All stores", "200", "Stores", failures=("401", "403", "503")),
    Row("get", "/store/{store}", "One store", "200", "Store"),
    Row("put", "/store/{store}", "Make another store", "201", "Empty", "NewStore", (*_USUAL, "409")),
    Row("delete", "/store/{store}", "Remove an empty store", "204", failures=(*_USUAL, "409")),
    Row("get", "/seal-status/{store}", "Sealed?", "200", "SealStatus", failures=_UNTOLD, needs_token=False),
    Row("put", "/seal/{store}", "Seal every node", "200", "Empty"),
    Row(
        "put",
        "/unseal/{store}",
        "Hand in a decrypted key, or a part of it",
        "200",
        "SealStatus",
        "Key",
        _UNTOLD,
        needs_token=False,
    ),
    Row(
        "put", "/auto-unseal/{store}", "Open with the private key at hand", "200", "SealStatus", "OptionalKey"
    ),
    Row("get", "/init/{store}", "The encrypted keys", "200", "Initialization"),
    Row(
        "put",
        "/init/{store}",
        "Make the keys of a new store; or, of an open one, deal new keys and keep every secret",
        "200",
        "Initialization",
        "Init",
    ),
    Row(
        "get",
        "/secret/{store}/{path}",
        "Read a secret, or with `list=true` the names below",
        "200",
        "SecretOrNames",
    ),
    Row(
        "put",
        "/secret/{store}/{path}",
        "Create a secret",
        "201",
        "Empty",
        "Value",
        (*_USUAL, "409"),
    ),
    Row(
        "patch",
        "/secret/{store}/{path}",
        "Replace the value of a secret",
        "204",
        body="Value",
    ),
    Row("delete", "/secret/{store}/{path}", "Delete a secret", "204"),
    Row(
        "put",
        "/renew/{store}/{path}",
        "Not offered: secrets have no leases",
        "501",
        "Error",
        failures=("400", "413"),
    ),
    Row(
        "put",
        "/revoke/{store}/{path}",
        "Not offered: secrets have no leases",
        "501",
        "Error",
        failures=("400", "413"),
    ),
)

_TEXT = {"type": "string"}
_FILLED = {"type": "string", "minLength": 1}
_NUMBER = {"type": "integer", "minimum": 0}
_FLAG = {"type": "boolean"}
_TEXTS = {"type": "array", "items": _TEXT}


def _object(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    shape: dict[str, Any] = {"type": "object", "properties": properties}
    return {**shape, "required": list(required)} if required else shape


SCHEMAS: dict[str, Any] = {
    "Empty": _object(),
    "Error": _object(("title", "description"), title=_TEXT, description=_TEXT),
    "Secret": _object(("value",), value=_TEXT),
    "Names": _object(("array",), array=_TEXTS),
    "SecretOrNames": {
        "anyOf": [{"$ref": "#/components/schemas/Secret"}, {"$ref": "#/components/schemas/Names"}]
    },
    "Store": _object(
        ("name", "description", "driver", "initialized", "sealed"),
        name=_TEXT,
        description=_TEXT,
        driver=_TEXT,
        initialized=_FLAG,
        sealed=_FLAG,
    ),
    "Stores": _object(("array",), array={"type": "array", "items": {"$ref": "#/components/schemas/Store"}}),
    "NewStore": _object(driver={"enum": ["holdfast", "vault"]}, description=_TEXT),
    "SealStatus": _object(
        ("sealed", "threshold", "shares", "progress"),
        sealed=_FLAG,
        threshold=_NUMBER,
        shares=_NUMBER,
        progress=_NUMBER,
        warnings=_TEXTS,
    ),
    "Key": _object(("key",), key=_FILLED),
    "OptionalKey": _object(key=_TEXT),
    "Init": _object(shares=_NUMBER, threshold=_NUMBER, pgp_keys=_TEXTS),
    "Initialization": _object(
        ("initialized", "keys", "pgp_fingerprints"),
        initialized=_FLAG,
        keys=_TEXTS,
        pgp_fingerprints=_TEXTS,
        recovery_keys=_TEXTS,
        root_token=_TEXT,
        encrypted_root_token=_TEXT,
    ),
}

_PARAMETERS: dict[str, Any] = {
    "store": {"name": "store", "in": "path", "required": True, "schema": _FILLED},
    "path": {
        "name": "path",
        "in": "path",
        "required": True,
        "schema": _FILLED,
        "description": "Segments between slashes, which may be percent-encoded.",
    },
}
_QUERIES: dict[tuple[str, str], tuple[str, ...]] = {
    ("get", "/secret/{store}/{path}"): ("list",),
    ("put", "/seal/{store}"): ("this_node",),
    ("put", "/unseal/{store}"): ("this_node",),
    ("put", "/auto-unseal/{store}"): ("this_node",),
    ("delete", "/store/{store}"): ("force",),
}


@cache
def document() -> bytes:
    """Return the description as JSON text."""
    paths: dict[str, Any] = {}
    for row in ROWS:
        paths.setdefault(row.path, {})[row.method] = _operation(row)
    return encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "Holdfast: DC/OS Secrets API", "version": VERSION},
            "servers": [{"url": "/secrets/v1"}],
            "paths": paths,
            "components": {
                "schemas": SCHEMAS,
                "securitySchemes": {
                    "token": {
                        "type": "apiKey",
                        "in": "header",
                        "name": "Authorization",
                        "description": "token=<token>, of a user or of the store",
                    },
                    "bearer": {"type": "http", "scheme": "bearer"},
                },
            },
        }
    )


def _operation(row: Row) -> dict[str, Any]:
    names = [piece[1:-1] for piece in row.path.split("/") if piece.startswith("{")]
    queries = _QUERIES.get((row.method, row.path), ())
    responses = {row.success: {"description": "Success", **_content(row.answer)}}
    for status in row.failures:
        responses[status] = {"description": "Refused", **_content("Error")}
    operation: dict[str, Any] = {
        "summary": row.summary,
        "parameters": [
            *(_PARAMETERS[name] for name in names),
            *({"name": name, "in": "query", "schema": {"enum": ["true", "false"]}} for name in queries),
        ],
        "responses": responses,
        "security": [{"token": []}, {"bearer": []}] if row.needs_token else [],
    }
    if row.body:
        operation["requestBody"] = {"required": row.body != "OptionalKey", **_body(row.body)}
    return operation


def _content(name: str) -> dict[str, Any]:
    if not name:
        return {}
    if name == "Pong":
        return {"content": {"text/plain": {"schema": {"const": "pong"}}}}
    content: dict[str, Any] = {JSON: {"schema": {"$ref": f"#/components/schemas/{name}"}}}
    if name == "SecretOrNames":
        content[BYTES] = {"schema": {}}
    return {"content": content}


def _body(name: str) -> dict[str, Any]:
    if name == "Value":
        return {"content": {JSON: {"schema": {"$ref": "#/components/schemas/Secret"}}, BYTES: {"schema": {}}}}
    return {"content": {JSON: {"schema": {"$ref": f"#/components/schemas/{name}"}}}}
