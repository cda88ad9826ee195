"""A real node that dies at a chosen moment of a piece of work, and is started again in no time."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import process_logs
from tests.support.node_process import START_SECONDS, NodeProcess

from holdfast.errors import HoldfastError

PROGRAM = Path(__file__).with_name("striking_program.py")
DEATH_SECONDS = 60


class Starter:
    """The program that nodes are started by; one serves a whole module of tests."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, question: dict[str, object]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=DEATH_SECONDS)
        self._process.stdout.close()


class _Started:
    """As much of a ``Popen`` as ``NodeProcess`` uses."""

    def __init__(self, starter: Starter, pid: int) -> None:
        self._starter, self.pid = starter, pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None and _has_ended(self.pid):
            self.wait()
        return self.returncode

    def wait(self, timeout: float = DEATH_SECONDS) -> int:
        deadline = time.monotonic() + timeout
        while self.returncode is None:
            if _has_ended(self.pid):
                self.returncode = self._starter.ask({"wait": self.pid})
            elif time.monotonic() > deadline:
                raise AssertionError("the node did not end")
            else:
                time.sleep(0.005)
        return self.returncode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


def _has_ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):
        return True


class StrikingNode(NodeProcess):
    """See the module.

    Args:
        starter: what starts it.
        directory: where everything of it goes.
        arguments: further words after ``holdfast node``.
        environment: further environment variables.
    """

    def __init__(
        self, starter: Starter, directory: Path, *arguments: str, environment: dict[str, str]
    ) -> None:
        super().__init__(directory, *arguments, environment=environment)
        self._starter = starter
        self._strike = directory / "strike"
        self._struck = self._strike.with_suffix(".at")

    def start(self) -> None:
        """Start it and wait until it says where it listens."""
        assert self._comes_up(), self._without_start()

    def _without_start(self) -> str:
        return f"the node did not start:\n{self.log_path.read_text()[-2000:]}"

    def _comes_up(self) -> bool:
        """Start it; return whether it lived until it said where it listens."""
        process_logs.note(self.log_path)
        self.ready_file.unlink(missing_ok=True)
        question = {
            "words": self.command()[self.command().index("node") :],
            "environment": self.environment(),
            "log": str(self.log_path),
            "strike": str(self._strike),
        }
        self.process = _Started(self._starter, self._starter.ask(question))  # type: ignore[assignment]
        deadline = time.monotonic() + START_SECONDS
        while not self.ready_file.exists():
            if self.process.poll() is not None:
                return False
            assert time.monotonic() < deadline, self._without_start()
            time.sleep(0.005)
        self.address = json.loads(self.ready_file.read_text())["address"]
        return True

    def struck_at(self) -> str:
        """Return at which moment it died last."""
        return self._struck.read_text()

    @contextmanager
    def counting(self, moment: int, *, thread: str = "") -> Iterator[None]:
        """Have it die at a moment of what is done in the block, perhaps by one of its threads alone."""
        self._struck.unlink(missing_ok=True)
        self._strike.write_text(f"{moment} {thread}")
        try:
            yield
        finally:
            self._strike.unlink()

    def dies_at(self, moment: int, work: Callable[[], object]) -> bool:
        """Do some work; return whether the node died of it."""
        with self.counting(moment):
            self._outlives(work)
        return self._was_struck()

    def dies_unasked_at(self, moment: int, await_done: Callable[[], object], *, thread: str) -> bool:
        """Start it; return whether it died of what a thread does unasked; if not, it is stopped after it."""
        with self.counting(moment, thread=thread):
            if self._comes_up() and self._outlives(await_done):
                self.stop()
        return self._was_struck()

    def _outlives(self, work: Callable[[], object]) -> bool:
        assert self.process is not None
        try:
            work()
        except HoldfastError:
            if not _is_dying(self.process.pid):
                raise
        return not _has_ended(self.process.pid)

    def _was_struck(self) -> bool:
        assert self.process is not None
        # It may have answered in the very moment before its death.
        code = self.process.wait() if self._struck.exists() else self.process.poll()
        assert code in {None, 0, -signal.SIGKILL}, self.log_path.read_text()[-2000:]
        return code == -signal.SIGKILL


def _is_dying(pid: int) -> bool:
    """Whether a process is ending; the connection may be gone a moment before it."""
    deadline = time.monotonic() + DEATH_SECONDS
    while time.monotonic() < deadline:
        if _has_ended(pid):
            return True
        time.sleep(0.005)
    return False
