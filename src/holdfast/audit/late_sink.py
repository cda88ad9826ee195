"""A place that could not be opened when it should have been, and may be later."""

import time
from collections.abc import Callable

from holdfast.audit.errors import AuditSinkError
from holdfast.audit.sink import AuditSink
from holdfast.errors import HoldfastError

PAUSE_SECONDS = 5.0


class LateSink:
    """Refuses all lines until its place can be opened, and then is the sink of that place.

    Args:
        open_sink: opens the place.
        why: what kept it from being opened, in the words of the error.
        clock: the monotonic clock.
    """

    __slots__ = ("_clock", "_next_attempt", "_open_sink", "_sink", "_why")

    def __init__(
        self, open_sink: Callable[[], AuditSink], why: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._open_sink = open_sink
        self._why = why
        self._clock = clock
        self._sink: AuditSink | None = None
        self._next_attempt = clock() + PAUSE_SECONDS

    def write(self, lines: bytes) -> bool:
        """Write lines if the place could be opened by now.

        Raises:
            AuditSinkError: it could not, or it does not take them.
        """
        if self._sink is None and self._clock() >= self._next_attempt:
            self.reopen()
        if self._sink is None:
            raise AuditSinkError(self._why)
        return bool(self._sink.write(lines))

    def reopen(self) -> None:
        """Open the place, or open it again.

        Raises:
            AuditSinkError: it cannot be.
        """
        if self._sink is not None:
            self._sink.reopen()
            return
        self._next_attempt = self._clock() + PAUSE_SECONDS
        try:
            self._sink = self._open_sink()
        except HoldfastError as error:
            self._why = error.message
            raise AuditSinkError(error.message, detail=error.detail) from None

    def close(self) -> None:
        """Let go of the place, if it was opened."""
        if self._sink is not None:
            self._sink.close()
