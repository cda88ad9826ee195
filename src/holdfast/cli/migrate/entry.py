"""What a source offers: a name, and a way to read the value when its turn comes."""

from collections.abc import Callable
from dataclasses import dataclass

from holdfast.cli.errors import LocalError
from holdfast.client import DcosValue

Read = Callable[[], DcosValue]


class NoSecretError(LocalError):
    """What has this name is no secret, so there is nothing to import and nothing went wrong."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One secret of a source.

    Attributes:
        name: as the source has it, with ``/`` between its parts; not checked yet.
        read: returns the value; raises ``NoSecretError`` if there is none, ``HoldfastError`` if it cannot.
    """

    name: str
    read: Read


def holding(name: str, content: bytes) -> Entry:
    """Return an entry whose value is known."""
    value = value_of(content)
    return Entry(name, lambda: value)


def refused(name: str, problem: str, *, kind: type[LocalError] = LocalError) -> Entry:
    """Return an entry that cannot be read."""

    def read() -> DcosValue:
        raise kind(problem)

    return Entry(name, read)


def value_of(content: bytes) -> DcosValue:
    """Return the value with these bytes: a text if they are UTF-8, binary if not."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return DcosValue(content, is_text=False)
    return DcosValue(content, is_text=True)
