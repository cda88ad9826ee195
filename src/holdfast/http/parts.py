"""An answer that comes in parts: made by a thread, one part after the other, for as long as somebody listens.

    thread   send ... send ... end           waits while the peer does not read
    loop     open, write, hold, go_on        told by the connection (``answers``)

One part at a time is on its way to the connection, so that a peer who reads slowly is waited for and nothing
piles up here. Who takes nothing for too long is cut off: neither memory nor a thread is his for ever. An
answer in parts is the last one of its connection.
"""

import asyncio
import socket
from collections.abc import Callable
from threading import Event

SLOW_SECONDS = 30.0  # how long the thread waits until the peer takes the next part

# A peer that has vanished without a word is noticed within a minute and a half, though nothing is sent to it.
_KEEPALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)


class Parts:
    """One such answer. To be made on the event loop's thread.

    Args:
        head: status line and headers, complete.
        chunked: frame the parts as chunks; without it they end with the connection.

    Attributes:
        over: set when no more parts are wanted: nobody listens, or the server stops.
    """

    def __init__(self, head: bytes, *, chunked: bool) -> None:
        self.over = Event()
        self._head = head
        self._chunked = chunked
        self._loop = asyncio.get_running_loop()
        self._room = Event()
        self._room.set()
        self._transport: asyncio.Transport | None = None
        self._ended: Callable[[], None] = lambda: None
        self._held = False
        self._gone = False

    # -- by the thread --------------------------------------------------------------------------------

    def send(self, part: bytes) -> bool:
        """Send a part, once there is room for it; ``False`` if nobody is there to take it."""
        if not self._gone and not self._room.wait(SLOW_SECONDS):
            self._tell(self._cut)
            self.leave()
        self._room.clear()
        if self._gone:
            return False
        self._tell(self._write, part)
        return True

    def end(self) -> None:
        """Say that this was all."""
        self._tell(self._finish)

    def _tell(self, act: Callable[..., None], *arguments: bytes) -> None:
        try:
            self._loop.call_soon_threadsafe(act, *arguments)
        except RuntimeError:  # the loop is closed, and so is every connection
            self.leave()

    # -- by the loop ----------------------------------------------------------------------------------

    def open(self, transport: asyncio.Transport, *, held: bool, ended: Callable[[], None]) -> None:
        """Begin the answer.

        Args:
            transport: where it goes.
            held: whether the peer does not read at the moment.
            ended: called when all was written.
        """
        self._transport, self._ended, self._held = transport, ended, held
        link = transport.get_extra_info("socket")
        if link is not None and link.family != socket.AF_UNIX:
            for option in _KEEPALIVE:
                link.setsockopt(*option)
        transport.write(self._head)

    def hold(self) -> None:
        """Send nothing for now: the peer does not read."""
        self._held = True

    def go_on(self) -> None:
        """Go on sending."""
        self._held = False
        self._room.set()

    def leave(self) -> None:
        """Forget the peer, who has gone."""
        self._gone = True
        self.over.set()
        self._room.set()

    def _write(self, part: bytes) -> None:
        if self._gone or self._transport is None:
            return
        self._transport.write(b"%x\r\n%b\r\n" % (len(part), part) if self._chunked else part)
        if not self._held:
            self._room.set()

    def _finish(self) -> None:
        if self._gone or self._transport is None:
            return
        if self._chunked:
            self._transport.write(b"0\r\n\r\n")
        self._ended()

    def _cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()
