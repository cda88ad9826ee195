"""Reading what the node has stored: it is what it should be, or nothing of it is used."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from holdfast.errors import InternalError

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
