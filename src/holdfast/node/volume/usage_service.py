"""Service ``Volume``, the part about figures: what a volume takes of the pool, what its device has done."""

from dataclasses import dataclass

from holdfast.node import apis
from holdfast.node.access.gate import Gate
from holdfast.node.api import Admission, operation
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.devices import Devices
from holdfast.node.inventory.records import VolumeRecord
from holdfast.node.volume.copies import require_complete
from holdfast.node.volume.device_figures import DeviceFigures
from holdfast.volumes.backend import AttachStage
from holdfast.volumes.usage import DeviceCounters, Usage, usage_of


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
        counters: since it was attached, or last asked for; ``None`` for a volume that is not attached.
        usage: see ``VolumeUsage``.
        interval_ms: for how long that was counted.
    """

    counters: DeviceCounters | None
    usage: Usage
    interval_ms: int = 0


class UsageService:
    """Figures about volumes.

    Attributes:
        figures: of devices; told of every attach.
    """

    def __init__(self, *, gate: Gate, catalog: Catalog, devices: Devices) -> None:
        self._gate = gate
        self._catalog = catalog
        self._devices = devices
        self.figures = DeviceFigures()

    @operation(apis.VOLUME_CAPACITY_USAGE)
    def capacity_usage(self, admission: Admission, reference: str) -> VolumeUsage:
        """Return what a volume or snapshot takes of the pool: written blocks, not the size it offers."""
        record = self._gate.resource(admission, self._catalog, reference)
        return VolumeUsage(record, self._usage(record))

    @operation(apis.VOLUME_STATS)
    def stats(self, admission: Admission, reference: str, *, since_last: bool = False) -> VolumeStats:
        """Return what a volume's device has done since it was attached, or since that was last asked."""
        record = self._gate.resource(admission, self._catalog, reference)
        usage = self._usage(record)
        state = self._devices.state(record)
        if state.stage is not AttachStage.ATTACHED or state.attachment is None:
            self.figures.forget(record.id)
            return VolumeStats(None, usage)
        counters, interval_ms = self.figures.done(record.id, state.attachment.device, since_last=since_last)
        return VolumeStats(counters, usage, interval_ms)

    def _usage(self, record: VolumeRecord) -> Usage:
        require_complete(record)
        return usage_of(self._devices.file(record).path)
