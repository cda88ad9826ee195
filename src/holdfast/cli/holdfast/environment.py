"""Settings from the environment: a ``HOLDFAST_`` name wins over the name that other tools set."""

import os

from holdfast.cli.errors import LocalError

_TRUE = frozenset({"1", "t", "true"})
_FALSE = frozenset({"", "0", "f", "false"})


def setting(name: str, *others: str) -> str:
    """Return the first setting that is not empty, else an empty text.

    Args:
        name: looked up as ``HOLDFAST_<name>``, then as ``VAULT_<name>``.
        others: full names to try between the two.
    """
    for variable in (f"HOLDFAST_{name}", *others, f"VAULT_{name}"):
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
        raise LocalError(f"environment HOLDFAST_{name} or VAULT_{name}: expected true or false")
    return value in _TRUE
