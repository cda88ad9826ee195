"""The parent of a server's processes: starts them, replaces them, stops them, and knows no secret.

    supervisor ─┬─ writer     opens storage for writing; holds the keyring
                ├─ worker 0   reads storage; holds the keyring; listens
                └─ worker n

The supervisor never opens storage, holds a key or runs an event loop, so that whatever it forks at any time
starts clean. The writer is started first, the workers once it is ready.

    a worker dies     another takes its place and gets the key from the writer; the others do not notice
    the writer dies   all workers end with it; then writer and workers start anew, and the store is sealed
    SIGTERM, SIGINT   workers finish what they were asked, then the writer what they left; a second one kills
    SIGHUP            passed on to all: certificates and audit files are opened again

A process that dies before the server was ready once ends the whole start: its cause is configuration, and
repeating it does not help. Later deaths are answered with a restart, after a pause that grows.
"""

import logging
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from holdfast.server.children import SUPERVISED_SIGNALS, WorkerContext, WriterContext, fork
from holdfast.server.shared_counter import SharedCounter
from holdfast.server.writer_loop import WORKER_ID

FAILED = 1
STEADY_SECONDS = 30.0
SHORTEST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
_AT_ONCE = 0.0

_log = logging.getLogger("holdfast.server")


def run_server(
    *,
    worker_count: int,
    writer_main: Callable[[WriterContext], None],
    worker_main: Callable[[WorkerContext], None],
    on_ready: Callable[[], None] | None = None,
    grace_seconds: float = 10.0,
) -> int:
    """Run a server until it is told to stop, and return its exit status.

    Call it from the main thread of a process that has no other thread, no event loop and no storage open.

    Args:
        worker_count: how many workers, at least 1.
        writer_main: the writer; opens storage, calls ``announce_ready``, runs a ``WriterLoop``.
        worker_main: a worker; makes a ``WriterLink``, waits for the key state, listens, calls
            ``announce_ready``, and returns after SIGTERM or when the writer is lost.
        on_ready: called once, in the supervisor, when all workers listen for the first time.
        grace_seconds: how long requests in flight may take after SIGTERM.

    Returns:
        0 after a stop that was asked for, 1 if the server could not start.
    """
    if worker_count < 1:
        raise ValueError("a server has at least one worker")
    return _Supervisor(worker_count, writer_main, worker_main, on_ready, grace_seconds).run()


@dataclass(slots=True)
class _Child:
    """A process that runs."""

    process: int
    serial: int
    name: str
    started: float = field(default_factory=time.monotonic)
    ready: bool = False
    told_to_end: bool = False

    def kill(self, number: int) -> None:
        """Send a signal; the process cannot have been replaced, since only we reap it."""
        with suppress(ProcessLookupError):
            os.kill(self.process, number)


class _Pauses:
    """How long to wait before the next start of something that keeps dying."""

    def __init__(self) -> None:
        self._pause = SHORTEST_PAUSE_SECONDS

    def after(self, lived_seconds: float) -> float:
        pause = SHORTEST_PAUSE_SECONDS if lived_seconds >= STEADY_SECONDS else self._pause
        self._pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        return pause


