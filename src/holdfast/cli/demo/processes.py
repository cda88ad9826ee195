"""The two daemons of the demo: real processes of this very installation, stopped by process id."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from holdfast.cli.demo.interruption import undisturbed
from holdfast.cli.errors import LocalError
from holdfast.errors import HoldfastError

START_SECONDS = 30.0
STOP_SECONDS = 20.0
# What a daemon may see of our environment; everything that it is told goes by argument or by name.
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "COVERAGE_PROCESS_START")


class Daemon:
    """One daemon: ``holdfast <words>``.

    Args:
        name: for messages.
        words: its arguments.
        log_path: where its output goes.
        environment: what it is told by environment.
    """

    def __init__(
        self, name: str, words: Sequence[str], *, log_path: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.log_path = log_path
        self._words = list(words)
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id; 0 when it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else 0

    def start(self, answers: Callable[[], bool]) -> None:
        """Start it and wait until ``answers`` says that it does.

        Raises:
            LocalError: it ended, or did not answer in time.
        """
        inherited = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        with self.log_path.open("ab") as log, undisturbed():
            self._process = subprocess.Popen(
                [sys.executable, "-m", "holdfast.cli.holdfast", *self._words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=inherited | self._environment,
                start_new_session=True,  # Ctrl-C is ours to handle: we stop it when the demo has cleaned up
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise LocalError(f"the {self.name} ended at once; its log says: {self._last_line()}")
            try:
                if answers():
                    return
            except HoldfastError:
                pass
            time.sleep(0.02)
        raise LocalError(f"the {self.name} did not answer within {START_SECONDS:.0f} s")

    def stop(self) -> None:
        """Stop it as an operator does; kill it if it does not go."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def let_go(self) -> None:
        """Leave it running when this process ends."""
        self._process = None

    def _last_line(self) -> str:
        lines = self.log_path.read_text(errors="replace").strip().splitlines()
        return lines[-1][-300:] if lines else "nothing"


def free_port() -> int:
    """Return a loopback port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
