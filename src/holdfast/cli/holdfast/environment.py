"""Settings from the environment: a ``HOLDFAST_`` name wins over ``BAO_``, and that over ``VAULT_``."""

import os

from holdfast.cli.errors import LocalError
from holdfast.errors import InvalidInputError
from holdfast.model import parse_duration

_TRUE = frozenset({"1", "t", "true"})
_FALSE = frozenset({"", "0", "f", "false"})


def setting(name: str, *others: str) -> str:
    """Return the first setting that is not empty, else an empty text.

    Args:
        name: looked up as ``HOLDFAST_<name>``, then as ``BAO_<name>`` and ``VAULT_<name>``.
        others: full names to try behind the first.
    """
    for variable in (f"HOLDFAST_{name}", *others, f"BAO_{name}", f"VAULT_{name}"):
        if value := os.environ.get(variable, ""):
            return value
    return ""


def switch(name: str) -> bool:
    """Return a setting that is on or off.

    Raises:
        LocalError: it is neither; a security switch is never guessed.
    """
    value = setting(name).lower()
    if value not in _TRUE | _FALSE:
        raise LocalError(f"environment {_names(name)}: expected true or false")
    return value in _TRUE


def count(name: str, *, default: int, most: int) -> int:
    """Return a setting that is a number from 0 to ``most``.

    Raises:
        LocalError: it is not.
    """
    value = setting(name)
    if value and not (value.isascii() and value.isdigit() and int(value) <= most):
        raise LocalError(f"environment {_names(name)}: expected a number from 0 to {most}")
    return int(value) if value else default


def seconds(name: str, *, default: float) -> float:
    """Return a setting that is a length of time, such as ``90`` or ``2m``.

    Raises:
        LocalError: it is not, or there is none of it.
    """
    value = setting(name)
    if not value:
        return default
    try:
        found = parse_duration(value, field=name)
    except InvalidInputError:
        found = 0
    if found <= 0:
        raise LocalError(f"environment {_names(name)}: expected a length of time such as 90s")
    return found


def _names(name: str) -> str:
    return f"HOLDFAST_{name}, BAO_{name} or VAULT_{name}"
