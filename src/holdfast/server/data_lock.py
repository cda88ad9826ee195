"""One store to a data directory: a lock that all processes of a server hold together.

The engine lets any number of processes write, but a second keeper beside the first would decide from
what it remembers, not from what the first has changed since. The lock belongs to an open directory that
every child inherits; the kernel drops it when the last of them is gone, however it went. So a store that
starts while processes of a killed one are still on their way out waits for them.
"""

import fcntl
import os
import time

from holdfast.errors import ConflictError

PATIENCE_SECONDS = 2.0
_PAUSE_SECONDS = 0.05


class DataLock:
    """Holds the lock while entered, and in every process forked meanwhile.

    Args:
        path: the data directory, which exists; empty for storage that has none.

    Raises:
        ConflictError: on entering, if another store keeps the directory.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = -1

    def __enter__(self) -> None:
        if not self._path:
            return
        self._descriptor = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._is_taken():
            if time.monotonic() >= deadline:
                os.close(self._descriptor)
                raise ConflictError(f"storage {self._path}: another store is using the directory")
            time.sleep(_PAUSE_SECONDS)

    def __exit__(self, *_: object) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def _is_taken(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
