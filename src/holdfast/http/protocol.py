"""The receiving half of an HTTP/1.1 connection: bytes in, whole and checked requests out.

What is being received is in one of these phases:

    BETWEEN  no byte of the next message was parsed    -> HEAD
    HEAD     request line and headers are arriving     -> BODY, BETWEEN, or DEAF
    BODY     an announced body is arriving             -> BETWEEN, or DEAF
    DEAF     after the last request or a refusal: what arrives is dropped

Whole requests go to ``Answers``, which keeps their order. The parser is llhttp; the rules that it leaves
to us are in ``refusal``, the verbs that it does not know in ``verbs``. Where such a verb follows another
request in the same segment its place is not known, and it is refused with 400.
"""

import asyncio
from collections.abc import Callable
from typing import cast

import httptools

from holdfast.http.answers import Answers, Handler, report_defect
from holdfast.http.connections import NEVER, SWEEP_SECONDS, Connections
from holdfast.http.message import ErrorBody, Request
from holdfast.http.refusal import (
    Refusal,
    bad_target,
    body_too_large,
    check_body_framing,
    check_one_credential,
    check_sizes,
    check_version,
    head_too_large,
    joined_header,
    too_many_headers,
)
from holdfast.http.verbs import BYTES_TO_LOOK_AT, METHODS, START_BYTES, disguise, opens_with_verb

_BETWEEN, _HEAD, _BODY, _DEAF = range(4)

_DROPPED_BYTES = 64 * 1024 * 1024
_FRAMING_SLACK_BYTES = 64 * 1024
_SLASH, _HASH = b"/#"


