"""One request as handlers see it, and complete answers as bytes.

Answers are built in one piece, ready to be written: status line, headers that every answer to a
secret's reader needs (``Cache-Control: no-store``, ``X-Content-Type-Options: nosniff``), length and
body. ``Connection`` belongs to the protocol, which adds it where it is needed.
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from functools import lru_cache
from http import HTTPStatus

import msgspec

from holdfast.errors import InternalError

JSON = "application/json"
_NO_CONTENT = 204

ErrorBody = Callable[[int, str, bytes], tuple[str, bytes]]
"""``(status, text, target) -> (content type, body)``: how a wire dialect words an error of the listener.

``target`` is the raw request target as far as it came; it picks the dialect and is not to be echoed.
"""


class Request(msgspec.Struct, gc=False, eq=False):
    """One complete request whose framing was checked; its target and body are still raw.

    A msgspec struct, because its construction costs a third of a plain class's.

    Attributes:
        method: one of GET, PUT, POST, PATCH, DELETE, HEAD, LIST, SCAN.
        target: the raw request target in origin form, not decoded.
        headers: lower-cased names to values; a repeated list header is joined with ``", "``.
        body: the whole body, empty if there was none.
        peer: ``address:port`` of the other end, or ``unix``.
        transport: the connection it came by.
        keep_alive: whether the connection outlives the answer; the protocol's own.
        takes_chunks: whether an answer may be framed as chunks, which HTTP/1.0 does not know.
    """

    method: str
    target: bytes
    headers: dict[bytes, bytes]
    body: bytes
    peer: str
    transport: asyncio.BaseTransport
    keep_alive: bool = True
    takes_chunks: bool = True

    def client_certificate(self) -> bytes | None:
        """Return the verified certificate that the client presented, as DER, or ``None``."""
        tls: ssl.SSLObject | None = self.transport.get_extra_info("ssl_object")
        return None if tls is None else tls.getpeercert(binary_form=True)

    def __repr__(self) -> str:
        return f"Request({self.method}, peer={self.peer})"


def build_response(
    status: int,
    body: bytes = b"",
    *,
    content_type: str = JSON,
    headers: Sequence[tuple[str, str]] = (),
    cache_seconds: int = 0,
) -> bytes:
    """Return a complete HTTP/1.1 answer.

    Args:
        status: the status code; 204 carries neither body nor length.
        body: the body, complete.
        content_type: sent exactly as given; clients compare it as text.
        headers: further header lines.
        cache_seconds: for how long anybody may keep the answer; 0 for what nobody may keep.

    Raises:
        InternalError: a header, or a 204 with a body, would break the framing.
    """
    if status == _NO_CONTENT:
        if body:
            raise InternalError("a 204 answer has no body")
        return b"%b%b\r\n" % (_head(status, ""), _lines(headers) if headers else b"")
    head = _head(status, content_type, cache_seconds)
    if headers:
        return b"%b%bContent-Length: %d\r\n\r\n%b" % (head, _lines(headers), len(body), body)
    return b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)


def build_head(*, chunked: bool) -> bytes:
    """Return the beginning of an answer in parts of JSON, after which the connection is closed."""
    framing = b"Transfer-Encoding: chunked\r\n" if chunked else b""
    return b"%b%bConnection: close\r\n\r\n" % (_head(200, JSON), framing)


def json_error_body(status: int, text: str, target: bytes) -> tuple[str, bytes]:  # noqa: ARG001 - the ErrorBody shape
    """Word an error as the Vault API does: ``{"errors": [text]}``."""
    return JSON, msgspec.json.encode({"errors": [text]})


@lru_cache(maxsize=256)
def _head(status: int, content_type: str, cache_seconds: int = 0) -> bytes:
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = "Unknown"  # 472 and 473 are answers of the health endpoint that no registry names
    content_line = _lines((("Content-Type", content_type),)) if content_type else b""
    status_line = f"HTTP/1.1 {status} {reason}\r\n".encode()
    caching = b"public, max-age=%d" % cache_seconds if cache_seconds else b"no-store"
    always = b"Cache-Control: %b\r\nX-Content-Type-Options: nosniff\r\n" % caching
    return status_line + always + content_line


def _lines(headers: Sequence[tuple[str, str]]) -> bytes:
    """Write header lines, refusing what could end a line early and so split the answer."""
    written = b""
    for name, value in headers:
        if (
            not (name.isascii() and value.isascii() and name.isprintable() and value.isprintable())
            or ":" in name
        ):
            raise InternalError("a response header holds a character that would break the framing")
        written += f"{name}: {value}\r\n".encode()
    return written
