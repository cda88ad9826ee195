"""One lock per volume, so that two requests about one volume follow each other and all others go on."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

from holdfast.volumes.errors import VolumeBusyError

WAIT_SECONDS = 30.0


class VolumeLocks:
    """Locks by volume id; one is forgotten when nobody holds or awaits it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: WeakValueDictionary[str, _Held] = WeakValueDictionary()

    @contextmanager
    def holding(self, volume_id: str) -> Iterator[None]:
        """Hold the lock of one volume for the length of a block. Not re-entrant.

        Raises:
            VolumeBusyError: another request held it for ``WAIT_SECONDS``.
        """
        with self._guard:
            held = self._locks.setdefault(volume_id, _Held())
        if not held.lock.acquire(timeout=WAIT_SECONDS):
            raise VolumeBusyError("the volume is busy with another request; try again")
        try:
            yield
        finally:
            held.lock.release()


class _Held:
    __slots__ = ("__weakref__", "lock")

    def __init__(self) -> None:
        self.lock = threading.Lock()
