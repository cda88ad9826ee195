"""Where audit lines go."""

from typing import Protocol


class AuditSink(Protocol):
    """A place that takes lines, and says so when it does not.

    Several processes may hold a sink on the same place; what one ``write`` is given stays together.
    """

    def write(self, lines: bytes) -> None:
        """Take complete lines, each ending in a line feed.

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
