"""Durations: text at the edge, whole seconds inside.

Accepted forms are those of the Vault API (integer seconds, a numeric string, a Go duration with the
units ``s m h d``, sums such as ``1h30m``) and ``y`` (365 days) as Portworx token lifetimes write it.
"""

import re

from holdfast.errors import InvalidInputError

SECONDS_PER_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "y": 31_536_000}
MAX_SECONDS = 292 * 31_536_000  # what a 64-bit count of nanoseconds can hold, as Go clients expect

_MAX_DIGITS = 12  # no longer number is converted at all
_PART = re.compile(rf"([0-9]{{1,{_MAX_DIGITS}}})(s|m|h|d|y)")


def parse_duration(value: str | float, *, field: str) -> int:
    """Return ``value`` as whole seconds.

    Args:
        value: integer seconds, a numeric string, or a sum of ``<digits><unit>`` parts.
        field: the name of the input field, for the error text.

    Raises:
        InvalidInputError: not a duration, negative, or longer than 292 years.
    """
    if isinstance(value, bool):
        raise _not_a_duration(field)
    if isinstance(value, float):
        if not value.is_integer():
            raise _not_a_duration(field)
        value = int(value)
    seconds = value if isinstance(value, int) else _parse_text(value.strip(), field)
    if not 0 <= seconds <= MAX_SECONDS:
        raise InvalidInputError(f"{field}: expected a duration between 0 and 292 years")
    return seconds


def _parse_text(text: str, field: str) -> int:
    if text in {"", "0"}:
        return 0
    if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS:
        return int(text)
    total, position = 0, 0
    for part in _PART.finditer(text):
        if part.start() != position:
            raise _not_a_duration(field)
        total += int(part[1]) * SECONDS_PER_UNIT[part[2]]
        position = part.end()
    if position != len(text):
        raise _not_a_duration(field)
    return total


def _not_a_duration(field: str) -> InvalidInputError:
    return InvalidInputError(f'{field}: expected a duration such as 3600, "90s", "30m" or "1h30m"')


def format_go_duration(seconds: int) -> str:
    """Write whole seconds the way Go prints a duration: ``0s``, ``30m0s``, ``768h0m0s``."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def format_short_duration(seconds: int) -> str:
    """Write whole seconds without the parts that are zero: ``0s``, ``30m``, ``768h``, ``1h30m``."""
    text = format_go_duration(seconds)
    text = text.removesuffix("0s") if text.endswith("m0s") else text
    return text.removesuffix("0m") if text.endswith("h0m") else text
