"""The memory in which the processes of a node write down numbers for each other."""

import mmap

from holdfast.store.audit import health as audit_health
from holdfast.store.metrics import tally
from holdfast.store.quotas.buckets import Buckets


class SharedMemory:
    """Zeroed memory for so many worker processes; make it before forking.

    Args:
        workers: how many.

    Attributes:
        counts: for their ``Tally``: a row each.
        audit_health: for their ``AuditHealth``: a row each.
        rates: where they count requests for quotas, together.
    """

    __slots__ = ("audit_health", "counts", "rates")

    def __init__(self, workers: int) -> None:
        rows = max(1, workers)
        self.counts = _numbers(rows * tally.CELLS)
        self.audit_health = _numbers(rows * audit_health.ROW_CELLS)
        self.rates = Buckets(is_shared=True)


def _numbers(count: int) -> memoryview:
    return memoryview(mmap.mmap(-1, count * tally.CELL_BYTES)).cast("Q")
