"""The OpenAPI description of the IAM API as it is served here: the table of ``rows``, with words and shapes.

``tests/scenario/test_dcos_fuzz.py`` makes requests up from it, and holds a real store's answers against it.
"""

from functools import cache
from typing import Any, NamedTuple

from holdfast.api.iam.rows import ROWS
from holdfast.formats.strict_json import encode
from holdfast.iam.names import MAX_NAME_LENGTH, Action
from holdfast.iam.passwords import DEFAULT_LEAST_LENGTH, MAX_PASSWORD_BYTES
from holdfast.version import VERSION

JSON = "application/json"


class Words(NamedTuple):
    """What one operation is for, and the shapes of its answer and its body; empty for none."""

    summary: str
    answer: str = ""
    body: str = ""


PATHS: dict[str, dict[str, Words]] = {
    "users": {"GET": Words("All people, or with `type=service` all service accounts", "Users")},
    "users/{uid}": {
        "GET": Words("One user", "User"),
        "PUT": Words("Make a user: a person by a password, or a service account by a key", body="NewUser"),
        "PATCH": Words("Change a user; a new password or key ends every token of his", body="ChangedUser"),
        "DELETE": Words("Remove a user and end every token of his"),
    },
    "users/{uid}/groups": {"GET": Words("The groups a user is in", "GroupsOfUser")},
    "users/{uid}/permissions": {"GET": Words("What a user was granted, and by which groups", "Permissions")},
    "users/{uid}/tokens": {"DELETE": Words("End every token of a user")},
    "groups": {"GET": Words("All groups", "Groups")},
    "groups/{gid}": {
        "GET": Words("One group", "Group"),
        "PUT": Words("Make a group", body="Description"),
        "PATCH": Words("Describe a group anew", body="Description"),
        "DELETE": Words("Remove a group and what it was granted"),
    },
    "groups/{gid}/users": {"GET": Words("Who is in a group", "Members")},
    "groups/{gid}/users/{uid}": {
        "PUT": Words("Put a user into a group"),
        "DELETE": Words("Take a user out of a group"),
    },
    "groups/{gid}/permissions": {"GET": Words("What a group was granted", "GroupPermissions")},
    "acls": {"GET": Words("All resources", "Acls")},
    "acls/{rid}": {
        "GET": Words("One resource", "Acl"),
        "PUT": Words("Make a resource that can be granted", body="Description"),
        "PATCH": Words("Describe a resource anew", body="Description"),
        "DELETE": Words("Remove a resource and everything that was granted on it"),
    },
    "acls/{rid}/permissions": {"GET": Words("To whom a resource was granted", "AclPermissions")},
    "acls/{rid}/users/{uid}/{action}": {
        "GET": Words("May a user do this, by himself or through a group?", "Allowed"),
        "PUT": Words("Grant to a user"),
        "DELETE": Words("Take a grant from a user"),
    },
    "acls/{rid}/groups/{gid}/{action}": {
        "GET": Words("May a group do this?", "Allowed"),
        "PUT": Words("Grant to a group"),
        "DELETE": Words("Take a grant from a group"),
    },
    "auth/keys": {"PUT": Words("Sign tokens with a new key", body="Rotation")},
}
"""Every row of ``rows.ROWS`` by name; ``tests/unit/api_iam`` holds the two together."""

_TEXT = {"type": "string"}
_FLAG = {"type": "boolean"}
_NAME = {"type": "string", "pattern": f"^[a-zA-Z0-9_@.-]{{1,{MAX_NAME_LENGTH}}}$"}


def _object(required: tuple[str, ...] = (), *, closed: bool = False, **properties: Any) -> dict[str, Any]:
    shape: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        shape["required"] = list(required)
    return {**shape, "additionalProperties": False} if closed else shape


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _array(items: dict[str, Any]) -> dict[str, Any]:
    return _object(("array",), array=_list(items))


_FILLED = {"type": "string", "minLength": 1}
_PASSWORD = {
    "type": "string",
    "minLength": DEFAULT_LEAST_LENGTH,
    "description": f"At most {MAX_PASSWORD_BYTES} bytes; a configuration may ask for another length.",
}
_KEY = {**_FILLED, "description": "PEM of an RSA public key"}

SCHEMAS: dict[str, Any] = {
    "Empty": _object(),
    "Error": _object(("title", "description"), title=_TEXT, description=_TEXT, code=_TEXT),
    "Login": {
        "oneOf": [
            _object(("uid", "password"), closed=True, uid=_FILLED, password=_FILLED),
            _object(("uid", "token"), closed=True, uid=_FILLED, token=_FILLED),
        ]
    },
    "Token": _object(("token",), token=_TEXT),
    "Keys": _object(("keys",), keys=_list(_object(("kid", "kty", "n", "e", "alg", "use")))),
    "User": _object(
        ("uid", "url", "description", "is_remote", "is_service", "provider_type", "provider_id"),
        uid=_NAME,
        url=_TEXT,
        description=_TEXT,
        is_remote=_FLAG,
        is_service=_FLAG,
        public_key=_TEXT,
        provider_type=_TEXT,
        provider_id=_TEXT,
    ),
    "Users": _array(_ref("User")),
    "NewUser": {
        "oneOf": [
            _object(("password",), closed=True, description=_TEXT, password=_PASSWORD),
            _object(("public_key",), closed=True, description=_TEXT, public_key=_KEY),
        ]
    },
    "ChangedUser": {
        **_object(closed=True, description=_TEXT, password=_PASSWORD, public_key=_KEY),
        "minProperties": 1,
    },
    "Description": _object(closed=True, description=_TEXT),
    "Group": _object(("gid", "url", "description"), gid=_NAME, url=_TEXT, description=_TEXT),
    "Groups": _array(_ref("Group")),
    "GroupsOfUser": _array(_object(("membershipurl", "group"), membershipurl=_TEXT, group=_ref("Group"))),
    "Members": _array(_object(("membershipurl", "user"), membershipurl=_TEXT, user=_ref("User"))),
    "Acl": _object(("rid", "url", "description"), rid=_TEXT, url=_TEXT, description=_TEXT),
    "Acls": _array(_ref("Acl")),
    "Action": _object(("name", "url"), name={"enum": list(Action)}, url=_TEXT),
    "Permission": _object(
        ("rid", "description", "aclurl", "actions"),
        rid=_TEXT,
        description=_TEXT,
        aclurl=_TEXT,
        actions=_list(_ref("Action")),
    ),
    "Permissions": _object(
        ("direct", "groups"), direct=_list(_ref("Permission")), groups=_list(_ref("Permission"))
    ),
    "GroupPermissions": _array(_ref("Permission")),
    "AclPermissions": _object(
        ("users", "groups"),
        users=_list(_object(("uid", "userurl", "actions"), uid=_NAME, actions=_list(_ref("Action")))),
        groups=_list(_object(("gid", "groupurl", "actions"), gid=_NAME, actions=_list(_ref("Action")))),
    ),
    "Allowed": _object(("allowed",), allowed=_FLAG),
    "Rotation": _object(
        closed=True,
        revoke_old={**_FLAG, "description": "End every token that the old key signed, at once"},
    ),
}

