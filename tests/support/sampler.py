"""What other users of a host, and who looks into files, could see of a node and the programs that it starts.

A thread reads, again and again, the arguments and the environment of every process that began after the
sampler did, and the temporary files that they have open. Nothing is searched for: what a secret was is known
later.
"""

import contextlib
import os
import stat
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Self

MOST_OF_A_FILE = 64 << 10
TEMPORARY = ("/tmp/", "/var/tmp/", "/dev/shm/", "/memfd:")


class Sampler:
    """Samples for the length of a block.

    Args:
        passed_over: directories whose files are meant to hold what is looked for.
        pause_seconds: between two looks; short beside how long a program runs.
    """

    def __init__(self, *passed_over: Path, pause_seconds: float = 0.004) -> None:
        self._pause_seconds = pause_seconds
        self._passed_over = tuple(f"{path}/" for path in passed_over)
        self._before = set(_processes())
        self._seen: set[bytes] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def holds(self, text: bytes) -> bool:
        """Whether a text was anywhere in what was seen."""
        return any(text in seen for seen in self._seen)

    def _run(self) -> None:
        while not self._over.wait(self._pause_seconds):
            for process in _processes():
                if process not in self._before:
                    with contextlib.suppress(OSError):
                        self._look_at(Path("/proc", process))

    def _look_at(self, place: Path) -> None:
        self._seen.update(((place / "cmdline").read_bytes(), (place / "environ").read_bytes()))
        for entry in (place / "fd").iterdir():
            with contextlib.suppress(OSError):
                target = str(entry.readlink())
                if target.startswith(TEMPORARY) and not target.startswith(self._passed_over):
                    self._seen.add(_head_of(entry))


def _head_of(path: Path) -> bytes:
    if not stat.S_ISREG(path.stat().st_mode):
        return b""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.pread(descriptor, MOST_OF_A_FILE, 0)
    finally:
        os.close(descriptor)


def _processes() -> Iterable[str]:
    return [entry.name for entry in Path("/proc").glob("[0-9]*")]
