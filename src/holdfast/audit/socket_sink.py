"""Audit lines to whoever listens at a socket, on this host or another.

Nothing here blocks. What the receiver does not take at once waits here, not for longer than the write
timeout; then the connection is given up, what waited is dropped and said to be lost, and the next attempt to
connect comes after a pause that grows. So a receiver that is slow, dead or away costs others nothing: the
broker waits for it only where no other device took the lines.

A connection that broke is made again at once, one time. A line that was cut in two by it is sent again as a
whole, on a line of its own; what had been handed to the old connection before is not, so it may be missing.
The chains of the lines say both.
"""

import errno
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from math import inf

from holdfast.audit.errors import AuditSinkError
from holdfast.audit.place import SocketPlace

DEFAULT_WRITE_TIMEOUT_SECONDS = 2.0
MAX_WAITING_BYTES = 4 * 1024 * 1024
SHORTEST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0

_GONE = frozenset(
    {errno.EPIPE, errno.ECONNRESET, errno.ECONNREFUSED, errno.ENOTCONN, errno.ECONNABORTED, errno.ENOENT}
)
_NO_ROOM = frozenset({errno.EAGAIN, errno.ENOBUFS})

Frame = Callable[[bytes], bytes]
"""Makes a message for the receiver of a line with its line feed."""


class _Waiting:
    """Bytes on their way, and until when."""

    __slots__ = ("data", "due", "sent")

    def __init__(self, data: bytes, due: float) -> None:
        self.data = data
        self.sent = 0
        self.due = due


