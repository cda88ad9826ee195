"""The memory in which the processes of a node count requests together."""

import mmap

from holdfast.store.metrics.tally import CELL_BYTES, CELLS


def shared_counts(rows: int) -> memoryview:
    """Return zeroed memory for a ``Tally`` of so many processes; make it before forking."""
    size = max(1, rows) * CELLS * CELL_BYTES
    return memoryview(mmap.mmap(-1, size)).cast("Q")
