"""Single fields of requests to the transit engine, beside those that ``store.fields`` reads."""

import base64
from collections.abc import Callable
from typing import Any

from holdfast.engines.transit.records import Key, is_key_name
from holdfast.engines.transit.versioned import decode_base64
from holdfast.errors import InvalidInputError
from holdfast.store import fields


def context_of(thing: dict[str, Any]) -> bytes:
    """Return the context that a thing names, empty for none."""
    return decode_base64(fields.text(thing, "context"), "failed to base64-decode context")


def associated_data_of(thing: dict[str, Any], key: Key) -> bytes:
    """Return the associated data of a thing, empty for none.

    Raises:
        InvalidInputError: they are no base64, or the key authenticates none.
    """
    text = fields.text(thing, "associated_data")
    if text and not key.type.is_aead:
        raise InvalidInputError(f"'associated_data' provided for non-AEAD cipher suite {key.type_name}")
    return decode_base64(text, "failed to base64-decode associated_data")


def input_of(thing: dict[str, Any], problem: str = "missing input") -> bytes:
    """Return the input of a thing.

    Raises:
        InvalidInputError: there is none, or it is no base64.
    """
    if thing.get("input") is None:
        raise InvalidInputError(problem)
    return decode_base64(fields.text(thing, "input"), "unable to decode input as base64")


def check_name(name: str) -> None:
    """Refuse a name that no key can have.

    Raises:
        InvalidInputError: it is one.
    """
    if not is_key_name(name):
        raise InvalidInputError("name: expected letters, digits, and - . _ between them")


def given(values: dict[str, Any], name: str, read_field: Callable[..., Any]) -> Any:
    """Return a field as ``read_field`` reads it, ``None`` when absent."""
    return read_field(values, name) if values.get(name) is not None else None


def number_in(text: str, field: str) -> int:
    """Return a number that is a part of a path or a text."""
    return fields.integer({field: text if text.isascii() and text.isdigit() else "?"}, field)


def one_of(choices: Any, text: str, problem: str) -> Any:
    """Return the member of an enum that ``text`` names; refuse with ``problem`` if it names none."""
    try:
        return choices(text)
    except ValueError:
        pass
    names = ", ".join(choice.value for choice in choices if choice.value)
    raise InvalidInputError(f"{problem}: expected one of {names}")


def to_base64(data: bytes) -> str:
    """Return ``data`` in standard base64."""
    return base64.b64encode(data).decode("ascii")
