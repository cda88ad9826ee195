"""The answering half of a connection: one request at a time to the handler, answers out in order.

At most one request is with the handler; those that arrive meanwhile wait, and reading pauses when too
many do. The last thing in the line may be a refusal, after which nothing follows. Nothing is handed to the
handler while the peer does not read what it was sent.

The handler is called as ``handler(request, reply)`` from the loop and must not block. ``reply`` takes
one complete answer (``message.build_response``), at once or later from the same loop, exactly once; or one
that comes in ``parts``, after which the connection is closed. It belongs to its request alone: a second
answer, or one that comes after the connection has gone, reaches nobody, and never the next request.
"""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable
from functools import partial
from http import HTTPStatus

from holdfast.http.connections import NEVER, SWEEP_SECONDS, Connections
from holdfast.http.message import ErrorBody, Request, build_response
from holdfast.http.parts import Parts
from holdfast.http.refusal import Refusal
from holdfast.http.verbs import ALLOW
from holdfast.process.defect import describe_defect

Reply = Callable[[bytes | Parts], None]
Handler = Callable[[Request, Reply], None]

LINGER_SECONDS = 2.0

_log = logging.getLogger("holdfast.http")


class Answers:
    """The line of requests of one connection.

    Args:
        handler: answers requests.
        error_body: words the listener's own errors.
        connections: limits and time.
        transport: where answers go.

    Attributes:
        ended: whether the last answer was given; nothing is taken any more.
        reading_paused: whether the line was too long to read on.
    """

    __slots__ = (
        "_connections",
        "_current",
        "_deadline",
        "_error_body",
        "_handler",
        "_idle_since",
        "_line",
        "_parts",
        "_serving",
        "_transport",
        "_write",
        "_writing_paused",
        "ended",
        "reading_paused",
    )

    def __init__(
        self, handler: Handler, error_body: ErrorBody, connections: Connections, transport: asyncio.Transport
    ) -> None:
        self._handler = handler
        self._error_body = error_body
        self._connections = connections
        limits = connections.limits
        self._transport = transport
        self._write = transport.write
        self._current: Request | None = None
        self._line: deque[Request | Refusal] = deque()
        self._parts: Parts | None = None
        self._serving = False
        self._writing_paused = False
        self._deadline = NEVER
        self.ended = False
        self.reading_paused = False
        # A connection that has not sent anything yet has only the time of a request head.
        self._idle_since = (
            connections.now - limits.idle_seconds + min(limits.head_seconds, limits.idle_seconds)
        )

    @property
    def owed(self) -> bool:
        """Whether a request was received and not yet answered."""
        return self._current is not None or bool(self._line)

    def take(self, request: Request) -> None:
        """Take a request: to the handler at once, or to the end of the line."""
        if self._current is None and not self._line and not self._writing_paused:
            if not self.ended:
                self._dispatch(request)
        else:
            self._enqueue(request)

    def refuse(self, refusal: Refusal) -> None:
        """Give ``refusal`` as the last answer, after all that came before it."""
        if self._current is None and not self._line and not self._writing_paused:
            self._conclude(refusal)
        else:
            self._enqueue(refusal)

    def invite_body(self) -> None:
        """Tell a client that asked first to send its body, unless an earlier answer is still due."""
        if not self.owed and not self._writing_paused:
            self._write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def finish(self) -> bool:
        """Close after the last request that was received; ``False`` if there is none to wait for."""
        if self._parts is not None:
            self._parts.over.set()  # its end is up to us
        last = self._line[-1] if self._line else self._current
        if isinstance(last, Request):
            last.keep_alive = False
        return last is not None

    def close(self) -> None:
        """Close once all is sent, and at the latest when an idle connection would be."""
        self.ended = True
        self._deadline = self._connections.deadline(self._connections.limits.idle_seconds)
        self._transport.close()

    def close_if_idle(self, now: float) -> None:
        """Close if nothing was asked for too long."""
        if self.owed or self._writing_paused:
            return
        if self._idle_since + self._connections.limits.idle_seconds + SWEEP_SECONDS <= now:
            self.close()

    def abandon(self) -> None:
        """Forget everything: the connection has gone."""
        self.ended = True
        self._current = None
        self._line.clear()
        if self._parts is not None:
            self._parts.leave()

    def pause_writing(self) -> None:
        """Stop answering: the peer does not read."""
        self._writing_paused = True
        self._deadline = self._connections.deadline(self._connections.limits.request_seconds)
        if self._parts is not None:
            self._parts.hold()

    def resume_writing(self) -> None:
        """Go on with what waited."""
        self._writing_paused = False
        if self._parts is not None:
            self._deadline = NEVER
            self._parts.go_on()
        if self._current is None and not self.ended:
            self._deadline = NEVER
        self._serve_line()

    def expire(self, now: float) -> None:
        """Give up on a handler that does not answer, or on a peer that does not read."""
        if self._deadline > now:
            return
        if self.ended or self._writing_paused or self._current is None:
            self._transport.abort()
        else:
            self._current = None
            self._line.clear()
            self._conclude(Refusal(504, "no answer in time; it is not known whether the request took effect"))

    def _dispatch(self, request: Request) -> None:
        self._current = request
        try:
            self._handler(request, partial(self._answer, request))
        except Exception as error:  # noqa: BLE001 - the last resort between a defect and the client
            content_type, body = self._error_body(500, report_defect(error), request.target)
            self._answer(request, build_response(500, body, content_type=content_type))
        if self._current is request:
            self._deadline = self._connections.deadline(self._connections.limits.request_seconds)

    def _answer(self, request: Request, response: bytes | Parts) -> None:
        if request is not self._current or self._parts is not None:
            if not self.ended:
                _log.error("a request was answered twice; the second answer was dropped")
            if isinstance(response, Parts):
                response.leave()
            return
        if isinstance(response, Parts):
            self._begin(request, response)
            return
        self._current = None
        self._deadline = NEVER
        if request.keep_alive and request.method != "HEAD":
            self._write(response)
        else:
            self._answer_unusually(request, response)
        self._idle_since = self._connections.now
        if self._line:
            self._serve_line()

    def _begin(self, request: Request, parts: Parts) -> None:
        """Answer in parts. The request stays the current one until the last of them; nothing follows it."""
        self._parts = parts
        request.keep_alive = False
        self._line.clear()
        self._read_on()  # or nobody would notice that the peer goes
        if not self._writing_paused:
            self._deadline = NEVER
        parts.open(self._transport, held=self._writing_paused, ended=self._end_parts)

    def _end_parts(self) -> None:
        self._parts = self._current = None
        self._line.clear()
        self.close()

    def _answer_unusually(self, request: Request, response: bytes) -> None:
        if request.method == "HEAD":
            response = response[: response.index(b"\r\n\r\n") + 4]
        if request.keep_alive:
            self._write(response)
            return
        self._write(response.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        self._line.clear()
        self.close()

    def _enqueue(self, item: Request | Refusal) -> None:
        if self._parts is not None:
            return
        self._line.append(item)
        if len(self._line) >= self._connections.limits.queued_requests and not self.reading_paused:
            self.reading_paused = True
            self._transport.pause_reading()

    def _serve_line(self) -> None:
        """Work off what waited; a loop, since a handler that answers at once comes back here."""
        if self._serving:
            return
        self._serving = True
        try:
            while self._line and self._current is None and not self._writing_paused:
                item = self._line.popleft()
                if isinstance(item, Refusal):
                    self._conclude(item)
                else:
                    self._dispatch(item)
        finally:
            self._serving = False
        if not self._line:
            self._read_on()

    def _read_on(self) -> None:
        if self.reading_paused and not self._transport.is_closing():
            self.reading_paused = False
            self._transport.resume_reading()

    def _conclude(self, refusal: Refusal) -> None:
        """Send the last answer. The connection lingers, since closing it at once could destroy the answer."""
        self.ended = True
        content_type, body = self._error_body(refusal.status, refusal.text, refusal.target)
        headers = [("Connection", "close")]
        if refusal.status == HTTPStatus.METHOD_NOT_ALLOWED:
            headers.append(("Allow", ALLOW))
        self._write(build_response(refusal.status, body, content_type=content_type, headers=headers))
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._deadline = self._connections.deadline(LINGER_SECONDS)


def report_defect(error: BaseException) -> str:
    """Log an unexpected error, and return what the client may know of it."""
    request_id = secrets.token_hex(8)
    _log.error("request %s failed: %s", request_id, describe_defect(error))
    return f"internal error, request id {request_id}"
