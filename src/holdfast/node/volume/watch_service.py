"""Service ``Watch``: what volumes a caller may read, and how they change, for as long as somebody listens.

A watch begins with every volume that the caller may read, so that nothing is missed between a list and the
first change. Then comes each one that is new or has changed, by whichever node, and each one that is gone. A
volume that the caller may no longer read is gone for it. Changes close to each other may come as one.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from threading import Event

from holdfast.node import apis
from holdfast.node.access.gate import Gate
from holdfast.node.api import Admission, operation
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.devices import Devices
from holdfast.node.inventory.records import encode_record
from holdfast.node.volume.volume_service import VolumeStatus

POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class VolumeGone:
    """A volume that was removed, or is out of the caller's sight.

    Attributes:
        id: its id.
        name: its name.
    """

    id: str
    name: str


VolumeEvent = VolumeStatus | VolumeGone


class WatchService:
    """Volumes as they change."""

    def __init__(self, *, gate: Gate, catalog: Catalog, devices: Devices) -> None:
        self._gate = gate
        self._catalog = catalog
        self._devices = devices

    @operation(apis.WATCH)
    def volumes(
        self, admission: Admission, *, labels: Mapping[str, str], over: Event, recheck: Callable[[], None]
    ) -> Iterator[VolumeEvent]:
        """Yield volumes until ``over`` is set.

        Args:
            admission: of the caller.
            labels: only volumes that have all of these.
            over: set when nobody listens any more.
            recheck: raises once the caller may not call this API any more; asked before each look.
        """
        known: dict[str, tuple[str, int]] = {}
        seen = -1
        while not over.is_set():
            recheck()
            revision = self._catalog.revision()
            if revision != seen:
                seen = revision
                yield from self._changes(admission, labels, known)
            over.wait(POLL_SECONDS)

    def _changes(
        self, admission: Admission, labels: Mapping[str, str], known: dict[str, tuple[str, int]]
    ) -> Iterator[VolumeEvent]:
        present = set()
        for record in self._gate.readable(admission, self._catalog):
            if labels.items() <= record.labels.items():
                present.add(record.id)
                state = (record.name, hash(encode_record(record)))
                if known.get(record.id) != state:
                    known[record.id] = state
                    yield VolumeStatus(record, self._devices.state(record))
        for identity in known.keys() - present:
            yield VolumeGone(identity, known.pop(identity)[0])
