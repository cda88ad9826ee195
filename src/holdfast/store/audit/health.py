"""How audit devices fare in all processes of a node.

One row of numbers for each process, in memory that all of them share: each writes its own row, whoever reads
looks at all. A device has a place in a row by its name; there are as many places as there may be devices.
"""

from hashlib import blake2b

from holdfast.audit import AuditDevice

MAX_DEVICES = 32
_CELLS = 4  # which device, how many failures, since when it fails, when it failed last
CELL_BYTES = 8
ROW_CELLS = MAX_DEVICES * _CELLS


class AuditHealth:
    """What is known of the devices.

    Args:
        memory: ``rows * ROW_CELLS`` numbers of 8 bytes; shared with the other processes, or this one's own.
        row: the row of this process.
    """

    __slots__ = ("_cells", "_start", "rows")

    def __init__(self, memory: memoryview | None = None, row: int = 0) -> None:
        own = memoryview(bytearray(ROW_CELLS * CELL_BYTES)).cast("Q")
        self._cells = own if memory is None else memory
        self._start = row * ROW_CELLS
        self.rows = len(self._cells) // ROW_CELLS

    def note(self, device: AuditDevice, now: float) -> None:
        """Write down how a device fares in this process."""
        cells, place = self._cells, self._place(self._start, _tag(device.name), free_too=True)
        if place < 0:
            return
        cells[place] = _tag(device.name)
        cells[place + 1] += 1 if device.is_failing else 0
        if device.is_failing:
            cells[place + 2] = cells[place + 2] or int(now)
            cells[place + 3] = int(now)
        else:
            cells[place + 2] = 0

    def forget(self) -> None:
        """Say that this process has no devices any more."""
        for place in range(self._start, self._start + ROW_CELLS, _CELLS):
            self._cells[place + 2] = 0

    def of(self, name: str) -> tuple[int, int, int, int]:
        """Return how a device fares.

        Returns:
            In how many processes it fails now, since when (Unix seconds, 0 if it does not), how many writes
            failed in all, and when the last one did.
        """
        failing = failures = last = 0
        since: list[int] = []
        for row in range(self.rows):
            place = self._place(row * ROW_CELLS, _tag(name))
            if place < 0:
                continue
            _, count, began, latest = self._cells[place : place + _CELLS]
            failures += count
            last = max(last, latest)
            if began:
                failing += 1
                since.append(began)
        return failing, min(since, default=0), failures, last

    def _place(self, start: int, tag: int, *, free_too: bool = False) -> int:
        for place in range(start, start + ROW_CELLS, _CELLS):
            if self._cells[place] == tag or (free_too and not self._cells[place]):
                return place
        return -1


def _tag(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=CELL_BYTES).digest(), "little") or 1
