"""Where audit lines go."""

from typing import Protocol, runtime_checkable


class AuditSink(Protocol):
    """A place that takes lines, and says so when it does not.

    Several processes may hold a sink on the same place; what one ``write`` is given stays together.
    """

    def write(self, lines: bytes) -> bool | None:
        """Take complete lines, each ending in a line feed.

        Returns:
            Whether some of them still wait for the place to take them; only a ``PatientSink`` has lines wait.

        Raises:
            AuditSinkError: they were not taken, or not all of them.
        """
        ...

    def reopen(self) -> None:
        """Let go of the place and open it again, as after log rotation.

        Raises:
            AuditSinkError: it cannot be opened; the sink goes on with what it had.
        """
        ...

    def close(self) -> None:
        """Let go of the place. Safe to call twice."""
        ...


@runtime_checkable
class PatientSink(Protocol):
    """A sink whose place may be slow or away: it never blocks, and gives up by itself when time is up.

    Attributes:
        due: until when the oldest line that waits may wait, on the monotonic clock; infinite if none does.
        breaks: how often the way to the place was lost and found again.
    """

    due: float
    breaks: int

    def fileno(self) -> int:
        """Return what can be polled for room; negative if there is nothing to poll."""
        ...

    def push(self) -> bool:
        """Hand over what the place takes now; whether lines still wait.

        Raises:
            AuditSinkError: the place is gone, or took too long; what waited is dropped.
        """
        ...

    def keep_up(self) -> bool:
        """Push, or look for a place that was lost; whether it is there. Never raises for being away."""
        ...
