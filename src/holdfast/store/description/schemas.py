"""The shapes of answers in the OpenAPI document: the envelope, errors, and documents without an envelope."""

from typing import Any

from holdfast.store.description.words import MEMBERS
from holdfast.store.request import Operation

_TEXT, _FLAG, _COUNT = {"type": "string"}, {"type": "boolean"}, {"type": "integer", "minimum": 0}
_TEXTS = {"type": "array", "items": {"type": "string"}}
_OBJECT_OR_NULL = {"type": ["object", "null"]}


def _object(**members: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": members, "required": list(members)}


def _or_null(name: str) -> dict[str, Any]:
    return {"anyOf": [{"$ref": f"#/components/schemas/{name}"}, {"type": "null"}]}


_SEAL = _object(
    type=_TEXT,
    initialized=_FLAG,
    sealed=_FLAG,
    t=_COUNT,
    n=_COUNT,
    progress=_COUNT,
    nonce=_TEXT,
    version=_TEXT,
    build_date=_TEXT,
    commit_date=_TEXT,
    migration=_FLAG,
    recovery_seal=_FLAG,
    storage_type=_TEXT,
)

SCHEMAS: dict[str, Any] = {
    "Errors": {
        "type": "object",
        "properties": {"errors": _TEXTS},
        "required": ["errors"],
    },
    "Envelope": _object(
        request_id=_TEXT,
        lease_id=_TEXT,
        renewable=_FLAG,
        lease_duration=_COUNT,
        data=_OBJECT_OR_NULL,
        wrap_info=_or_null("Wrapped"),
        warnings={"type": ["array", "null"], "items": {"type": "string"}},
        auth=_or_null("Auth"),
    ),
    "Auth": _object(
        client_token=_TEXT,
        accessor=_TEXT,
        policies=_TEXTS,
        token_policies=_TEXTS,
        metadata=_OBJECT_OR_NULL,
        lease_duration=_COUNT,
        renewable=_FLAG,
        entity_id=_TEXT,
        token_type={"type": "string", "enum": ["service", "batch"]},
        orphan=_FLAG,
        num_uses=_COUNT,
    ),
    "Wrapped": _object(token=_TEXT, accessor=_TEXT, ttl=_COUNT, creation_time=_TEXT, creation_path=_TEXT),
    "SealStatus": _SEAL,
    "Health": _object(
        initialized=_FLAG,
        sealed=_FLAG,
        standby=_FLAG,
        performance_standby=_FLAG,
        replication_performance_mode=_TEXT,
        replication_dr_mode=_TEXT,
        server_time_utc=_COUNT,
        version=_TEXT,
    ),
    "Leader": _object(
        ha_enabled=_FLAG, is_self=_FLAG, active_time=_TEXT, leader_address=_TEXT, leader_cluster_address=_TEXT
    ),
    "Initialized": _object(initialized=_FLAG),
    "Dealt": _object(keys=_TEXTS, keys_base64=_TEXTS, root_token=_TEXT),
}

_JSON = "application/json"


def _answer(description: str, schema: dict[str, Any] | None = None, media: str = _JSON) -> dict[str, Any]:
    return {"description": description, **({"content": {media: {"schema": schema}}} if schema else {})}


def _named(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


_ERROR_TEXTS = {
    "400": "the request says something that it must not",
    "403": "not known, or not allowed",
    "405": "the path is there, but not for this operation",
    "413": "the body, or a part of it, is too large",
    "429": "too many requests, or too many wrong passwords, from this address",
    "500": "an error of ours, or no audit device could record the request",
    "503": "sealed, or not able to answer now",
}
ERRORS = {code: _answer(text, _named("Errors")) for code, text in _ERROR_TEXTS.items()}
_STATUS = {
    ("sys/init", Operation.READ): "Initialized",
    ("sys/init", Operation.WRITE): "Dealt",
    ("sys/unseal", Operation.WRITE): "SealStatus",
    ("sys/seal-status", Operation.READ): "SealStatus",
    ("sys/leader", Operation.READ): "Leader",
    ("sys/health", Operation.READ): "Health",
}
_HAS_BODY = {Operation.WRITE, Operation.PATCH}
_LISTS = {Operation.LIST, Operation.SCAN}
_MAY_LIST = {"kv:metadata/{path}", "kv:{path}", "cubbyhole:{path}", "transit:keys/{name}"}


def responses(key: str, operation: Operation, *, is_status: bool = False) -> dict[str, Any]:
    """Return what an operation may answer.

    Args:
        key: the path as ``description.words`` knows it.
        operation: the operation.
        is_status: whether its answers have no envelope.
    """
    errors = {code: {"$ref": f"#/components/responses/{code}"} for code in ERRORS}
    if is_status:
        return _of_status(key, operation, errors)
    if key in {"sys/internal/specs/openapi", "sys/internal/help/{}"}:
        return {"200": _answer("the document", {"type": "object"}), **errors}
    if key == "sys/metrics":
        texts = {"text/plain": {"schema": {"type": "string"}}, _JSON: {"schema": {"type": "object"}}}
        return {"200": {"description": "what was counted", "content": texts}, **errors}
    told = _answer("done, and there is something to say", _envelope(key, operation))
    either = {"anyOf": [_named("Errors"), _named("Envelope")]}
    described = {"200": told, "404": _answer("nothing is there, or no longer", either), **errors}
    if key.startswith("transit:"):
        described["400"] = _answer("the request, or a part of a batch, says what it must not", either)
    if operation in {*_HAS_BODY, Operation.DELETE}:
        described |= {"202": _answer("accepted", _named("Envelope")), "204": _answer("done")}
    if operation is Operation.PATCH:
        described["415"] = _answer("Content-Type is not application/merge-patch+json", _named("Errors"))
    return dict(sorted(described.items()))


def _of_status(key: str, operation: Operation, errors: dict[str, Any]) -> dict[str, Any]:
    schema = _named(_STATUS[key, operation])
    if key == "sys/health":
        # Which code goes with which state is up to the caller.
        state = _answer("the state of the store; without a body for 204 and 304", schema)
        return {
            "200": state,
            "400": errors["400"],
            "429": state,
            "501": state,
            "503": state,
            "default": state,
        }
    return {"200": _answer("the state of the store", schema), **errors}


def _envelope(key: str, operation: Operation) -> dict[str, Any]:
    members = ("keys",) if operation in _LISTS else MEMBERS.get((key, operation), ())
    if not members or (operation is Operation.READ and key in _MAY_LIST):
        return _named("Envelope")  # a GET that may list says something else then
    data = {"type": ["object", "null"], "required": list(members)}  # null where the answer was wrapped
    return {"allOf": [_named("Envelope"), {"properties": {"data": data}}]}
