"""Stays beside a running command: passes signals on, follows it in and out of the terminal, restarts it.

What whoever started us can tell from outside is what the command did: its exit code, or 128 and the
number of the signal that ended it. TERM, INT, HUP, QUIT, USR1, USR2 and WINCH sent to us go to the command;
what the terminal sends goes to the command directly, because the command has the terminal. When Ctrl-Z
stops the command we stop too, and go on together. Every child is waited for, also those that a process
with number 1 inherits.

All signals named here are blocked before anything is started and taken one at a time from there, so that
none arrives between two steps. The order for a change is: prepare the new start, write the files, react.
A change that cannot be delivered is told, and the command goes on with what it has.
"""

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from holdfast.cli.exec.errors import NotExecutableError
from holdfast.cli.exec.launch import Launch
from holdfast.cli.exec.reaction import Kind, Reaction
from holdfast.cli.exec.sources import Delivery
from holdfast.cli.exec.terminal import Terminal
from holdfast.cli.exec.watcher import Change, Watcher
from holdfast.cli.output import remark
from holdfast.errors import HoldfastError

PASSED_ON = frozenset(
    {
        signal.SIGTERM,
        signal.SIGINT,
        signal.SIGHUP,
        signal.SIGQUIT,
        signal.SIGUSR1,
        signal.SIGUSR2,
        signal.SIGWINCH,
    }
)
ENDING = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT})
_WAKE = signal.SIGRTMIN  # from the watcher's thread
_AWAITED = PASSED_ON | {signal.SIGCHLD, signal.SIGCONT, signal.SIGTSTP, _WAKE}
_SIGNAL_EXIT_BASE = 128


def hold_signals() -> set[int]:
    """Block what the supervisor handles, for the rest of this process; return the mask of before.

    SIGTTOU is held too, so that the terminal can be taken back from the background.
    """
    return set(signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED | {signal.SIGTTOU}))


def waker() -> Callable[[], None]:
    """Return what another thread calls to have the calling thread's supervisor look at its watcher."""
    supervising = threading.get_ident()
    return lambda: signal.pthread_kill(supervising, _WAKE)


