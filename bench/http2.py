"""A load of gRPC calls that costs next to nothing to make: frames built once, answers counted by their ends.

A client library in Python would be busier than the server it is to measure. So every call is the same bytes
but for its stream number, and of an answer only the end of its stream is looked at, and whether a message
came: a refusal has none.
"""

import select
import socket
import time
from collections.abc import Sequence

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
_ACK = _END_STREAM = 1
_END_HEADERS = 4
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_EMPTY_MESSAGE = b"\x00\x00\x00\x00\x00"  # not compressed, no bytes
_PIECE = 1 << 18
_LAST_STREAM = (1 << 31) - 1


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return one frame (RFC 9113, 4.1)."""
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def header_block(headers: Sequence[tuple[str, str]]) -> bytes:
    """Return headers as literals that are not indexed (RFC 7541, 6.2.2)."""
    return b"".join(b"\x00" + _text(name.encode()) + _text(value.encode()) for name, value in headers)


def _text(text: bytes) -> bytes:
    if len(text) < 0x7F:
        return bytes((len(text),)) + text
    length, rest = b"\x7f", len(text) - 0x7F
    while rest > 0x7F:
        length += bytes((rest & 0x7F | 0x80,))
        rest >>= 7
    return length + bytes((rest,)) + text


class Load:
    """One connection over which one method is called, so many at a time.

    Args:
        port: of a server on this host.
        method: full name of a method that takes an empty message.
        token: sent along.
        at_once: how many calls are under way.
    """

    def __init__(self, port: int, method: str, token: str, at_once: int) -> None:
        headers = (
            (":method", "POST"),
            (":scheme", "http"),
            (":path", method),
            (":authority", "localhost"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("authorization", f"bearer {token}"),
        )
        block = header_block(headers)
        self._head = frame(HEADERS, _END_HEADERS, 0, block)[:5]
        self._block = block
        self._at_once = at_once
        self._stream = 1
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        window = frame(WINDOW_UPDATE, 0, 0, (1 << 30).to_bytes(4, "big"))
        self._socket.sendall(_PREFACE + frame(SETTINGS, 0, 0) + window)
        self._received = b""
        self._messages = 0

    def run(self, seconds: float) -> tuple[int, float]:
        """Call for so long; return how many answers came, and how long it took.

        Raises:
            RuntimeError: the server refuses a call or the connection.
        """
        self._messages = 0
        started = time.perf_counter()
        until, done = started + seconds, 0
        under_way = self._send(self._at_once)
        while under_way:
            ended = self._receive()
            done += ended
            under_way -= ended
            if ended and time.perf_counter() < until:
                under_way += self._send(ended)
        took = time.perf_counter() - started
        if self._messages != done:
            raise RuntimeError(f"of {done} calls {self._messages} were answered; the others were refused")
        return done, took

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def _send(self, count: int) -> int:
        pieces = []
        for _ in range(count):
            stream = self._stream.to_bytes(4, "big")
            pieces += (
                self._head,
                stream,
                self._block,
                frame(DATA, _END_STREAM, self._stream, _EMPTY_MESSAGE),
            )
            self._stream += 2
            if self._stream > _LAST_STREAM:
                raise RuntimeError("no stream numbers left")
        self._socket.sendall(b"".join(pieces))
        return count

    def _receive(self) -> int:
        select.select((self._socket,), (), ())
        piece = self._socket.recv(_PIECE)
        if not piece:
            raise RuntimeError("the server closed the connection")
        data, at, ended = self._received + piece, 0, 0
        while len(data) - at >= 9:
            size = int.from_bytes(data[at : at + 3], "big")
            if len(data) - at < 9 + size:
                break
            kind, flags = data[at + 3], data[at + 4]
            payload = data[at + 9 : at + 9 + size]
            at += 9 + size
            if kind in {HEADERS, DATA}:
                ended += flags & _END_STREAM
                self._messages += kind == DATA
            elif kind in {RST_STREAM, GOAWAY}:
                raise RuntimeError(f"the server refused (frame {kind})")
            elif kind == SETTINGS and not flags & _ACK:
                self._socket.sendall(frame(SETTINGS, _ACK, 0))
            elif kind == PING and not flags & _ACK:
                self._socket.sendall(frame(PING, _ACK, 0, payload))
        self._received = data[at:]
        return ended
