"""Reads of one state that begin anew when other nodes overtake them."""

import time
from collections.abc import Callable

from holdfast.storage.errors import OvertakenError
from holdfast.storage.interface import Reader, Storage, T

ATTEMPTS = 20
_PAUSE_SECONDS = 0.005


def read_one_state(storage: Storage, read: Callable[[Reader], T]) -> T:
    """Return what ``read`` makes of a snapshot; it may run more than once, and must change nothing.

    Raises:
        OvertakenError: others were faster every time.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with storage.snapshot() as reader:
                return read(reader)
        except OvertakenError:
            if attempt == ATTEMPTS:
                raise
            storage.catch_up()
            time.sleep(_PAUSE_SECONDS)
    raise AssertionError("the loop returns or raises")
