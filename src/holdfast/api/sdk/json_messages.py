"""Messages as JSON and back: protobuf's mapping, strict, with the names of the ``.proto`` files.

Fields have their original names (``lowerCamelCase`` is understood as well), enums are names, integers of 64
bits are text, zeros are left out. A field that a message does not have is refused: a misspelt ``encrypted``
must not make a volume that is not encrypted. Errors name the field and what was expected, never the value.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import decode_object, encode

M = TypeVar("M", bound=Message)

_INTEGER = re.compile(r"-?[0-9]{1,20}")
_RANGES = {
    FieldDescriptor.TYPE_INT32: (-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.TYPE_INT64: (-(1 << 63), (1 << 63) - 1),
    FieldDescriptor.TYPE_UINT32: (0, (1 << 32) - 1),
    FieldDescriptor.TYPE_UINT64: (0, (1 << 64) - 1),
}
_YES_NO = {"true": True, "false": False}


def read_body(body: bytes, kind: type[M]) -> M:
    """Read a request body; an empty one is an empty object.

    Raises:
        InvalidInputError: not strict JSON, an unknown field, or one of another type.
    """
    message = kind()
    if body:
        _fill(message, decode_object(body).values, "body")
    return message


def set_parameter(message: Message, path: str, text: str, *, where: str) -> None:
    """Set one field from the path or the query of a request.

    Args:
        message: the request message.
        path: the field's name; ``a.b`` is field ``b`` of message ``a``.
        text: the value; of a field that has several, the only one.
        where: what errors call the place.

    Raises:
        InvalidInputError: no such field, or one of another type.
    """
    *parents, name = path.split(".")
    for parent in parents:
        field = _field(message, parent, where)
        if field.is_repeated or field.message_type is None:
            raise InvalidInputError(f"{where}: expected no field that this API does not have")
        message = getattr(message, field.name)
    field = _field(message, name, where)
    value: Any = _YES_NO.get(text, text) if field.type == FieldDescriptor.TYPE_BOOL else text
    _set(message, field, [value] if field.is_repeated else value, f"{where} parameter {field.name}")


def write_body(message: Message) -> bytes:
    """Return a response as JSON."""
    return encode(message_object(message))


def message_object(message: Message) -> dict[str, Any]:
    """Return a response as the object that JSON shows."""
    return MessageToDict(message, preserving_proto_field_name=True)


@cache
def _fields(kind: Descriptor) -> Mapping[str, FieldDescriptor]:
    by_name = {field.json_name: field for field in kind.fields}
    by_name.update({field.name: field for field in kind.fields})
    return by_name


def _field(message: Message, name: str, where: str) -> FieldDescriptor:
    field = _fields(message.DESCRIPTOR).get(name)
    if field is None:
        raise InvalidInputError(f"{where}: expected no field that this API does not have")
    return field


def _fill(message: Message, values: Mapping[str, Any], where: str) -> None:
    seen: set[object] = set()
    for name, value in values.items():
        field = _field(message, name, where)
        if value is None:
            continue
        one_of = field.containing_oneof
        for key in {field.name, one_of.full_name if one_of else field.name}:
            if key in seen:
                raise InvalidInputError(
                    f"{where}.{field.name}: expected one of several that exclude each other"
                )
            seen.add(key)
        _set(message, field, value, f"{where}.{field.name}")


def _set(message: Message, field: FieldDescriptor, value: Any, where: str) -> None:
    if _is_map(field):
        _set_map(message, field, value, where)
    elif field.is_repeated:
        if not isinstance(value, list):
            raise InvalidInputError(f"{where}: expected a list")
        container = getattr(message, field.name)
        for position, item in enumerate(value):
            spot = f"{where}[{position}]"
            if field.message_type is not None:
                _set_message(container.add(), item, spot)
            else:
                container.append(_scalar(field, item, spot))
    elif field.message_type is not None:
        part = getattr(message, field.name)
        _set_message(part, value, where)
        part.SetInParent()
    else:
        setattr(message, field.name, _scalar(field, value, where))


def _set_map(message: Message, field: FieldDescriptor, value: Any, where: str) -> None:
    """Fill a map; errors name the map and not the key, which is the client's own text."""
    if not isinstance(value, dict):
        raise InvalidInputError(f"{where}: expected an object")
    entry = cast("Descriptor", field.message_type).fields_by_name["value"]
    container = getattr(message, field.name)
    for key, item in value.items():
        if entry.message_type is not None:
            _set_message(container[key], item, where)
        else:
            container[key] = _scalar(entry, item, where)


def _set_message(message: Message, value: Any, where: str) -> None:
    if isinstance(message, Timestamp):
        _set_time(message, value, where)
    elif isinstance(value, dict):
        _fill(message, value, where)
    else:
        raise InvalidInputError(f"{where}: expected an object")


def _set_time(message: Timestamp, value: Any, where: str) -> None:
    try:
        message.FromJsonString(value)
    except (ValueError, TypeError, AttributeError):
        expected = "a time such as 2030-01-31T12:00:00Z"
    else:
        return
    raise InvalidInputError(f"{where}: expected {expected}")


def _scalar(field: FieldDescriptor, value: Any, where: str) -> Any:
    kind = field.type
    if kind == FieldDescriptor.TYPE_STRING:
        expected, fits = "text", isinstance(value, str)
    elif kind == FieldDescriptor.TYPE_BOOL:
        expected, fits = "true or false", isinstance(value, bool)
    elif kind == FieldDescriptor.TYPE_ENUM:
        return _enum(field, value, where)
    elif kind == FieldDescriptor.TYPE_BYTES:
        return _bytes(value, where)
    elif kind in _RANGES:
        return _integer(value, *_RANGES[kind], where)
    else:
        expected, fits = "a number", isinstance(value, int | float) and not isinstance(value, bool)
    if not fits:
        raise InvalidInputError(f"{where}: expected {expected}")
    return value


def _integer(value: Any, least: int, most: int, where: str) -> int:
    is_whole = value.is_integer() if isinstance(value, float) else False
    if is_whole or (isinstance(value, str) and _INTEGER.fullmatch(value)):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidInputError(f"{where}: expected a whole number from {least} to {most}")
    return value


def _enum(field: FieldDescriptor, value: Any, where: str) -> int:
    kind = field.enum_type
    assert kind is not None  # noqa: S101 - the field's type says so
    if isinstance(value, str) and value in kind.values_by_name:
        return kind.values_by_name[value].number
    if isinstance(value, int) and not isinstance(value, bool) and value in kind.values_by_number:
        return value
    raise InvalidInputError(f"{where}: expected one of {', '.join(kind.values_by_name)}")


def _bytes(value: Any, where: str) -> bytes:
    if isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            pass
    raise InvalidInputError(f"{where}: expected text in base64")


def _is_map(field: FieldDescriptor) -> bool:
    kind = field.message_type
    return field.is_repeated and kind is not None and kind.GetOptions().map_entry
