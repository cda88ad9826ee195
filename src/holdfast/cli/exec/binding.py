"""Which secret goes where: one ``NAME=SECRET`` of the command line, or one entry of an app definition."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from holdfast.cli.errors import LocalError, UsageError
from holdfast.errors import InvalidInputError
from holdfast.model import parse_path

# POSIX.1-2017 XBD 8.1 without lower bound on case; the length is Marathon's.
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,253}")


class Place(Enum):
    """Where the command finds a secret."""

    VARIABLE = "env"
    FILE = "file"
    DESCRIPTOR = "fd"


@dataclass(frozen=True, slots=True)
class Binding:
    """One secret and its place.

    Attributes:
        place: the kind of place.
        name: the variable's name, also for a descriptor; for a file its path below the secrets directory.
        secret: which secret, as its source names it.
    """

    place: Place
    name: str
    secret: str

    def __str__(self) -> str:
        return f"{self.name} ({self.secret})"


def parse_binding(place: Place, text: str) -> Binding:
    """Read ``NAME=SECRET``.

    Raises:
        UsageError: not of that form, or the name cannot be used.
    """
    name, equals, secret = text.partition("=")
    if not (name and equals and secret):
        raise UsageError(f"--{place.value}: expected NAME=SECRET")
    try:
        return make_binding(place, name, secret)
    except LocalError as error:
        raise UsageError(error.message) from None


def make_binding(place: Place, name: str, secret: str) -> Binding:
    """Return a binding whose name is usable.

    Raises:
        LocalError: it is not.
    """
    if place is Place.FILE:
        return Binding(place, _relative_path(name), secret)
    check_variable(name)
    return Binding(place, name, secret)


def check_variable(name: str) -> None:
    """Refuse what is no name of an environment variable.

    Raises:
        LocalError: too long, or with other characters than letters, digits and underscores.
    """
    if _VARIABLE.fullmatch(name) is None:
        raise LocalError(
            "variable: expected at most 254 letters, digits and underscores, and no digit at the start"
        )


def refuse_collisions(bindings: Sequence[Binding]) -> None:
    """Refuse two secrets for one place; which of them wins must not depend on an order.

    Raises:
        LocalError: a variable or a file is named twice, or a file is also a directory of another.
    """
    variables = [binding.name for binding in bindings if binding.place is not Place.FILE]
    files = [binding.name for binding in bindings if binding.place is Place.FILE]
    for name in _repeated(variables):
        raise LocalError(f"variable {name}: expected one secret for it, not several")
    for name in _repeated(files):
        raise LocalError(f"file {name}: expected one secret for it, not several")
    for name in files:
        if any(other.startswith(f"{name}/") for other in files):
            raise LocalError(f"file {name}: expected a file; another secret needs a directory of that name")


def _repeated(names: Sequence[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def _relative_path(name: str) -> str:
    if name.startswith("/"):
        raise LocalError("file: expected a path below the secrets directory, without a slash at its start")
    try:
        path = parse_path(name, field="file")
    except InvalidInputError as error:
        raise LocalError(error.message) from None
    if path.is_directory:
        raise LocalError("file: expected the name of a file, without a slash at its end")
    return path.text
