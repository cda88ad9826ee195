"""A transport that goes nowhere: it keeps what is written, so that the protocol runs without sockets.

Tests and the in-process benchmark drive ``HttpConnection`` through it.
"""

import asyncio
from typing import Any


class MemoryTransport(asyncio.Transport):
    """Collects written bytes and remembers what the protocol asked for.

    Args:
        extra: answers to ``get_extra_info``.
    """

    def __init__(self, extra: dict[str, Any] | None = None) -> None:
        super().__init__(extra or {"peername": ("192.0.2.7", 40_000)})
        self.written: list[bytes] = []
        self.reading = True
        self.half_closed = False
        self.closed = False
        self.aborted = False
        # The benchmark measures the protocol, not this class.
        self.write = self.written.append  # type: ignore[method-assign, assignment]

    def take(self) -> bytes:
        """Return what was written since the last call."""
        taken = b"".join(self.written)
        self.written.clear()
        return taken

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.half_closed = True

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def is_closing(self) -> bool:
        return self.closed
