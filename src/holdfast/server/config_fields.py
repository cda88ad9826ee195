"""Settings of a configuration file as the types that they have to be.

Vault users write numbers and booleans with and without quotes, so both are taken. Every error names the
setting and what was expected, and never repeats the value: it may be a secret in the wrong place.
"""

from typing import Any

from holdfast.errors import InvalidInputError


def boolean(name: str, value: Any) -> bool:
    """Return a switch, which may be written ``true``, ``"true"``, ``1`` or ``"1"``."""
    if isinstance(value, bool):
        return value
    word = str(value).lower() if isinstance(value, str | int) else ""
    if word in {"1", "true"}:
        return True
    if word in {"0", "false"}:
        return False
    raise InvalidInputError(f"{name}: expected true or false")


def text(name: str, value: Any) -> str:
    """Return a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise InvalidInputError(f"{name}: expected text in quotes")
    return value


def integer(name: str, value: Any, *, lowest: int, highest: int) -> int:
    """Return a whole number within bounds."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:12])  # cut where it is over every bound already
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise InvalidInputError(f"{name}: expected a number between {lowest} and {highest}")
    return value
