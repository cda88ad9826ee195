"""A worker's two lines to the writer: one for changes, one for keys.

Changes travel as frames on a stream socket; all frames of one turn of the event loop leave in one
write, so that the writer can commit them together. Key messages arrive on a ``SOCK_SEQPACKET`` socket, a
message each, into a buffer that is wiped as soon as the worker has made its ciphers from it; the
acknowledgement goes out after that, and never if taking the key failed.

    worker --frames-->  writer      a change, its answer in the same order
    worker <--keys----  writer      KEY message, or NO_KEY in greeting while there is none
    worker --keys---->  writer      one byte for each message that was taken

When the writer ends, both lines do, and the worker must stop answering: nobody keeps its keys true any more.
"""

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Callable

from holdfast.errors import InternalError, UnavailableError
from holdfast.server.frames import READ_BYTES, FrameReader, frame_head

MAX_KEY_MESSAGE_BYTES = 64 * 1024
KEY = b"K"
NO_KEY = b"N"
TAKEN = b"\x06"

MAX_WAITING_BYTES = 256 * 1024 * 1024

_log = logging.getLogger("holdfast.server")


class WriterLink:
    """The worker's ends of both lines.

    First ``wait_for_key_state``, then ``attach`` to the loop, then ``submit``.

    Args:
        frames: stream socket to the writer.
        keys: ``SOCK_SEQPACKET`` socket to the writer.
        on_key_message: takes a key message; the view is wiped and dead when it returns.
        on_writer_lost: called once, when the writer has ended or the worker could not take a key.
    """

    def __init__(
        self,
        frames: socket.socket,
        keys: socket.socket,
        *,
        on_key_message: Callable[[memoryview], None],
        on_writer_lost: Callable[[], None],
    ) -> None:
        self._frames = frames
        self._keys = keys
        self._on_key_message = on_key_message
        self._on_writer_lost = on_writer_lost
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reader = FrameReader()
        self._unanswered: deque[Callable[[bytes], None]] = deque()
        self._outgoing: list[bytes] = []
        self._outgoing_bytes = 0
        self._flush_is_due = False
        self._key_buffer = bytearray(len(KEY) + MAX_KEY_MESSAGE_BYTES)
        self._lost = False

    def wait_for_key_state(self, timeout_seconds: float) -> None:
        """Block until the writer has said what the key is, or that there is none.

        A worker that listened before would claim to be sealed when the store is not.

        Raises:
            UnavailableError: the writer said nothing in time, or has ended.
        """
        self._keys.settimeout(timeout_seconds)
        try:
            self._take_key_message()
        except (OSError, EOFError):
            raise UnavailableError("the writer did not say whether the store is sealed") from None

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Serve both lines from ``loop``."""
        self._loop = loop
        self._frames.setblocking(False)
        self._keys.setblocking(False)
        loop.add_reader(self._frames, self._on_frames_readable)
        loop.add_reader(self._keys, self._on_keys_readable)

    @property
    def unanswered(self) -> int:
        """How many changes wait for their answer."""
        return len(self._unanswered)

    def submit(self, payload: bytes, done: Callable[[bytes], None]) -> None:
        """Send a change; ``done`` gets its answer from the loop, in the order of submission.

        Raises:
            UnavailableError: the writer has ended, or far too much waits for it; nothing was sent.
        """
        if self._lost or self._loop is None:
            raise UnavailableError("the writer is away")
        if self._outgoing_bytes + len(payload) > MAX_WAITING_BYTES:
            raise UnavailableError("too many changes wait for the writer")
        self._outgoing += (frame_head(payload), payload)
        self._outgoing_bytes += len(payload)
        self._unanswered.append(done)
        if not self._flush_is_due:
            self._flush_is_due = True
            self._loop.call_soon(self._flush)

    def close(self) -> None:
        """Hang up. Safe to call twice."""
        if self._lost:
            return
        self._lost = True
        if self._loop is not None:
            for sock in (self._frames, self._keys):
                self._loop.remove_reader(sock)
            self._loop.remove_writer(self._frames)
        self._frames.close()
        self._keys.close()

    def _flush(self) -> None:
        """Send all that waits in one write; what the socket does not take goes when it can."""
        if self._lost or self._loop is None:
            return
        data = b"".join(self._outgoing)
        try:
            sent = self._frames.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._lose()
            return
        self._loop.remove_writer(self._frames)
        if sent == len(data):
            self._outgoing.clear()
            self._outgoing_bytes = 0
            self._flush_is_due = False
        else:
            self._outgoing = [data[sent:]]
            self._outgoing_bytes = len(data) - sent
            self._loop.add_writer(self._frames, self._flush)

    def _on_frames_readable(self) -> None:
        try:
            data = self._frames.recv(READ_BYTES)
            answers = self._reader.feed(data) if data else None
        except BlockingIOError:
            return
        except (OSError, InternalError):
            answers = None
        if answers is None:
            self._lose()
            return
        for answer in answers:
            done = self._unanswered.popleft()
            try:
                done(answer)
            except Exception as error:  # noqa: BLE001 - one request's defect must not take the others' answers
                _log.error("a change was answered, but its request failed: %s", type(error).__name__)

    def _on_keys_readable(self) -> None:
        try:
            self._take_key_message()
        except BlockingIOError:
            return
        except Exception as error:  # noqa: BLE001 - whatever it was, this worker does not have the right key
            if not isinstance(error, OSError | EOFError):
                _log.error("a key message could not be taken: %s", type(error).__name__)
            self._lose()

    def _take_key_message(self) -> None:
        buffer = self._key_buffer
        size, _, flags, _ = self._keys.recvmsg_into([buffer])
        try:
            if size == 0:
                raise EOFError
            if flags & socket.MSG_TRUNC:
                raise InternalError("a key message is over its limit")
            if buffer[:1] == KEY:
                with memoryview(buffer) as whole, whole[1:size] as message:
                    self._on_key_message(message)
        finally:
            buffer[:size] = bytes(size)
        self._keys.send(TAKEN)

    def _lose(self) -> None:
        if self._lost:
            return
        self.close()
        self._on_writer_lost()