class SocketSink:
    """A socket that audit lines are sent to.

    Args:
        place: where to.
        write_timeout: for how many seconds a line may wait for the receiver.
        frame: makes a message of each line; none sends the lines as they are.
        clock: the monotonic clock.

    Attributes:
        due: until when the oldest line that waits may wait; infinite if none does.
        breaks: how often a connection was lost and made anew.

    Raises:
        AuditConfigurationError: the place is none.
    """

    __slots__ = (
        "_address",
        "_clock",
        "_connected_at",
        "_frame",
        "_is_connecting",
        "_is_torn",
        "_next_attempt",
        "_pause",
        "_place",
        "_socket",
        "_timeout",
        "_waiting",
        "_waiting_bytes",
        "_was_connected",
        "breaks",
    )

    def __init__(
        self,
        place: SocketPlace,
        *,
        write_timeout: float = DEFAULT_WRITE_TIMEOUT_SECONDS,
        frame: Frame | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        place.check()
        self._place = place
        self._timeout = write_timeout
        self._frame = frame
        self._clock = clock
        self._address: tuple[socket.AddressFamily, socket.SocketKind, object] | None = None
        self._socket: socket.socket | None = None
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._is_connecting = self._is_torn = self._was_connected = False
        self._next_attempt = 0.0
        self._pause = SHORTEST_PAUSE_SECONDS
        self._connected_at = 0.0
        self.breaks = 0

    @property
    def due(self) -> float:
        """Until when the oldest line that waits may wait, on the clock; infinite if none does."""
        return self._waiting[0].due if self._waiting else inf

    def fileno(self) -> int:
        """Return what can be polled for room; negative if there is nothing to poll."""
        return -1 if self._socket is None else self._socket.fileno()

    def write(self, lines: bytes) -> bool:
        """Send lines as far as the receiver takes them now; whether some still wait.

        Raises:
            AuditSinkError: they are lost, and so is whatever waited before them.
        """
        if self._waiting_bytes + len(lines) > MAX_WAITING_BYTES:
            raise self._given_up("the receiver of an audit device is too slow", "too many lines wait for it")
        due = self._clock() + self._timeout
        for message in self._messages(lines):
            self._waiting.append(_Waiting(message, due))
            self._waiting_bytes += len(message)
        return self.push()

    def push(self) -> bool:
        """Hand over what the receiver takes now; whether lines still wait.

        Raises:
            AuditSinkError: it is away or took too long; what waited is dropped.
        """
        if self._socket is None:
            self._connect()
        elif self._place.is_stream and not self._is_connecting and self._hung_up():
            self._reconnect()
        if not self._is_connecting or self._finish_connecting():
            self._send()
        if self._waiting and self._clock() >= self._waiting[0].due:
            what = "be reached" if self._is_connecting else "take lines"
            raise self._given_up(
                "the receiver of an audit device is too slow", f"it did not {what} within the write timeout"
            )
        return bool(self._waiting)

    def keep_up(self) -> bool:
        """Push what waits, or look whether a receiver that was away is back; whether it is there."""
        try:
            return not self.push()
        except AuditSinkError:
            return False

    def reopen(self) -> None:
        """Connect anew, by the address that the name has now.

        Raises:
            AuditSinkError: the name is not known any more; the sink goes on with what it had.
        """
        self._address = self._place.resolve()
        self._drop_socket()
        self._next_attempt = 0.0

    def close(self) -> None:
        """Send what can be sent at once, and hang up. Safe to call twice."""
        if self._waiting:
            with suppress(AuditSinkError):
                self.push()
        self._forget_waiting()
        self._drop_socket()

    def _messages(self, lines: bytes) -> list[bytes]:
        if self._frame is None and self._place.is_stream:
            return [lines] if lines else []
        messages = lines.splitlines(keepends=True)
        return messages if self._frame is None else [self._frame(message) for message in messages]

    # -- sending -------------------------------------------------------------------------------------------

    def _send(self) -> None:
        repeated = False
        while self._waiting and self._socket is not None:
            head = self._waiting[0]
            try:
                sent = self._socket.send(memoryview(head.data)[head.sent :])
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _NO_ROOM:
                    return
                if error.errno == errno.EMSGSIZE:
                    raise self._too_long() from None
                if repeated or error.errno not in _GONE or self._place.kind == "udp":
                    raise self._given_up("an audit device lost its receiver", error.strerror or "") from None
                repeated = True
                self._reconnect()
                if self._is_connecting and not self._finish_connecting():
                    return
                continue
            head.sent += sent
            if head.sent >= len(head.data) or not self._place.is_stream:
                self._waiting.popleft()
                self._waiting_bytes -= len(head.data)

    def _too_long(self) -> AuditSinkError:
        self._forget_waiting()
        return AuditSinkError(
            "an audit line is longer than a datagram may be", detail="use a socket with connections for it"
        )

    # -- connecting ----------------------------------------------------------------------------------------

    def _connect(self) -> None:
        now = self._clock()
        if now < self._next_attempt:
            self._forget_waiting()
            raise AuditSinkError(
                "the receiver of an audit device is away", detail="it is looked for again in a while"
            )
        try:
            if self._address is None:
                self._address = self._place.resolve()
            family, kind, address = self._address
            self._socket = made = socket.socket(family, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
            if self._place.kind == "tcp":
                made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            code = made.connect_ex(address)  # type: ignore[arg-type]  # of the family's form
        except AuditSinkError as error:
            raise self._given_up(error.message, error.detail) from None
        except OSError as error:
            raise self._given_up("the receiver of an audit device is away", error.strerror or "") from None
        self._is_connecting = code in {errno.EINPROGRESS, errno.EAGAIN}
        if code and not self._is_connecting:
            raise self._given_up("the receiver of an audit device is away", errno.errorcode.get(code, ""))
        if code == errno.EAGAIN:  # a Unix socket whose queue of connections is full: nothing to wait for
            raise self._given_up("the receiver of an audit device takes no connection", "its queue is full")
        if not self._is_connecting:
            self._connected()

    def _finish_connecting(self) -> bool:
        """Say whether the connection stands; raise if it was refused."""
        if self._socket is None:
            return False
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise self._given_up("the receiver of an audit device is away", errno.errorcode.get(code, ""))
        try:
            self._socket.getpeername()
        except OSError:
            return False
        self._connected()
        return True

    def _connected(self) -> None:
        self._is_connecting = False
        self._connected_at = self._clock()
        if self._was_connected:
            self.breaks += 1
        self._was_connected = True
        if self._is_torn:
            # What the receiver has of the line before must not run into the next one.
            self._is_torn = False
            self._waiting.appendleft(_Waiting(b"\n", self._clock() + self._timeout))
            self._waiting_bytes += 1

    def _hung_up(self) -> bool:
        """Whether the receiver has closed the connection; what it says otherwise is of no interest."""
        try:
            return self._socket is not None and not self._socket.recv(4096, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _reconnect(self) -> None:
        """Make the connection anew, and send a line that was cut in two by its end as a whole."""
        if self._waiting and (head := self._waiting[0]).sent:
            if head.data[head.sent - 1 : head.sent] != b"\n":
                self._is_torn = True
            whole = head.data.rfind(b"\n", 0, head.sent) + 1
            self._waiting_bytes -= whole
            head.data, head.sent = head.data[whole:], 0
        self._drop_socket()
        self._connect()

    def _given_up(self, what: str, detail: str) -> AuditSinkError:
        """Hang up, drop what waits and be left alone for a while; return what to raise."""
        if self._waiting and self._waiting[0].sent and self._place.is_stream:
            self._is_torn = True
        self._forget_waiting()
        now = self._clock()
        was_connected = self._socket is not None and not self._is_connecting
        if was_connected and now - self._connected_at > LONGEST_PAUSE_SECONDS:
            self._pause = SHORTEST_PAUSE_SECONDS
        self._drop_socket()
        self._next_attempt = now + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
        return AuditSinkError(what, detail=detail)

    def _forget_waiting(self) -> None:
        self._waiting.clear()
        self._waiting_bytes = 0

    def _drop_socket(self) -> None:
        sock, self._socket = self._socket, None
        self._is_connecting = False
        if sock is not None:
            with suppress(OSError):
                sock.close()
