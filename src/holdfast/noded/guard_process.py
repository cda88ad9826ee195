"""Starting the guard of a node's lease, and seeing to it that there is one."""

import subprocess
import sys
import threading
import time
from pathlib import Path

from holdfast.errors import UnavailableError
from holdfast.process.run import SEARCH_PATH
from holdfast.volumes.fence_guard import is_guarded

_MODULE = "holdfast.volumes.fence_guard"
_START_SECONDS = 15.0
_POLL_SECONDS = 0.02


class GuardProcess:
    """The guard of one lease file.

    Args:
        file: the lease file.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._started: subprocess.Popen[bytes] | None = None

    def ensure(self) -> None:
        """Return once there is a guard.

        Raises:
            UnavailableError: there is none, and it cannot be started.
        """
        with self._lock:
            if is_guarded(self._file):
                return
            if self._started is not None:
                self._started.poll()
            self._started = subprocess.Popen(
                [sys.executable, "-I", "-m", _MODULE, str(self._file)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={"LC_ALL": "C", "PATH": SEARCH_PATH},
                cwd="/",
                start_new_session=True,
            )
            deadline = time.monotonic() + _START_SECONDS
            while not is_guarded(self._file):
                if self._started.poll() is not None or time.monotonic() >= deadline:
                    raise UnavailableError("the guard of this node's lease did not start; see the node's log")
                time.sleep(_POLL_SECONDS)
