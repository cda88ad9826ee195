"""What the host of a node refuses because of its state, in words that say what to do; all else is a defect.

A pool may fill up, become read-only or lose its disk at any moment, below whatever a node is doing.
"""

import errno
from pathlib import PurePath

from holdfast.errors import ConflictError, HoldfastError, UnavailableError

_PLACE = "the file system of the node's pool or records"
_WHY = "see in the host's kernel log why"
_FULL = f"{_PLACE} is full; free space there, or make it larger"
_READ_ONLY = f"{_PLACE} is read-only; {_WHY}, and make it writable again"
_BROKEN = f"{_PLACE} cannot be read or written; {_WHY}"
_SCARCE = "the node's host has too few resources for this now; try again later"

_WORDS = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EROFS: _READ_ONLY,
    errno.EIO: _BROKEN,
    errno.ESTALE: _BROKEN,
    errno.ENOTCONN: _BROKEN,
    errno.EMFILE: _SCARCE,
    errno.ENFILE: _SCARCE,
    errno.ENOMEM: _SCARCE,
}


# What a pool holds for each volume; see ``volumes.pool``.
_OF_A_VOLUME = frozenset({".img", ".lock"})


def host_trouble(error: BaseException) -> HoldfastError | None:
    """Return what a caller is told of an error of the operating system; ``None`` if it is none of these."""
    if isinstance(error, FileNotFoundError) and PurePath(str(error.filename)).suffix in _OF_A_VOLUME:
        return ConflictError("the volume's backing file is gone; restore it or delete the volume")
    words = _WORDS.get(error.errno or 0) if isinstance(error, OSError) else None
    return None if words is None else UnavailableError(words)
