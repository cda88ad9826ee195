"""Time as an argument: wall time that never runs backwards, and a clock that tests can turn.

Expiry is stored as wall time, because it must outlive the process. A host whose clock is stepped back must
not bring an expired token back to life, nor keep the others alive for longer. So ``SystemClock`` follows the
wall clock forward, and goes on from where it was, at the pace of the monotonic clock, while that is behind.
"""

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol

_NANOSECONDS_PER_SECOND = 1_000_000_000


class Clock(Protocol):
    """Where rooms get the time from."""

    def now(self) -> float:
        """Return Unix time in seconds; never less than an earlier call returned."""
        ...


class SystemClock:
    """The host's wall clock, held to never run backwards within this process."""

    __slots__ = ("_lead",)

    def __init__(self) -> None:
        self._lead = float("-inf")  # of the wall clock over the monotonic one: the greatest seen so far

    def now(self) -> float:
        """Return Unix time in seconds."""
        # In this order: a pause between the two readings makes the lead smaller, never greater than it is.
        wall, steady = time.time(), time.monotonic()
        self._lead = max(self._lead, wall - steady)
        return steady + self._lead


class ManualClock:
    """A clock that only moves when told to; for tests.

    Args:
        start: Unix time in seconds at which it stands first.
    """

    __slots__ = ("_now",)

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start

    def now(self) -> float:
        """Return the time it was last set to, in Unix seconds."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move forward by ``seconds``; negative values are refused."""
        if seconds < 0:
            raise ValueError("a clock never runs backwards")
        self._now += seconds


def rfc3339(unix_seconds: float) -> str:
    """Write a time as RFC 3339 in UTC with nanosecond digits and ``Z``, as the Vault API does."""
    whole = int(unix_seconds)
    nanoseconds = round((unix_seconds - whole) * _NANOSECONDS_PER_SECOND)
    if nanoseconds >= _NANOSECONDS_PER_SECOND:
        whole, nanoseconds = whole + 1, 0
    return f"{_second(whole)}.{nanoseconds:09d}Z"


@lru_cache(maxsize=256)  # what is written is mostly of this very second
def _second(whole: int) -> str:
    return datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")