class _Supervisor:
    def __init__(
        self,
        worker_count: int,
        writer_main: Callable[[WriterContext], None],
        worker_main: Callable[[WorkerContext], None],
        on_ready: Callable[[], None] | None,
        grace_seconds: float,
    ) -> None:
        self._worker_count = worker_count
        self._writer_main = writer_main
        self._worker_main = worker_main
        self._on_ready = on_ready
        self._grace_seconds = grace_seconds
        self._counter = SharedCounter()
        self._selector = selectors.DefaultSelector()
        self._woken, self._wake = socket.socketpair()
        self._news, self._announce = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control: socket.socket | None = None
        self._writer: _Child | None = None
        self._workers: dict[int, _Child] = {}
        self._serial = 0
        self._starts: dict[int | None, float] = {}  # what is to be started when; None is the writer
        self._pauses: dict[int | None, _Pauses] = {}
        self._kill_at: float | None = None
        self._was_ready = False
        self._stopping = False
        self._status = 0

    def run(self) -> int:
        handlers = {number: signal.signal(number, self._on_signal) for number in SUPERVISED_SIGNALS}
        for sock in (self._woken, self._wake, self._news):
            sock.setblocking(False)
        wakeup = signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._woken, selectors.EVENT_READ, self._on_woken)
        self._selector.register(self._news, selectors.EVENT_READ, self._on_news)
        try:
            self._starts[None] = time.monotonic()
            while not self._is_over():
                self._start_what_is_due()
                for key, _ in self._selector.select(self._patience()):
                    key.data()
                self._reap()
                self._kill_if_overdue()
        finally:
            self._kill_all()
            signal.set_wakeup_fd(wakeup)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            self._close()
        return self._status

    # -- starting -------------------------------------------------------------------------------------

    def _start_what_is_due(self) -> None:
        now = time.monotonic()
        for who, due in tuple(self._starts.items()):
            if due <= now and self._may_start(who):
                del self._starts[who]
                if who is None:
                    self._start_writer()
                else:
                    self._start_worker(who)

    def _start_writer(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        self._serial += 1
        serial = self._serial
        context = WriterContext(
            control=theirs, counter=self._counter, announce_ready=lambda: self._announce_from_child(0, serial)
        )
        process = fork(lambda: self._writer_main(context), closing=(*self._own(), ours))
        theirs.close()
        self._control = ours
        self._selector.register(ours, selectors.EVENT_READ, self._on_control)
        self._writer = _Child(process, serial, "writer")

    def _start_worker(self, index: int) -> None:
        if self._control is None:
            return  # the writer has just ended; its successor starts all workers
        frames, writer_frames = socket.socketpair()
        keys, writer_keys = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._serial += 1
        serial = self._serial
        context = WorkerContext(
            index=index,
            frames=frames,
            keys=keys,
            counter=self._counter,
            announce_ready=lambda: self._announce_from_child(index, serial),
        )
        writer_ends = (writer_frames, writer_keys)
        process = fork(
            lambda: self._worker_main(context), closing=(*self._own(), self._control, *writer_ends)
        )
        self._workers[index] = _Child(process, serial, f"worker {index}")
        with suppress(OSError):  # the writer has just ended; the worker will find its lines closed
            socket.send_fds(
                self._control, [WORKER_ID.pack(index, serial)], [end.fileno() for end in writer_ends]
            )
        for end in (frames, keys, *writer_ends):
            end.close()

    def _own(self) -> tuple[selectors.BaseSelector | socket.socket, ...]:
        """What no child may keep; a child that held it would keep others from noticing our end."""
        return (self._selector, self._woken, self._wake, self._news)

    def _announce_from_child(self, index: int, serial: int) -> None:
        self._announce.send(WORKER_ID.pack(index, serial))

    # -- events ---------------------------------------------------------------------------------------

    def _on_news(self) -> None:
        """Some processes are ready; all of them are heard, since a death is judged by who was."""
        while (serial := self._next_news()) is not None:
            self._note_ready(serial)

    def _next_news(self) -> int | None:
        try:
            _, serial = WORKER_ID.unpack(self._news.recv(WORKER_ID.size))
        except BlockingIOError:
            return None
        return int(serial)

    def _note_ready(self, serial: int) -> None:
        if self._writer is not None and self._writer.serial == serial:
            self._writer.ready = True
            now = time.monotonic()
            self._starts |= dict.fromkeys(range(self._worker_count), now)
            return
        for child in self._workers.values():
            child.ready = child.ready or child.serial == serial
        ready = sum(child.ready for child in self._workers.values())
        if ready == self._worker_count and not self._was_ready and not self._stopping:
            self._was_ready = True
            if self._on_ready is not None:
                self._on_ready()

    def _on_control(self) -> None:
        """The writer has given up on a worker."""
        if self._control is None:
            return
        try:
            message = self._control.recv(WORKER_ID.size)
        except OSError:
            message = b""
        if not message:
            self._forget_control()  # its death is about to be reaped
            return
        index, serial = WORKER_ID.unpack(message)
        child = self._workers.get(index)
        if child is not None and child.serial == serial:
            child.kill(signal.SIGKILL)

    def _on_signal(self, number: int, _frame: object) -> None:
        """Runs between two instructions of ours: only notes what is to be done."""
        if number == signal.SIGHUP:
            for child in self._children():
                child.kill(signal.SIGHUP)
        elif number in {signal.SIGTERM, signal.SIGINT}:
            if self._stopping:
                self._kill_at = _AT_ONCE
            self._stopping = True

    def _on_woken(self) -> None:
        self._woken.recv(4096)

    def _reap(self) -> None:
        for child in self._children():
            if _has_ended(child.process):
                self._on_news()  # what was announced before a death counts as before it
                # Only now: once it is reaped, its number may be another's, who would get our signals.
                _, status = os.waitpid(child.process, 0)
                self._bury(child, os.waitstatus_to_exitcode(status))
        if self._stopping:
            self._go_on_stopping()

    # -- dying ----------------------------------------------------------------------------------------

    def _bury(self, child: _Child, exit_code: int) -> None:
        is_writer = child is self._writer
        if is_writer:
            self._writer = None
            self._forget_control()
        else:
            self._workers = {index: other for index, other in self._workers.items() if other is not child}
        if self._stopping:
            return
        how = f"signal {-exit_code}" if exit_code < 0 else f"status {exit_code}"
        if not self._was_ready:
            _log.critical("the %s ended with %s before the server was ready; giving up", child.name, how)
            self._status = FAILED
            self._stopping = True
        elif is_writer:
            _log.critical("the writer ended with %s: the store is sealed now; starting anew", how)
            self._end(*self._workers.values())
            self._starts = {None: self._due(None, child)}
        elif self._writer is not None:
            index = int(child.name.split()[1])
            _log.error("%s ended with %s; starting another", child.name, how)
            self._starts[index] = self._due(index, child)

    def _due(self, who: int | None, child: _Child) -> float:
        now = time.monotonic()
        return now + self._pauses.setdefault(who, _Pauses()).after(now - child.started)

    # -- stopping -------------------------------------------------------------------------------------

    def _go_on_stopping(self) -> None:
        """Workers first: the writer is needed for what they still have in hand."""
        self._end(*self._workers.values())
        if not self._workers and self._writer is not None:
            self._end(self._writer)

    def _end(self, *children: _Child) -> None:
        """Ask processes to finish, once, and note when that has taken too long."""
        for child in children:
            if not child.told_to_end:
                child.told_to_end = True
                child.kill(signal.SIGTERM)
                if self._kill_at != _AT_ONCE:
                    self._kill_at = time.monotonic() + self._grace_seconds

    def _kill_if_overdue(self) -> None:
        if self._kill_at is None or time.monotonic() < self._kill_at:
            return
        for child in self._children():
            if child.told_to_end or self._kill_at == _AT_ONCE:
                _log.error("%s does not end and is killed", child.name)
                child.kill(signal.SIGKILL)
        self._kill_at = None

    def _kill_all(self) -> None:
        for child in self._children():
            child.kill(signal.SIGKILL)
            os.waitpid(child.process, 0)

    # -- helpers --------------------------------------------------------------------------------------

    def _children(self) -> tuple[_Child, ...]:
        workers = tuple(self._workers.values())
        return workers if self._writer is None else (self._writer, *workers)

    def _is_over(self) -> bool:
        return self._stopping and not self._children()

    def _may_start(self, who: int | None) -> bool:
        """A new writer waits for the last worker of the old one, who may still hold its keys."""
        return not self._stopping and not (who is None and self._workers)

    def _patience(self) -> float | None:
        moments = [due for who, due in self._starts.items() if self._may_start(who)]
        if self._kill_at is not None:
            moments.append(self._kill_at)
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _forget_control(self) -> None:
        if self._control is not None:
            self._selector.unregister(self._control)
            self._control.close()
            self._control = None

    def _close(self) -> None:
        self._forget_control()
        self._selector.close()
        for sock in (self._woken, self._wake, self._news, self._announce):
            sock.close()


def _has_ended(process: int) -> bool:
    """Whether a child of ours has ended; it stays to be reaped."""
    return os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