class Supervisor:
    """One command and its successors.

    Args:
        mask: what ``hold_signals`` returned; the command starts with it.
        prepare: makes a start of the command out of changed secrets.
        write_files: gives files their new content.
        run_helper: starts the command of ``run:``, told the process id of ours; returns its process id.
        reaction: what a change sets off.
        grace_seconds: how long a command may take to end before it is killed.
    """

    def __init__(
        self,
        *,
        mask: set[int],
        prepare: Callable[[Delivery], Launch],
        write_files: Callable[[Delivery], None],
        run_helper: Callable[[int], int],
        reaction: Reaction,
        grace_seconds: float,
    ) -> None:
        self._mask = mask
        self._prepare = prepare
        self._write_files = write_files
        self._run_helper = run_helper
        self._reaction = reaction
        self._grace_seconds = grace_seconds
        self._terminal = Terminal()
        self._child = 0
        self._successor: Launch | None = None
        self._kill_at: float | None = None
        self._helper = 0
        self._helper_is_due = False
        self._code: int | None = None

    def run(self, launch: Launch, watcher: Watcher | None) -> int:
        """Start the command, stay until it ends for good, and return its exit code.

        Raises:
            NotExecutableError: it cannot be started.
        """
        self._start(launch)
        if watcher:
            watcher.start()
        while self._code is None:
            number = self._next_signal()
            if number is None:
                self._kill()
            elif number == signal.SIGCHLD:
                self._reap()
            elif number == signal.SIGCONT:
                self._resume()
            elif number == signal.SIGTSTP:  # sent to us, or typed before the terminal was lent
                os.killpg(self._child, signal.SIGTSTP)
            elif number == _WAKE:
                if watcher:
                    self._change(watcher.changes.get())
            else:
                self._pass_on(signal.Signals(number))
        if self._helper:
            os.killpg(self._helper, signal.SIGTERM)
        return self._code

    def _next_signal(self) -> int | None:
        """Return the next signal, ``None`` when the time has come to kill the command."""
        if self._kill_at is None:
            return signal.sigwaitinfo(_AWAITED).si_signo
        info = signal.sigtimedwait(_AWAITED, max(0.0, self._kill_at - time.monotonic()))
        return info.si_signo if info else None

    def _start(self, launch: Launch) -> None:
        self._child = launch.start(mask=self._mask)
        self._kill_at = None
        self._terminal.lend(self._child)

    def _pass_on(self, number: signal.Signals) -> None:
        if number in ENDING and self._successor:  # who wants us to end does not want a restart
            self._successor.close()
            self._successor = None
        os.kill(self._child, number)

    def _kill(self) -> None:
        self._kill_at = None
        os.killpg(self._child, signal.SIGKILL)

    def _reap(self) -> None:
        """Wait for every child that has ended or stopped; one SIGCHLD may stand for several."""
        while self._code is None:
            try:
                process, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return
            if not process:
                return
            if process == self._child:
                if os.WIFSTOPPED(status):
                    self._follow_stop(os.WSTOPSIG(status))
                else:
                    self._ended(os.waitstatus_to_exitcode(status))
            elif process == self._helper and not os.WIFSTOPPED(status):
                self._helper_ended(os.waitstatus_to_exitcode(status))

    def _ended(self, code: int) -> None:
        self._terminal.take_back()
        successor, self._successor = self._successor, None
        if successor:
            self._start(successor)
        else:
            self._code = code if code >= 0 else _SIGNAL_EXIT_BASE - code

    def _follow_stop(self, number: int) -> None:
        if number == signal.SIGSTOP:
            return  # whoever sent it to the command alone will let it go on
        if number != signal.SIGTSTP and self._terminal.lend(self._child):
            self._continue()  # it asked for the terminal a moment before it was lent
            return
        self._terminal.take_back()
        # Stops us here until a shell lets the job go on. Where no shell could, the system ignores it.
        signal.raise_signal(signal.SIGTSTP)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTSTP})
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTSTP})
        self._resume()

    def _resume(self) -> None:
        self._terminal.lend(self._child)
        self._continue()

    def _continue(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._child, signal.SIGCONT)

    def _change(self, change: Change) -> None:
        remark(f"holdfast exec: changed: {'; '.join(change.changed)}")
        try:
            launch = self._prepare(change.delivery) if self._reaction.kind is Kind.RESTART else None
            self._write_files(change.delivery)
        except (HoldfastError, OSError) as error:
            reason = error.message if isinstance(error, HoldfastError) else error.strerror
            remark(f"holdfast exec: the change is not delivered, the command goes on: {reason}")
            return
        if launch:
            if self._successor:
                self._successor.close()
            self._successor = launch
        self._react()

    def _react(self) -> None:
        if self._reaction.kind in {Kind.RESTART, Kind.EXIT}:
            self._stop()
        elif self._reaction.kind is Kind.SIGNAL and self._reaction.signal:
            os.kill(self._child, self._reaction.signal)
        elif self._reaction.kind is Kind.RUN:
            self._start_helper()

    def _stop(self) -> None:
        if self._kill_at is None:
            self._kill_at = time.monotonic() + self._grace_seconds
            os.kill(self._child, signal.SIGTERM)
            self._continue()  # a stopped command could not end

    def _start_helper(self) -> None:
        if self._helper:  # one at a time: the next one starts when this one has ended
            self._helper_is_due = True
            return
        try:
            self._helper = self._run_helper(self._child)
        except NotExecutableError as error:
            remark(f"holdfast exec: run: {error.message}")

    def _helper_ended(self, code: int) -> None:
        self._helper = 0
        if code:
            remark(f"holdfast exec: the command of run: ended with status {code}")
        if self._helper_is_due:
            self._helper_is_due = False
            self._start_helper()
