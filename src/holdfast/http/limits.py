"""How much a peer may send, and how long it may take: one value object per listener configuration."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on what one peer may make us hold, and for how long.

    The times are kept by a sweep once a second, so they are met to within about two seconds, never early.

    Attributes:
        head_bytes: request line and header lines together; over it 431.
        line_bytes: the request target (414) or one header line (431).
        header_count: header lines in one request; over it 431.
        body_bytes: the request body after removing chunk framing; over it 413.
        head_seconds: from a request's first byte, or the connection's start, to the last header; then 408.
        body_seconds: from the last header to the end of the body; then 408.
        request_seconds: from the first byte of a request to its answer; then 504.
        idle_seconds: without a request on an open connection; then it is closed.
        connections: open connections of one process; further ones get 503.
        queued_requests: pipelined requests held back before reading pauses.
    """

    head_bytes: int = 16 * 1024
    line_bytes: int = 8 * 1024
    header_count: int = 100
    body_bytes: int = 2 * 1024 * 1024
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    request_seconds: float = 90.0
    idle_seconds: float = 60.0
    connections: int = 4096
    queued_requests: int = 8
