"""Reading single fields of a request body, as loosely as Vault clients write them and no looser.

Clients send ``"true"``, ``1`` and ``true`` for a boolean, ``"3"`` for an integer, ``"a,b"`` for a list.
Each function takes the decoded body, names the field in its errors and never repeats its value.
"""

from typing import Any

from holdfast.errors import InvalidInputError
from holdfast.model import parse_duration

MAX_INTEGER = 2**53
MAX_DIGITS = 17
MAX_LIST_ITEMS = 1000
_TRUE = frozenset({"true", "1", "t"})
_FALSE = frozenset({"false", "0", "f", ""})


def text(values: dict[str, Any], name: str, default: str = "") -> str:
    """Return a string field; a number or boolean is written out."""
    value = values.get(name)
    if value is None:
        return default
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise InvalidInputError(f"{name}: expected a string")


def required_text(values: dict[str, Any], name: str) -> str:
    """Return a string field that must be there and not be empty."""
    value = text(values, name)
    if not value:
        raise InvalidInputError(f"{name}: expected a value, but it is missing or empty")
    return value


def boolean(values: dict[str, Any], name: str, *, default: bool = False) -> bool:
    """Return a boolean field."""
    value = values.get(name)
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    word = str(value).lower() if isinstance(value, str | int) else None
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise InvalidInputError(f"{name}: expected true or false")


def integer(values: dict[str, Any], name: str, default: int = 0, *, lowest: int = 0) -> int:
    """Return an integer field between ``lowest`` and 2^53."""
    value = values.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, str) and len(value) <= MAX_DIGITS:
        digits = value.removeprefix("-")
        value = int(value) if digits.isascii() and digits.isdigit() else value
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= MAX_INTEGER:
        raise InvalidInputError(f"{name}: expected an integer of at least {lowest}")
    return value


def seconds(values: dict[str, Any], name: str) -> int:
    """Return a duration field in whole seconds, 0 when absent."""
    value = values.get(name)
    if value is None:
        return 0
    if not isinstance(value, str | int | float):
        raise InvalidInputError(f"{name}: expected a duration")
    return parse_duration(value, field=name)


def words(values: dict[str, Any], name: str) -> tuple[str, ...]:
    """Return a list field: a JSON list of strings, or one string with commas. Blanks around are dropped."""
    value = values.get(name)
    if value is None:
        return ()
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or any(not isinstance(item, str | int) for item in items):
        raise InvalidInputError(f"{name}: expected a list of strings")
    if len(items) > MAX_LIST_ITEMS:
        raise InvalidInputError(f"{name}: expected at most {MAX_LIST_ITEMS} items")
    return tuple(stripped for item in items if (stripped := str(item).strip()))


def members(values: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a field that is an object, empty when absent."""
    value = values.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInputError(f"{name}: expected an object")
    return value


def text_map(values: dict[str, Any], name: str) -> dict[str, str]:
    """Return a field that maps strings to strings: an object, or pairs such as ``k=v``."""
    value = values.get(name)
    if isinstance(value, str | list):
        value = _pairs(name, words(values, name))
    value = members({name: value}, name)
    if any(isinstance(item, dict | list) or item is None for item in value.values()):
        raise InvalidInputError(f"{name}: expected an object of strings")
    return {key: text(value, key) for key in value}


def _pairs(name: str, words: tuple[str, ...]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    if not all(key and equals for key, equals, _ in pairs):
        raise InvalidInputError(f"{name}: expected an object of strings, or pairs such as key=value")
    return {key: value for key, _, value in pairs}
