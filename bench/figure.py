"""One comparison of a benchmark, and how two things are timed so that it is fair."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One comparison.

    Attributes:
        what: what was done.
        unit: of the two figures.
        measured: ours, or the call with security.
        beside: what stood beside it; 0 for nothing.
        ratio: median of the rounds.
        goal: what it is to be.
    """

    what: str
    unit: str
    measured: float
    beside: float
    ratio: float
    goal: str


def in_turn(
    steps: Mapping[str, Callable[[], object]], rounds: int, times: int = 20
) -> dict[str, list[float]]:
    """Return the microseconds of CPU time that each step took, once for each round.

    The steps take turns within a round, and begin at the other end in every second one. What others do on the
    machine so falls on all of them; time in which this thread did not run does not count.
    """
    found: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(rounds):
        for name in sorted(steps, reverse=number % 2 == 1):
            step = steps[name]
            before = time.thread_time_ns()
            for _ in range(times):
                step()
            found[name].append((time.thread_time_ns() - before) / times / 1e3)
    return found
