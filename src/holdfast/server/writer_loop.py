"""The writer's loop: batches of changes from all workers, keys to all workers.

One turn: read what workers sent, hand up to ``max_batch`` changes to ``apply``, send the answers. While a
batch is being made durable the next one gathers, so commits group by themselves and nobody waits on purpose.
Workers are served in turn, one change each, so that a busy one cannot crowd out the others.

``apply`` must answer every change; it may raise only when the process cannot go on (a failed fsync). That
ends the process, and with it the workers: a store whose writer is in doubt is a sealed store.

Workers come and go. The supervisor passes the ends of a new worker's lines over the control socket; the
worker is greeted with the current key before anything else. A worker that leaves a key message
unacknowledged loses its lines, and the supervisor is told to end it.
"""

import logging
import math
import select
import selectors
import signal
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import Final

from holdfast.errors import InternalError
from holdfast.server.frames import READ_BYTES, FrameReader, frame_head
from holdfast.server.link import KEY, MAX_KEY_MESSAGE_BYTES, NO_KEY

KEY_TIMEOUT_SECONDS = 5.0
GREETING_TIMEOUT_SECONDS = 30.0
MAX_BATCH = 256
MAX_UNREAD_ANSWER_BYTES = 256 * 1024 * 1024

WORKER_ID: Final = struct.Struct(">II")
"""A control message: a worker's index and the serial number of its process. To the writer: here are its
lines. From the writer: end it."""

_log = logging.getLogger("holdfast.server")


