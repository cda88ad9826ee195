"""One lock per volume, so that two requests about one volume follow each other and all others go on.

Where the node is one of several, the lock is the cluster's: nobody else has the volume at the same time.

Whoever waits for his turn may lose his right to the volume meanwhile. So there are two ways to a lock, and
no third: ``turn``, or ``turns`` at several, asks about that right again, of the volume as it is then, and
``making`` is for what is no volume yet.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import TypeAlias
from weakref import WeakValueDictionary

from holdfast.errors import InternalError
from holdfast.node.cluster.attach_lock import AttachLock
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.records import VolumeRecord
from holdfast.volumes.errors import VolumeBusyError

WAIT_SECONDS = 30.0

Still: TypeAlias = Callable[[VolumeRecord], VolumeRecord]
"""Returns the volume if the caller, who waited for his turn, may still do what he asked for; or raises."""


def by_role_alone(record: VolumeRecord) -> VolumeRecord:
    """Ask nobody: for what a role allows with every volume, and for what the cluster itself asks for."""
    return record


class VolumeLocks:
    """Locks by volume id; one is forgotten when nobody holds or awaits it.

    Args:
        catalog: in which volumes are looked up when their turn has come.
        cluster: the lock among nodes; ``None`` for a node that shares its state with nobody.
    """

    def __init__(self, catalog: Catalog, cluster: AttachLock | None = None) -> None:
        self._catalog = catalog
        self._cluster = cluster
        self._guard = threading.Lock()
        self._locks: WeakValueDictionary[str, _Held] = WeakValueDictionary()

    @contextmanager
    def turn(self, volume_id: str, still: Still, *, to_delete: bool = False) -> Iterator[VolumeRecord]:
        """Wait for the turn at a volume, and have it for the length of a block. Not re-entrant.

        Args:
            volume_id: of the volume.
            still: see ``Still``; asked when the turn has come.
            to_delete: have it also if its data went with a node that was forgotten.

        Yields:
            The volume as it is then.

        Raises:
            VolumeBusyError: another request had it for ``WAIT_SECONDS``.
            HeldElsewhereError, OtherPoolError: another node has it, or its data.
            NotFoundError: it is gone.
        """
        with self._holding(volume_id, to_delete=to_delete):
            yield still(self._catalog.get(volume_id))

    @contextmanager
    def turns(self, *wanted: tuple[str, Still]) -> Iterator[list[VolumeRecord]]:
        """Have several volumes at once, each asked about when the turn at the last has come; as ``turn``.

        Args:
            wanted: ids of the volumes, and what is asked about each. Requests about the same volumes name
                them in the same order.
        """
        with ExitStack() as held:
            for volume_id, _ in wanted:
                held.enter_context(self._holding(volume_id))
            yield [still(self._catalog.get(volume_id)) for volume_id, still in wanted]

    @contextmanager
    def making(self, volume_id: str) -> Iterator[None]:
        """Have an id that is no volume's yet, to make one in the block.

        Raises:
            InternalError: there is a volume of that id, at which a turn has to be waited for.
        """
        with self._holding(volume_id):
            if self._catalog.find(volume_id) is not None:
                raise InternalError("a volume that is there is not made")
            yield

    @contextmanager
    def _holding(self, volume_id: str, *, to_delete: bool = False) -> Iterator[None]:
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