_PARAMETERS: dict[str, Any] = {
    "uid": {"name": "uid", "in": "path", "required": True, "schema": _NAME},
    "gid": {"name": "gid", "in": "path", "required": True, "schema": _NAME},
    "rid": {
        "name": "rid",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "minLength": 1},
        "description": "The id of a resource; its slashes are written %252F or %2F.",
    },
    "action": {"name": "action", "in": "path", "required": True, "schema": {"enum": list(Action)}},
}
_OF_PEOPLE = {"name": "type", "in": "query", "schema": {"enum": ["user", "service"]}}
_WITH_TYPE = frozenset({"users", "groups/{gid}/users"})

_OF_ANY_REQUEST = ("400", "406", "413", "503")
_OF_SUPERUSERS = ("401", "403")


@cache
def document() -> bytes:
    """Return the description as JSON text."""
    paths = {f"/{path}": {} for path in PATHS} | _session_paths()
    for path, methods in PATHS.items():
        for method, words in methods.items():
            paths[f"/{path}"][method.lower()] = _operation(path, method, words)
    return encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "Holdfast: DC/OS IAM API", "version": VERSION},
            "servers": [{"url": "/acs/api/v1"}],
            "paths": paths,
            "components": {
                "schemas": SCHEMAS,
                "securitySchemes": {
                    "token": {
                        "type": "apiKey",
                        "in": "header",
                        "name": "Authorization",
                        "description": "token=<token>, of a superuser",
                    },
                    "bearer": {"type": "http", "scheme": "bearer"},
                },
            },
        }
    )


def _operation(path: str, method: str, words: Words) -> dict[str, Any]:
    row = ROWS["/".join("<>" if piece.startswith("{") else piece for piece in path.split("/"))][method]
    names = [piece[1:-1] for piece in path.split("/") if piece.startswith("{")]
    failures = [*_OF_ANY_REQUEST, *_OF_SUPERUSERS]
    if method in {"PUT", "PATCH", "DELETE"}:
        failures.append("409")
    if method in {"PUT", "PATCH"}:
        failures.append("415")
    answer = words.answer or ("" if row.status == 204 else "Empty")  # noqa: PLR2004
    operation: dict[str, Any] = {
        "summary": words.summary,
        "parameters": [
            *(_PARAMETERS[name] for name in names),
            *([_OF_PEOPLE] if path in _WITH_TYPE and method == "GET" else []),
        ],
        "responses": _responses(str(row.status), answer, failures),
        "security": [{"token": []}, {"bearer": []}],
    }
    if words.body:
        operation["requestBody"] = _body(words.body, required=words.body in {"NewUser", "ChangedUser"})
    return operation


def _session_paths() -> dict[str, Any]:
    """Return the paths that need no token."""
    return {
        "/auth/login": {
            "post": {
                "summary": "Log in: with a password, or with a token that a service account signed",
                "requestBody": _body("Login", required=True),
                "responses": _responses("200", "Token", [*_OF_ANY_REQUEST, "401", "403", "415"]),
                "security": [],
            }
        },
        "/auth/logout": {
            "get": {
                "summary": "End the token that is sent along, and take the cookies away",
                "responses": _responses("200", "Empty", [*_OF_ANY_REQUEST, "403"]),
                "security": [{}, {"token": []}, {"bearer": []}],
            }
        },
        "/auth/jwks": {
            "get": {
                "summary": "The keys that tokens can be verified with",
                "responses": _responses("200", "Keys", _OF_ANY_REQUEST),
                "security": [],
            }
        },
        "/auth/providers": {
            "get": {
                "summary": "The ways to log in",
                "responses": _responses("200", "Empty", _OF_ANY_REQUEST),
                "security": [],
            }
        },
    }


def _responses(success: str, answer: str, failures: Any) -> dict[str, Any]:
    responses: dict[str, Any] = {success: {"description": "Success", **(_content(answer) if answer else {})}}
    for status in sorted(failures):
        responses[status] = {"description": "Refused", **_content("Error")}
    return responses


def _content(name: str) -> dict[str, Any]:
    return {"content": {JSON: {"schema": _ref(name)}}}


def _body(name: str, *, required: bool) -> dict[str, Any]:
    return {"required": required, **_content(name)}