class HttpConnection(asyncio.Protocol):
    """The protocol of one connection.

    Args:
        handler: answers requests.
        error_body: words the listener's own errors.
        connections: registry that this connection joins; holds limits and time.
    """

    __slots__ = (
        "_answers",
        "_body",
        "_body_bytes",
        "_chunk_bytes",
        "_connections",
        "_deadline",
        "_error_body",
        "_feed",
        "_handler",
        "_head_allowance",
        "_head_bytes",
        "_headers",
        "_headers_arriving",
        "_held",
        "_hidden_verb",
        "_keep_alive",
        "_limits",
        "_method",
        "_parser",
        "_peer",
        "_phase",
        "_should_keep_alive",
        "_take",
        "_takes_chunks",
        "_target",
        "_transport",
    )

    _answers: Answers
    _take: Callable[[Request], None]
    _parser: httptools.HttpRequestParser
    _feed: Callable[[bytes], None]
    _should_keep_alive: Callable[[], bool]
    _peer: str
    _transport: asyncio.Transport

    def __init__(self, handler: Handler, error_body: ErrorBody, connections: Connections) -> None:
        self._handler = handler
        self._error_body = error_body
        self._connections = connections
        self._limits = connections.limits
        self._head_allowance = self._limits.head_seconds + SWEEP_SECONDS
        self._phase = _BETWEEN
        self._deadline = NEVER
        # The message that is arriving.
        self._held = b""
        self._hidden_verb = ""
        self._chunk_bytes = 0
        self._head_bytes = 0
        self._body_bytes = 0
        self._method = ""
        self._target = b""
        self._headers_arriving: dict[bytes, bytes] = {}
        self._headers: dict[bytes, bytes] = {}
        self._body: bytes | bytearray = b""
        self._keep_alive = True
        self._takes_chunks = True

    # -- called by the transport ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or turn it away if there are too many."""
        self._transport = cast("asyncio.Transport", transport)
        self._answers = Answers(self._handler, self._error_body, self._connections, self._transport)
        self._take = self._answers.take
        self._parser = httptools.HttpRequestParser(self)
        self._feed = self._parser.feed_data
        self._should_keep_alive = self._parser.should_keep_alive
        self._peer = _name_of(transport.get_extra_info("peername"))
        self._deadline = self._connections.deadline(self._limits.head_seconds)
        if not self._connections.add(self):
            self._refuse(Refusal(503, "too many connections"))
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the Protocol's shape
        """Forget everything; a handler that answers later talks to nobody."""
        self._connections.remove(self)
        self._phase = _DEAF
        self._answers.abandon()
        del self._parser, self._feed, self._should_keep_alive  # the parser holds our methods: a cycle

    def data_received(self, data: bytes) -> None:
        """Parse what arrived; the parser calls the ``on_`` methods below."""
        phase = self._phase
        if phase == _BETWEEN:
            if self._held or len(data) < START_BYTES or data[0] in BYTES_TO_LOOK_AT:
                data = self._open_message(data)
                if not data:
                    return
            self._head_bytes = 0
        elif phase == _DEAF:
            self._drop(len(data))
            return
        self._chunk_bytes = len(data)
        try:
            self._feed(data)
        except httptools.HttpParserUpgrade:
            return  # the request was delivered, without keep-alive; the rest would be another protocol
        except httptools.HttpParserError as error:
            self._refuse(self._explain(error, data))
            return
        if self._phase != _BETWEEN:
            self._count(len(data))

    def eof_received(self) -> bool:
        """Keep a half-closed connection open as long as an answer is owed."""
        self._phase = _DEAF
        return self._answers.finish() and self._transport.can_write_eof()

    def pause_writing(self) -> None:
        """Stop answering while the peer does not read."""
        self._answers.pause_writing()

    def resume_writing(self) -> None:
        """Go on answering."""
        self._answers.resume_writing()

    # -- called by the registry -----------------------------------------------------------------------

    def expire(self, now: float) -> None:
        """End what has run out of time."""
        self._answers.expire(now)
        if self._answers.ended or self._phase == _DEAF:
            return
        if self._phase == _BETWEEN and not self._held:
            self._answers.close_if_idle(now)
        elif self._answers.reading_paused:
            self._deadline = self._connections.deadline(self._limits.body_seconds)
        elif self._deadline <= now:
            self._refuse(Refusal(408, "the request did not arrive in time"))

    def finish(self) -> None:
        """Answer what was received, or is being received now, then close."""
        self._should_keep_alive = _no
        self._keep_alive = False
        if not self._answers.finish() and self._phase == _BETWEEN:
            self._answers.close()

    def abort(self) -> None:
        """Close at once, dropping what was not sent."""
        self._transport.abort()

    # -- called by the parser -------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Start the clock of a request."""
        if self._phase == _DEAF:
            raise Refusal(400, "expected nothing after the last request")
        self._phase = _HEAD
        if not self._held:  # then the clock runs since those bytes
            self._deadline = self._connections.now + self._head_allowance

    def on_url(self, piece: bytes) -> None:
        """Gather the target, which may come in pieces."""
        self._target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """Gather a header. Trailers come here too, but into a dictionary that nobody reads."""
        name = name.lower()
        headers = self._headers_arriving
        if name in headers:
            value = joined_header(name, headers[name], value, self._limits)
        headers[name] = value

    def on_headers_complete(self) -> None:
        """Judge the head, before any of the body is taken."""
        headers = self._headers = self._headers_arriving
        self._headers_arriving = {}
        method = self._hidden_verb or METHODS.get(self._parser.get_method())
        if method is None:
            raise Refusal(405, "method not allowed")
        self._method = method
        if self._target[0] != _SLASH or _HASH in self._target:
            raise bad_target()
        if self._chunk_bytes > self._limits.line_bytes or self._head_bytes > 0:
            check_sizes(self._target, headers, self._limits)
        if len(headers) > self._limits.header_count:
            raise too_many_headers(self._limits)
        self._keep_alive = keep_alive = self._should_keep_alive()
        if not keep_alive or b"connection" in headers:  # otherwise it can only be 1.1
            self._check_version(headers)
        elif b"host" not in headers:
            raise Refusal(400, "expected a Host header")
        if b"x-vault-token" in headers and b"authorization" in headers:
            check_one_credential(headers)
        if b"content-length" in headers or b"transfer-encoding" in headers:
            self._expect_body(headers)
        if b"upgrade" in headers and self._parser.should_upgrade():
            self._decline_upgrade(headers)

    def on_body(self, piece: bytes) -> None:
        """Gather the body, within its limit."""
        body = self._body
        if len(body) + len(piece) > self._limits.body_bytes:
            raise body_too_large(self._limits)
        if not body:
            self._body = piece
        elif isinstance(body, bytearray):
            body += piece
        else:
            self._body = bytearray(body + piece)

    def on_message_complete(self) -> None:
        """Hand the request on, and be ready for the next."""
        body = self._body
        if isinstance(body, bytearray):
            body = bytes(body)
        request = Request(
            self._method,
            self._target,
            self._headers,
            body,
            self._peer,
            self._transport,
            self._keep_alive,
            self._takes_chunks,
        )
        self._phase = _BETWEEN if request.keep_alive else _DEAF
        self._head_bytes = -self._chunk_bytes  # the rest of this chunk counts for nothing
        self._target = self._body = self._held = b""
        self._hidden_verb = ""
        if self._headers_arriving:
            self._headers_arriving = {}  # trailers
        self._take(request)

    # -- the less usual ways --------------------------------------------------------------------------

    def _open_message(self, data: bytes) -> bytes:
        """Return the start of a message as the parser shall see it; empty if there is nothing to parse."""
        if self._held:
            data = self._held + data
        if len(data) < START_BYTES:
            if not self._held:
                self._deadline = self._connections.deadline(self._limits.head_seconds)
            self._held = data
            return b""
        if data[0] in BYTES_TO_LOOK_AT:
            if data[0] in b"\r\n":
                self._refuse(Refusal(400, "expected a request line, found a blank line"))
                return b""
            self._hidden_verb, data = disguise(data)
        return data

    def _check_version(self, headers: dict[bytes, bytes]) -> None:
        version = self._parser.get_http_version()
        if version != "1.1":
            check_version(version, headers)
            self._keep_alive = False  # such a client would have to be told otherwise
            self._takes_chunks = False
        elif b"host" not in headers:
            raise Refusal(400, "expected a Host header")

    def _expect_body(self, headers: dict[bytes, bytes]) -> None:
        check_body_framing(headers, self._limits)
        self._phase = _BODY
        self._body_bytes = 0
        self._deadline = self._connections.deadline(self._limits.body_seconds)
        if b"expect" in headers:
            self._answers.invite_body()

    def _decline_upgrade(self, headers: dict[bytes, bytes]) -> None:
        """Answer as if none was asked for, which HTTP allows. llhttp drops a body here: refuse one."""
        if self._phase == _BODY and headers.get(b"content-length") != b"0":
            raise Refusal(400, "expected no Upgrade on a request with a body")
        self._keep_alive = False

    def _count(self, chunk_bytes: int) -> None:
        """Bound what is neither a whole head nor body: an unfinished head, chunk extensions, trailers."""
        if self._phase == _HEAD:
            self._head_bytes += chunk_bytes
            if self._head_bytes > self._limits.head_bytes:
                self._refuse(head_too_large(self._limits))
        elif self._phase == _BODY:
            self._body_bytes += chunk_bytes
            if self._body_bytes > 2 * self._limits.body_bytes + _FRAMING_SLACK_BYTES:
                self._refuse(body_too_large(self._limits))

    def _drop(self, chunk_bytes: int) -> None:
        self._body_bytes += chunk_bytes
        if self._body_bytes > _DROPPED_BYTES:
            self._transport.abort()

    def _explain(self, error: httptools.HttpParserError, data: bytes) -> Refusal:
        """Turn what stopped the parser into the answer to it."""
        if isinstance(error, httptools.HttpParserCallbackError):
            cause = error.__context__
            return cause if isinstance(cause, Refusal) else Refusal(500, report_defect(cause or error))
        if isinstance(error, httptools.HttpParserInvalidMethodError):
            at_start = self._head_bytes == 0
            if at_start and opens_with_verb(data):
                return Refusal(405, "method not allowed")
        return Refusal(400, "malformed HTTP request")

    def _refuse(self, refusal: Refusal) -> None:
        """Let ``refusal`` be the last answer, and read no further."""
        if self._phase == _DEAF:
            return
        self._phase = _DEAF
        self._body_bytes = 0
        refusal.target = self._target
        self._answers.refuse(refusal)


def _name_of(peer: object) -> str:
    if not isinstance(peer, tuple):
        return "unix"
    host, port = peer[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _no() -> bool:
    return False
