"""Forking the processes of a server, and the few facts each of them is born with.

A child starts with default signal handling, except that it ignores SIGINT (Ctrl-C reaches the whole group,
but stopping is the supervisor's decision) and SIGHUP until it has a use for it. It dies with its parent. It
leaves by ``os._exit``, so nothing of the parent's (exit handlers, buffers) runs twice.
"""

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NoReturn, Protocol

from holdfast.errors import HoldfastError
from holdfast.process.defect import describe_defect
from holdfast.process.hardening import die_with_parent
from holdfast.server.shared_counter import SharedCounter

SUPERVISED_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
CRASHED = 70
"""Exit status of a child whose main function raised (EX_SOFTWARE of sysexits)."""

_log = logging.getLogger("holdfast.server")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerContext:
    """What a worker is born with.

    Attributes:
        index: which worker, from 0.
        frames: stream socket to the writer; for ``WriterLink``.
        keys: ``SOCK_SEQPACKET`` socket to the writer; for ``WriterLink``.
        counter: the change counter; read only.
        announce_ready: to be called once the worker listens.
    """

    index: int
    frames: socket.socket
    keys: socket.socket
    counter: SharedCounter
    announce_ready: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterContext:
    """What the writer is born with.

    Attributes:
        control: ``SOCK_SEQPACKET`` socket to the supervisor; for ``WriterLoop``.
        counter: the change counter; the writer moves it.
        announce_ready: to be called once storage is open; workers are started then.
    """

    control: socket.socket
    counter: SharedCounter
    announce_ready: Callable[[], None]


class Closeable(Protocol):
    """Something of the parent's that a child must not keep."""

    def close(self) -> None:
        """Let it go."""
        ...


def fork(main: Callable[[], None], *, closing: Iterable[Closeable]) -> int:
    """Run ``main`` in a child and return its process id.

    Args:
        main: what the child does; its return is the child's success.
        closing: what the child closes first: the parent's sockets, and the other ends of its own.
    """
    parent = os.getpid()
    # A signal that arrives before the child has its own handling would be lost in the parent's.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SUPERVISED_SIGNALS)
    try:
        process = os.fork()
        if process == 0:
            _live(main, closing, parent, before)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return process


def _live(
    main: Callable[[], None], closing: Iterable[Closeable], parent: int, mask: set[int | signal.Signals]
) -> NoReturn:
    status = CRASHED
    try:
        _reset_signals(mask)
        die_with_parent(parent)
        for thing in closing:
            thing.close()
        main()
        status = 0
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException as error:  # noqa: BLE001 - nothing may leave a child but its exit status
        text = f" {error.message}" if isinstance(error, HoldfastError) else ""
        _log.critical("a process of the server ends:%s %s", text, describe_defect(error))
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(status)


def _reset_signals(mask: set[int | signal.Signals]) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
