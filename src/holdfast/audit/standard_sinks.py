"""Standard output as an audit device, for whoever collects it; and nowhere at all."""

import os
import select

from holdfast.audit.errors import AuditSinkError

WAIT_MILLISECONDS = 2000
_WHOLE_BYTES = 4096  # what a pipe takes as a whole, so that lines of several processes are not mixed


class StandardOutput:
    """Standard output. A line of up to 4096 bytes stays whole; a longer one may be cut by another process."""

    __slots__ = ("_is_away",)

    def __init__(self) -> None:
        self._is_away = False

    def write(self, lines: bytes) -> bool:
        """Write lines, waiting a little for whoever reads them, once.

        Raises:
            AuditSinkError: nobody does.
        """
        poll = select.poll()
        poll.register(1, select.POLLOUT)
        for line in lines.splitlines(keepends=True):
            for start in range(0, len(line), _WHOLE_BYTES):
                if not poll.poll(0 if self._is_away else WAIT_MILLISECONDS):
                    self._is_away = True  # wait only once for somebody who reads nothing
                    raise AuditSinkError("standard output cannot be written", detail="nobody reads it")
                try:
                    os.write(1, line[start : start + _WHOLE_BYTES])
                except OSError as error:
                    raise AuditSinkError(
                        "standard output cannot be written", detail=error.strerror or ""
                    ) from None
        self._is_away = False
        return False

    def reopen(self) -> None:
        """Do nothing: it is what it is."""

    def close(self) -> None:
        """Leave it open: it is not ours alone."""


class DiscardSink:
    """Takes every line and keeps none, for trying things out."""

    __slots__ = ()

    def write(self, lines: bytes) -> bool:  # noqa: ARG002
        """Take them."""
        return False

    def reopen(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
