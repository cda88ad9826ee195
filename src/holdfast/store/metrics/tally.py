"""Requests counted by what they wanted and what came of them.

The counts are one row of numbers for each process, in memory that all of them share: each adds to its own
row, whoever reads adds up all rows, and so it does not matter which process is asked. There are as many
numbers as there are operations and outcomes; nothing that a client sends adds one.
"""

from typing import TYPE_CHECKING

from holdfast import errors
from holdfast.errors import HoldfastError
from holdfast.store.quotas.errors import QuotaExceededError
from holdfast.store.request import Answer, Operation

if TYPE_CHECKING:
    from collections.abc import Iterator

OPERATIONS = tuple(Operation)
OUTCOMES = ("answered", "absent", "invalid", "denied", "limited", "unavailable", "failed")

_OUTCOME_OF_KIND: dict[type[Exception], str] = {
    QuotaExceededError: "limited",
    errors.LimitReachedError: "limited",
    errors.UnauthenticatedError: "denied",
    errors.PermissionDeniedError: "denied",
    errors.NotFoundError: "absent",
    errors.InvalidInputError: "invalid",
    errors.TooLargeError: "invalid",
    errors.ConflictError: "invalid",
    errors.UnsupportedError: "invalid",
    errors.SealedError: "unavailable",
    errors.UnavailableError: "unavailable",
}
_ROW = {operation: index * len(OUTCOMES) for index, operation in enumerate(OPERATIONS)}
_INDEX = {outcome: index for index, outcome in enumerate(OUTCOMES)}
_ANSWERED, _ABSENT = _INDEX["answered"], _INDEX["absent"]
_TIMES = len(OPERATIONS) * len(OUTCOMES)
_TIME_OF = {operation: _TIMES + index for index, operation in enumerate(OPERATIONS)}
CELLS = _TIMES + len(OPERATIONS)
CELL_BYTES = 8


class Tally:
    """The counts of all processes of a node.

    Args:
        memory: ``rows * CELLS`` numbers of 8 bytes; shared with the other processes, or this one's own.
        row: the row of this process.
    """

    __slots__ = ("_cells", "_start", "rows")

    def __init__(self, memory: memoryview | None = None, row: int = 0) -> None:
        self._cells = memory if memory is not None else memoryview(bytearray(CELLS * CELL_BYTES)).cast("Q")
        self._start = row * CELLS
        self.rows = len(self._cells) // CELLS

    def count(self, operation: Operation, outcome: Answer | HoldfastError, seconds: float) -> None:
        """Count a request that was answered, and how long that took."""
        cells, start = self._cells, self._start
        if type(outcome) is Answer:  # the fast way for what is most frequent
            index = _ABSENT if outcome.missing else _ANSWERED
        else:
            index = _INDEX[outcome_of(outcome)]
        cells[start + _ROW[operation] + index] += 1
        cells[start + _TIME_OF[operation]] += int(seconds * 1e6)

    def requests(self) -> "Iterator[tuple[Operation, str, int]]":
        """Yield how many requests there were, by operation and outcome."""
        for operation in OPERATIONS:
            for outcome in OUTCOMES:
                yield operation, outcome, self._total(_ROW[operation] + _INDEX[outcome])

    def seconds(self, operation: Operation) -> float:
        """Return how long all requests for an operation took together."""
        return self._total(_TIME_OF[operation]) / 1e6

    def _total(self, cell: int) -> int:
        return sum(self._cells[row * CELLS + cell] for row in range(self.rows))


def outcome_of(outcome: Answer | HoldfastError) -> str:
    """Return what came of a request, as one of ``OUTCOMES``."""
    if isinstance(outcome, Answer):
        return "absent" if outcome.missing else "answered"
    for kind in type(outcome).__mro__:
        if kind in _OUTCOME_OF_KIND:
            return _OUTCOME_OF_KIND[kind]
    return "failed"
