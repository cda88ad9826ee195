"""One lock per volume, so that two requests about one volume follow each other and all others go on.

Where the node is one of several, the lock is the cluster's: nobody else has the volume at the same time.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from weakref import WeakValueDictionary

from holdfast.node.cluster.attach_lock import AttachLock
from holdfast.volumes.errors import VolumeBusyError

WAIT_SECONDS = 30.0


class VolumeLocks:
    """Locks by volume id; one is forgotten when nobody holds or awaits it.

    Args:
        cluster: the lock among nodes; ``None`` for a node that shares its state with nobody.
    """

    def __init__(self, cluster: AttachLock | None = None) -> None:
        self._cluster = cluster
        self._guard = threading.Lock()
        self._locks: WeakValueDictionary[str, _Held] = WeakValueDictionary()

    @contextmanager
    def holding(self, volume_id: str, *, to_delete: bool = False) -> Iterator[None]:
        """Hold the lock of one volume for the length of a block. Not re-entrant.

        Args:
            volume_id: of the volume.
            to_delete: hold it also if its data went with a node that was forgotten.

        Raises:
            VolumeBusyError: another request held it for ``WAIT_SECONDS``.
            HeldElsewhereError, OtherPoolError: another node has it, or its data.
        """
        with self._guard:
            held = self._locks.setdefault(volume_id, _Held())
        if not held.lock.acquire(timeout=WAIT_SECONDS):
            raise VolumeBusyError("the volume is busy with another request; try again")
        try:
            cluster = self._cluster
            with cluster.claimed(volume_id, to_delete=to_delete) if cluster is not None else nullcontext():
                yield
        finally:
            held.lock.release()

    def ask_release(self, volume_id: str) -> None:
        """Have the node that has a volume let go of it by force; see ``AttachLock``."""
        if self._cluster is not None:
            self._cluster.ask_release(volume_id)

    def holder(self, volume_id: str) -> str:
        """Return which node has a volume; empty if none has, or this is the only one."""
        held = self._cluster.holder(volume_id) if self._cluster is not None else None
        return held.node_id if held is not None else ""


class _Held:
    __slots__ = ("__weakref__", "lock")

    def __init__(self) -> None:
        self.lock = threading.Lock()
