"""What the devices of attached volumes have done, counted from the attach on.

The kernel counts for a device's name, not for what is below it: a loop device begins with what it did for the
volumes, and the other programs, that had it before. So what it says is noted when a volume is attached, and
taken off what it says later. A node that starts again counts anew.
"""

import time
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock

from holdfast.volumes import loop
from holdfast.volumes.usage import DeviceCounters, counters_of


@dataclass(frozen=True, slots=True)
class _Moment:
    seconds: float
    counters: DeviceCounters


@dataclass(slots=True)
class _Device:
    path: str
    sequence: int
    begun: _Moment
    asked: _Moment


class DeviceFigures:
    """Counters of the volumes that are attached here."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._devices: dict[str, _Device] = {}

    def begin(self, volume_id: str, device: str) -> None:
        """Count a volume from now on, as it has just been attached."""
        with self._guard, suppress(OSError):
            now = _now(device)
            self._devices[volume_id] = _Device(device, loop.sequence(device), now, now)

    def done(self, volume_id: str, device: str, *, since_last: bool) -> tuple[DeviceCounters, int]:
        """Return what a volume's device has done, and for how many milliseconds that was counted.

        Args:
            volume_id: the volume.
            device: its device at present.
            since_last: only what it did since that was last asked, by anybody.
        """
        with self._guard:
            known, now = self._devices.get(volume_id), _now(device)
            if (
                known is None
                or (known.path, known.sequence) != (device, loop.sequence(device))
                or not now.counters.follows(known.asked.counters)
            ):
                known = self._devices[volume_id] = _Device(device, loop.sequence(device), now, now)
            before = known.asked if since_last else known.begun
            if since_last:
                known.asked = now
        return now.counters.since(before.counters), round((now.seconds - before.seconds) * 1000)

    def forget(self, volume_id: str) -> None:
        """Forget a volume that is not attached."""
        with self._guard:
            self._devices.pop(volume_id, None)


def _now(device: str) -> _Moment:
    return _Moment(time.monotonic(), counters_of(device))
