"""Reading what the node has stored: it is what it should be, or nothing of it is used."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec

from holdfast.errors import InternalError
from holdfast.node.access.resource import PAGE
from holdfast.storage.interface import Reader, Storage
from holdfast.storage.reading import read_one_state

T = TypeVar("T")


def read_stored(decode: Callable[[bytes], T], stored: bytes, what: str) -> T:
    """Return a stored record.

    Args:
        decode: a decoder of msgspec's, for the one type that it may be.
        stored: as it was read.
        what: what it should be, for the error.

    Raises:
        InternalError: it is something else; nothing is guessed.
    """
    try:
        return decode(stored)
    except (msgspec.DecodeError, ValueError):
        raise InternalError(f"{what} cannot be read") from None


def read_all(storage: Storage, prefix: str) -> Iterator[tuple[str, bytes]]:
    """Yield name and value of all that is stored below a prefix, by name.

    It is read page by page, each in one state, so that nobody is held up by a long list: what is there all
    the time is yielded once, and what comes or goes meanwhile may be.
    """
    after = ""

    def read(reader: Reader) -> tuple[list[str], list[bytes | None]]:
        names = reader.list(prefix, after=after, limit=PAGE)
        return names, [reader.get(prefix + name) for name in names]

    while True:
        names, found = read_one_state(storage, read)
        yield from ((name, value) for name, value in zip(names, found, strict=True) if value is not None)
        if len(names) < PAGE:
            return
        after = names[-1]
