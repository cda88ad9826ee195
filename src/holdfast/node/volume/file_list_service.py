"""Service ``Volume``, the part about what lies in a volume: names, kinds and sizes."""

from holdfast.errors import ConflictError, InvalidInputError
from holdfast.node import apis
from holdfast.node.access.gate import Gate
from holdfast.node.api import Admission, operation
from holdfast.node.cluster.locks import VolumeLocks
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.devices import Devices
from holdfast.volumes.listing import Listing, list_tree


class FileListService:
    """What lies in volumes that are mounted at this node."""

    def __init__(self, *, gate: Gate, catalog: Catalog, devices: Devices, locks: VolumeLocks) -> None:
        self._gate = gate
        self._catalog = catalog
        self._devices = devices
        self._locks = locks

    @operation(apis.VOLUME_CATALOG)
    def files(
        self, admission: Admission, reference: str, path: str = "", *, depth: int = 0, most: int = 0
    ) -> Listing:
        """Return the names in a mounted volume or snapshot, with kinds, sizes and times; no content.

        Args:
            admission: of the caller.
            reference: id or name of the volume.
            path: where in the volume to begin; empty for its root.
            depth: how many layers; 0 for all.
            most: how many names; 0 for as many as there may be.

        Raises:
            ConflictError: the volume is not mounted at this node.
            InvalidInputError: a field cannot be right; names it.
            NotFoundError: there is nothing of that name in the volume.
        """
        if depth < 0 or most < 0:
            raise InvalidInputError("depth and max_entries: expected 0 for all, or a larger number")
        waiting = self._gate.resource(admission, self._catalog, reference)
        with self._locks.turn(waiting.id, self._gate.still(admission, self._catalog)) as record:
            state = self._devices.state(record)
            if not state.mounts or state.attachment is None:
                raise ConflictError("the volume is not mounted at this node; mount it first")
            return list_tree(state.mounts[0], state.attachment.device, path, depth=depth, most=most)