class WriterLoop:
    """Serves workers until it is stopped.

    Args:
        control: ``SOCK_SEQPACKET`` socket to the supervisor.
        apply: makes changes durable and returns their answers, in order.
        current_key_message: what a new worker has to know; ``None`` while there is no key. It must already
            return the new message when that is broadcast. A ``bytearray`` is wiped once it was sent, so it
            must be a fresh one.
        on_tick: called about every ``tick_seconds``, between batches; after ``soon_seconds`` if it said so.
        on_reload: called after SIGHUP, between batches.
        tick_seconds: see there.
        soon_seconds: see there.
        max_batch: the most changes handed to ``apply`` at once.
        grace_seconds: how long after ``stop`` workers may still finish.
    """

    def __init__(
        self,
        control: socket.socket,
        *,
        apply: Callable[[list[bytes]], Sequence[bytes]],
        current_key_message: Callable[[], bytes | bytearray | None],
        on_tick: Callable[[], bool] | None = None,
        on_reload: Callable[[], None] | None = None,
        tick_seconds: float = 1.0,
        soon_seconds: float = 1.0,
        max_batch: int = MAX_BATCH,
        grace_seconds: float = 10.0,
    ) -> None:
        self._control = control
        self._apply = apply
        self._current_key_message = current_key_message
        self._on_tick = on_tick
        self._on_reload = on_reload
        self._tick_seconds = tick_seconds
        self._soon_seconds = soon_seconds
        self._max_batch = max_batch
        self._grace_seconds = grace_seconds
        self._workers: deque[_Worker] = deque()
        self._selector = selectors.DefaultSelector()
        self._woken, self._wake = socket.socketpair()
        self._next_tick = 0.0
        self._stop_at: float | None = None
        self._reload_is_due = False
        for sock in (control, self._woken, self._wake):
            sock.setblocking(False)
        self._selector.register(control, selectors.EVENT_READ, self._on_control)
        self._selector.register(self._woken, selectors.EVENT_READ, self._on_woken)

    @property
    def worker_count(self) -> int:
        """How many workers are connected."""
        return len(self._workers)

    def obey_signals(self) -> None:
        """Stop on SIGTERM, reload on SIGHUP; for the main thread of the writer process."""
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGHUP, self._on_signal)

    def stop(self) -> None:
        """Return from ``run`` when the last worker has left, or the grace is over. Safe from any thread."""
        if self._stop_at is None:
            self._stop_at = time.monotonic() + self._grace_seconds
        self._wake_up()

    def run(self) -> None:
        """Serve until stopped, or until the supervisor is gone and the workers with it."""
        self._next_tick = time.monotonic() + self._tick_seconds
        try:
            while not self._is_over():
                for key, events in self._selector.select(self._patience()):
                    key.data(events)
                self._serve_batch()
                self._run_due()
        finally:
            for worker in tuple(self._workers):
                self._let_go(worker)
            self._selector.close()
            self._woken.close()
            self._wake.close()

    def broadcast(self, message: bytes | bytearray, *, timeout_seconds: float = KEY_TIMEOUT_SECONDS) -> None:
        """Give every worker a key message; when this returns, each has taken it or is being ended.

        The message is not copied; the caller wipes it.

        Raises:
            InternalError: the message is over ``MAX_KEY_MESSAGE_BYTES``.
        """
        deadline = time.monotonic() + timeout_seconds
        for worker in tuple(self._workers):
            self._send_key(worker, KEY, message)
        while waiting := [worker for worker in self._workers if worker.untaken]:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                for worker in waiting:
                    self._end_overdue(worker)
                return
            poll = select.poll()
            for worker in waiting:
                poll.register(worker.keys, select.POLLIN)
            poll.poll(remaining * 1000)
            for worker in waiting:
                self._collect_taken(worker)

    # -- workers come and go --------------------------------------------------------------------------

    def _on_control(self, _events: int) -> None:
        while (message := self._next_control_message()) is not None:
            index, serial, frames, keys = message
            self._adopt(_Worker(index, serial, frames, keys))

    def _next_control_message(self) -> tuple[int, int, socket.socket, socket.socket] | None:
        try:
            message, descriptors, flags, _ = socket.recv_fds(
                self._control, WORKER_ID.size, 2, socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return None
        except OSError:
            message, descriptors, flags = b"", [], 0
        if not message:
            self._selector.unregister(self._control)
            self.stop()  # the supervisor is gone; the workers are told so by the kernel
            return None
        ends = [socket.socket(fileno=number) for number in descriptors]
        if flags & socket.MSG_CTRUNC or len(ends) != 2:  # noqa: PLR2004 - the two lines
            raise InternalError("the supervisor passed a worker without its lines")
        index, serial = WORKER_ID.unpack(message)
        return index, serial, ends[0], ends[1]

    def _adopt(self, worker: "_Worker") -> None:
        worker.frames.setblocking(False)
        worker.keys.setblocking(False)
        self._workers.append(worker)
        self._selector.register(worker.keys, selectors.EVENT_READ, lambda _: self._collect_taken(worker))
        self._selector.register(
            worker.frames, selectors.EVENT_READ, lambda events: self._on_frames(worker, events)
        )
        worker.greeted_by = time.monotonic() + GREETING_TIMEOUT_SECONDS
        message = self._current_key_message()
        if message is None:
            self._send_key(worker, NO_KEY, b"")
            return
        self._send_key(worker, KEY, message)
        if isinstance(message, bytearray):
            message[:] = bytes(len(message))

    def _drop(self, worker: "_Worker") -> None:
        """Hang up on a worker, and have the supervisor make sure that it ends."""
        if worker not in self._workers:
            return
        self._let_go(worker)
        with suppress(OSError):  # without a supervisor the kernel ends the worker
            self._control.send(WORKER_ID.pack(worker.index, worker.serial))

    def _let_go(self, worker: "_Worker") -> None:
        self._workers.remove(worker)
        for sock in (worker.frames, worker.keys):
            self._selector.unregister(sock)
            sock.close()

    # -- keys -----------------------------------------------------------------------------------------

    def _send_key(self, worker: "_Worker", kind: bytes, message: bytes | bytearray) -> None:
        if len(message) > MAX_KEY_MESSAGE_BYTES:
            raise InternalError("a key message is over its limit")
        try:
            worker.keys.sendmsg([kind, message])
        except OSError:
            self._drop(worker)
        else:
            worker.untaken += 1

    def _end_overdue(self, worker: "_Worker") -> None:
        _log.error("worker %d did not take a key message in time and is ended", worker.index)
        self._drop(worker)

    def _collect_taken(self, worker: "_Worker") -> None:
        """Count acknowledgements; the end of the line is the end of the worker."""
        while worker in self._workers:
            try:
                acknowledgement = worker.keys.recv(1)
            except BlockingIOError:
                return
            except OSError:
                acknowledgement = b""
            if not acknowledgement:
                self._drop(worker)
                return
            worker.untaken -= 1
            worker.greeted_by = math.inf

    # -- changes --------------------------------------------------------------------------------------

    def _on_frames(self, worker: "_Worker", events: int) -> None:
        if events & selectors.EVENT_WRITE and worker in self._workers:
            self._send_answers(worker)
        if not events & selectors.EVENT_READ or worker not in self._workers:
            return  # or let go earlier in this turn
        try:
            data = worker.frames.recv(READ_BYTES)
            if data:
                worker.changes.extend(worker.reader.feed(data))
        except BlockingIOError:
            return
        except (OSError, InternalError):
            data = b""
        if not data:
            self._drop(worker)

    def _serve_batch(self) -> None:
        batch: list[tuple[_Worker, bytes]] = []
        idle = 0
        while len(batch) < self._max_batch and idle < len(self._workers):
            worker = self._workers[0]
            self._workers.rotate(-1)
            if worker.changes:
                batch.append((worker, worker.changes.popleft()))
                idle = 0
            else:
                idle += 1
        if not batch:
            return
        answers = self._apply([change for _, change in batch])
        for (worker, _), answer in zip(batch, answers, strict=True):
            worker.answers += (frame_head(answer), answer)
        for worker in {worker.serial: worker for worker, _ in batch}.values():
            if worker in self._workers:
                self._send_answers(worker)

    def _send_answers(self, worker: "_Worker") -> None:
        data = b"".join(worker.answers)
        try:
            sent = worker.frames.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(worker)
            return
        rest = data[sent:]
        if len(rest) > MAX_UNREAD_ANSWER_BYTES:
            _log.error("worker %d does not read its answers and is ended", worker.index)
            self._drop(worker)
            return
        worker.answers = [rest] if rest else []
        interest = selectors.EVENT_READ | (selectors.EVENT_WRITE if rest else 0)
        key = self._selector.get_key(worker.frames)
        if key.events != interest:
            self._selector.modify(worker.frames, interest, key.data)

    # -- time and signals -----------------------------------------------------------------------------

    def _is_over(self) -> bool:
        return self._stop_at is not None and (not self._workers or time.monotonic() >= self._stop_at)

    def _patience(self) -> float:
        if any(worker.changes for worker in self._workers):
            return 0.0
        due = self._next_tick if self._stop_at is None else min(self._next_tick, self._stop_at)
        return max(0.0, due - time.monotonic())

    def _run_due(self) -> None:
        if self._reload_is_due:
            self._reload_is_due = False
            if self._on_reload is not None:
                self._on_reload()
        now = time.monotonic()
        if now >= self._next_tick:
            self._next_tick = now + self._tick_seconds
            for worker in tuple(self._workers):
                if worker.greeted_by <= now:
                    self._end_overdue(worker)
            if self._on_tick is not None and self._on_tick():
                self._next_tick = time.monotonic() + self._soon_seconds

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._reload_is_due = True
        else:
            self.stop()

    def _wake_up(self) -> None:
        with suppress(OSError):  # awake already, or over
            self._wake.send(b"\0")

    def _on_woken(self, _events: int) -> None:
        self._woken.recv(4096)


class _Worker:
    """What the writer knows of one worker."""

    __slots__ = ("answers", "changes", "frames", "greeted_by", "index", "keys", "reader", "serial", "untaken")

    def __init__(self, index: int, serial: int, frames: socket.socket, keys: socket.socket) -> None:
        self.index = index
        self.serial = serial
        self.frames = frames
        self.keys = keys
        self.reader = FrameReader()
        self.changes: deque[bytes] = deque()
        self.answers: list[bytes] = []
        self.untaken = 0
        self.greeted_by = math.inf
