"""Service ``Volume``, the part about figures: what a volume takes of the pool, what its device has done."""

import time
from dataclasses import dataclass
from threading import Lock

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
        counters: since it was attached, or last asked for; ``None`` for a volume that is not attached.
        usage: see ``VolumeUsage``.
        interval_ms: how long ago it was last asked for; 0 if the counters are since the attach.
    """

    counters: DeviceCounters | None
    usage: Usage
    interval_ms: int = 0


class Intervals:
    """What devices have done since that was last asked, by anybody."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._seen: dict[str, tuple[float, str, DeviceCounters]] = {}

    def next(self, volume: str, device: str, counters: DeviceCounters) -> tuple[DeviceCounters, int]:
        """Return what a device has done since the last call, and how many milliseconds ago that was.

        The first call after an attach has everything since then, and 0.
        """
        now = time.monotonic()
        with self._guard:
            then, earlier_device, earlier = self._seen.get(volume, (now, "", counters))
            self._seen[volume] = now, device, counters
        done = counters.since(earlier) if earlier_device == device else None
        return (done, round((now - then) * 1000)) if done is not None else (counters, 0)

    def forget(self, volume: str) -> None:
        """Forget a volume that is not attached."""
        with self._guard:
            self._seen.pop(volume, None)


class UsageService:
    """Figures about volumes."""

    def __init__(self, *, gate: Gate, catalog: Catalog, devices: Devices) -> None:
        self._gate = gate
        self._catalog = catalog
        self._devices = devices
        self._intervals = Intervals()

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
            self._intervals.forget(record.id)
            return VolumeStats(None, usage)
        device = state.attachment.device
        counters, interval_ms = counters_of(device), 0
        if since_last:
            counters, interval_ms = self._intervals.next(record.id, device, counters)
        return VolumeStats(counters, usage, interval_ms)

    def _usage(self, record: VolumeRecord) -> Usage:
        require_complete(record)
        return usage_of(self._devices.file(record).path)
