"""Taking secrets out of this process's environment, also where ``/proc/<pid>/environ`` shows it.

Removing a variable only forgets where its text is. The text itself stays in the memory that the process was
started with, and there the system reads it for whoever may ask; so it is overwritten as well.
"""

import ctypes
import os
from collections.abc import Callable


def forget_variables(is_secret: Callable[[str], bool]) -> None:
    """Remove the variables whose name is that of a secret, so that nobody inherits or reads them."""
    names = [name for name in os.environ if is_secret(name)]
    for address, length in _places({os.fsencode(name) for name in names}):
        ctypes.memset(address, 0, length)
    for name in names:
        del os.environ[name]


def _places(names: set[bytes]) -> list[tuple[int, int]]:
    """Return where the values of variables are in memory, and how long each is."""
    entries = ctypes.POINTER(ctypes.c_void_p).in_dll(ctypes.CDLL(None), "environ")
    places = []
    number = 0
    while entries and (address := entries[number]) is not None:
        text = ctypes.string_at(address)
        name, equals, value = text.partition(b"=")
        if equals and name in names:
            places.append((address + len(name) + 1, len(value)))
        number += 1
    return places
