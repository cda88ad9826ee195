"""Service ``Volume``, the part about figures: what a volume takes of the pool, what its device has done."""

from dataclasses import dataclass

from holdfast.node import apis
from holdfast.node.access.gate import Admission, Gate
from holdfast.node.api import operation
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.devices import Devices
from holdfast.node.inventory.records import VolumeRecord
from holdfast.node.volume.copies import require_complete
from holdfast.volumes.backend import AttachStage
from holdfast.volumes.usage import DeviceCounters, Usage, counters_of, usage_of


@dataclass(frozen=True, slots=True)
class VolumeUsage:
    """What a volume takes up.

    Attributes:
        record: the volume.
        usage: of the pool, in whole blocks, its header included.
    """

    record: VolumeRecord
    usage: Usage


@dataclass(frozen=True, slots=True)
class VolumeStats:
    """What a volume's device has done.

    Attributes:
        counters: since it was attached; ``None`` for a volume that is not.
        usage: see ``VolumeUsage``.
    """

    counters: DeviceCounters | None
    usage: Usage


class UsageService:
    """Figures about volumes."""

    def __init__(self, *, gate: Gate, catalog: Catalog, devices: Devices) -> None:
        self._gate = gate
        self._catalog = catalog
        self._devices = devices

    @operation(apis.VOLUME_CAPACITY_USAGE)
    def capacity_usage(self, admission: Admission, reference: str) -> VolumeUsage:
        """Return what a volume or snapshot takes of the pool: written blocks, not the size it offers."""
        record = self._gate.resource(admission, self._catalog, reference)
        return VolumeUsage(record, self._usage(record))

    @operation(apis.VOLUME_STATS)
    def stats(self, admission: Admission, reference: str) -> VolumeStats:
        """Return what a volume's device has done since it was attached."""
        record = self._gate.resource(admission, self._catalog, reference)
        usage = self._usage(record)
        state = self._devices.state(record)
        if state.stage is not AttachStage.ATTACHED or state.attachment is None:
            return VolumeStats(None, usage)
        return VolumeStats(counters_of(state.attachment.device), usage)

    def _usage(self, record: VolumeRecord) -> Usage:
        require_complete(record)
        return usage_of(self._devices.file(record).path)
