"""A connection without sockets: feed bytes, look at what comes back, turn the clock by hand."""

from dataclasses import dataclass, field

from holdfast.http.answers import Handler, Reply
from holdfast.http.connections import Connections
from holdfast.http.limits import Limits
from holdfast.http.memory_transport import MemoryTransport
from holdfast.http.message import Request, build_response, json_error_body
from holdfast.http.protocol import HttpConnection


@dataclass
class Wire:
    """One connection, with a handler that echoes what it was asked unless told otherwise.

    With ``hold_answers`` requests pile up in ``waiting`` until the test answers them.
    """

    limits: Limits = field(default_factory=Limits)
    hold_answers: bool = False
    handler: Handler | None = None
    seen: list[Request] = field(default_factory=list)
    waiting: list[tuple[Request, Reply]] = field(default_factory=list)

    def __post_init__(self):
        self.connections = Connections(self.limits)
        self.transport = MemoryTransport()
        self.connection = HttpConnection(self.handler or self._echo, json_error_body, self.connections)
        self.connection.connection_made(self.transport)

    def _echo(self, request, reply):
        self.seen.append(request)
        if self.hold_answers:
            self.waiting.append((request, reply))
        else:
            reply(echo_of(request))

    def send(self, data: bytes, *, piece_bytes: int = 0) -> bytes:
        """Feed ``data``, in pieces of ``piece_bytes`` if given; return what was answered."""
        for start in range(0, len(data), piece_bytes or len(data) or 1):
            self.connection.data_received(data[start : start + (piece_bytes or len(data))])
        return self.transport.take()

    def answer_next(self) -> bytes:
        request, reply = self.waiting.pop(0)
        reply(echo_of(request))
        return self.transport.take()

    def pass_time(self, seconds: float) -> bytes:
        self.connections.sweep(self.connections.now + seconds)
        return self.transport.take()


def echo_of(request: Request) -> bytes:
    return build_response(200, b"%b %b %b" % (request.method.encode(), request.target, request.body))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def answers_in(stream: bytes, *, without_body: bool = False) -> list[Answer]:
    """Split a stream of answers the way a client does: by their lengths."""
    answers = []
    while stream:
        head, _, stream = stream.partition(b"\r\n\r\n")
        status_line, *lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        length = 0 if without_body else int(headers.get("Content-Length", "0"))
        answers.append(Answer(int(status_line.split(" ")[1]), headers, stream[:length]))
        stream = stream[length:]
    return answers


def statuses(stream: bytes) -> list[int]:
    return [answer.status for answer in answers_in(stream)]


def get(target: str = "/v1/a", *headers: str, method: str = "GET") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: store", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def put(body: bytes, target: str = "/v1/a", *headers: str) -> bytes:
    return get(target, f"Content-Length: {len(body)}", *headers, method="PUT") + body
