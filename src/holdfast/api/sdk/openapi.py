"""The OpenAPI description of the REST side, made of the table and the messages."""

from functools import cache
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from holdfast.api.sdk.rows import ROWS
from holdfast.api.sdk.table import PACKAGE, Route, Row
from holdfast.formats.strict_json import encode
from holdfast.version import VERSION

JSON = "application/json"
Shape = dict[str, Any]

_TEXT: Shape = {"type": "string"}
_SCALARS: dict[int, Shape] = {
    FieldDescriptor.TYPE_STRING: _TEXT,
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.TYPE_UINT32: {"type": "integer", "minimum": 0, "maximum": (1 << 32) - 1},
    # As text, which keeps all digits in every language.
    FieldDescriptor.TYPE_INT64: {"type": "string", "pattern": "^-?[0-9]{1,19}$", "format": "int64"},
    FieldDescriptor.TYPE_UINT64: {"type": "string", "pattern": "^[0-9]{1,20}$", "format": "uint64"},
    FieldDescriptor.TYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptor.TYPE_FLOAT: {"type": "number", "format": "float"},
    FieldDescriptor.TYPE_BYTES: {"type": "string", "format": "byte"},
}
_DETAIL: Shape = {
    "type": "object",
    "properties": {
        "@type": _TEXT,
        "reason": {**_TEXT, "description": "A stable word, such as `expired` or `ownership_denied`."},
        "domain": _TEXT,
        "metadata": {
            "type": "object",
            "additionalProperties": _TEXT,
            "description": "`gate`: token, role or ownership. `request`: its id in the audit log.",
        },
    },
}
_STREAM_ERROR: Shape = {
    "type": "object",
    "description": "Why a stream ended.",
    "required": ["grpc_code", "http_code", "message", "http_status", "details"],
    "properties": {
        "grpc_code": {"type": "integer"},
        "http_code": {"type": "integer"},
        "message": _TEXT,
        "http_status": _TEXT,
        "details": {"type": "array", "items": _DETAIL},
    },
}
_ERROR: Shape = {
    "type": "object",
    "required": ["error", "message", "code", "details"],
    "properties": {
        "error": _TEXT,
        "message": {**_TEXT, "description": "The same as `error`."},
        "code": {"type": "integer", "description": "The code that gRPC has for it."},
        "details": {"type": "array", "items": _DETAIL},
    },
}


@cache
def document() -> bytes:
    """Return the description as JSON text."""
    schemas: dict[str, Shape] = {"Error": _ERROR}
    paths: dict[str, Shape] = {}
    for row in ROWS:
        for route in row.routes:
            paths.setdefault(f"/{route.path}", {})[route.verb.lower()] = _operation(row, route, schemas)
    return encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Holdfast: OpenStorage SDK",
                "version": VERSION,
                "description": "The REST side of the SDK. gRPC has the same services, methods and messages.",
            },
            "servers": [{"url": "/v1"}],
            "security": [{"token": []}],
            "paths": paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": {
                    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                },
            },
        }
    )


def _operation(row: Row, route: Route, schemas: dict[str, Shape]) -> Shape:
    in_path = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
    parameters: list[Shape] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in in_path
    ]
    operation: Shape = {
        "operationId": f"{row.api.service}.{row.api.method}",
        "tags": [row.api.service],
        "summary": row.summary or "Not offered by this node.",
        "responses": _responses(row, schemas),
    }
    if route.has_body:
        operation["requestBody"] = {
            "content": {JSON: {"schema": _reference(row.request.DESCRIPTOR, schemas)}}
        }
    else:
        parameters += _queries(row.request, in_path)
    if parameters:
        operation["parameters"] = parameters
    return operation


def _responses(row: Row, schemas: dict[str, Shape]) -> Shape:
    answers: dict[str, Shape] = {}
    if row.served:
        answer, description = _reference(row.response.DESCRIPTOR, schemas), "Done"
        if row.streams:
            description = "One line of JSON after the other, for as long as somebody listens"
            schemas["StreamError"] = _STREAM_ERROR
            error = {"$ref": "#/components/schemas/StreamError"}
            answer = {"type": "object", "properties": {"result": answer, "error": error}}
        answers["200"] = {"description": description, "content": {JSON: {"schema": answer}}}
    refused = {
        "description": "Refused",
        "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    return {**answers, "default": refused}


def _queries(kind: type[Message], in_path: list[str]) -> list[Shape]:
    return [
        {"name": field.name, "in": "query", "schema": shape}
        for field in kind.DESCRIPTOR.fields
        if field.name not in in_path and not field.is_repeated and (shape := _plain(field)) is not None
    ]


def _plain(field: Any) -> Shape | None:
    """Return the shape of what needs no schema of its own."""
    if field.enum_type is not None:
        return _enum(field.enum_type)
    return _SCALARS.get(field.type)


def _enum(kind: Any) -> Shape:
    return {"type": "string", "enum": [value.name for value in kind.values]}


def _reference(kind: Any, schemas: dict[str, Shape]) -> Shape:
    if kind.full_name == Timestamp.DESCRIPTOR.full_name:
        return {"type": "string", "format": "date-time"}
    name = kind.full_name.removeprefix(f"{PACKAGE}.")
    if name not in schemas:
        schema: Shape = {"type": "object"}
        schemas[name] = schema  # before its fields: a message may have itself inside
        schema["properties"] = {field.name: _field(field, schemas) for field in kind.fields}
        schema["additionalProperties"] = False
    return {"$ref": f"#/components/schemas/{name}"}


def _field(field: Any, schemas: dict[str, Shape]) -> Shape:
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        return {"type": "object", "additionalProperties": _field(kind.fields_by_name["value"], schemas)}
    shape = _plain(field) if kind is None else _reference(kind, schemas)
    assert shape is not None  # noqa: S101 - every type that our messages use is in the table above
    return {"type": "array", "items": shape} if field.is_repeated else shape
