"""A program that starts real nodes which die (SIGKILL, of themselves) at one chosen moment of their work.

It has all modules loaded and forks, so that a node is up within a moment. It reads one JSON object a line:
the words after ``holdfast``, the environment, the log, and the file that says at which moment to die. It
answers with the process id. ``{"wait": pid}`` is answered with how that process ended. All end with its
standard input.

Moments are counted from when the file is there: before and after each call of ``STEPS``, between which
everything happens that outlives the process, and each time that another program was started and still runs.
If the file names a thread after the moment, only those of that thread count.
"""

import functools
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType

EVERY_STEP = os.environ.get("HOLDFAST_EVERY_STEP") == "1"
STEPS = {
    "holdfast.process.run": ("run",),
    "holdfast.volumes.loop": ("attach", "detach", "take_size"),
    "holdfast.volumes.syscalls": ("mount", "unmount"),
    "holdfast.volumes.pool": (
        *("Pool.create", "Pool.fill", "Pool.publish", "Pool.grow", "Pool.delete"),
        "_remove_draft",
    ),
    "holdfast.volumes.luks_fuse": ("_take_away",),
    "holdfast.volumes.freeze": ("_Freezer.await_frozen", "_Freezer.let_go"),
    "holdfast.volumes.filesystem_change": ("grow_mounted", "grow_unmounted"),
    "holdfast.providers.file": ("FileProvider.put", "FileProvider.destroy", "FileProvider._publish"),
    "holdfast.storage.lmdb_engine": ("LmdbStorage._commit",),
}
LOADED = ("holdfast.cli.holdfast.commands", "holdfast.noded.process", "holdfast.api.sdk.dialect", "uvloop")


class Striker:
    """Counts moments in a node.

    Args:
        path: file with the number of the moment at which to die, and perhaps of which thread; while it is
            absent, none counts.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._owner = os.getpid()
        self._guard = threading.Lock()
        self._left: int | None = None
        self._thread = ""

    def moment(self, name: str) -> None:
        if os.getpid() != self._owner:
            return
        with self._guard:
            if self._left is None:
                try:
                    number, _, self._thread = self._path.read_text().partition(" ")
                except FileNotFoundError:
                    return
                self._left = int(number)
            elif not self._path.exists():
                self._left = None
                return
            if self._thread not in {"", threading.current_thread().name}:
                return
            self._left -= 1
            if not self._left:
                self._path.with_suffix(".at").write_text(name)
                os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, steps: Mapping[str, Iterable[str]] = STEPS) -> None:
        """Put the counting around every step."""
        for place, names in steps.items():
            module = importlib.import_module(place)
            for name in names:
                owner: object = module
                *classes, last = name.split(".")
                for part in classes:
                    owner = getattr(owner, part)
                plain = getattr(owner, last)
                counted = self._around(plain, f"{place}.{name}")
                setattr(owner, last, counted)
                if isinstance(owner, ModuleType):
                    _replace_everywhere(plain, counted)
        started = subprocess.Popen.__init__

        def start(popen, *args, **kwargs):
            started(popen, *args, **kwargs)
            self.moment(f"while {Path(popen.args[0]).name} runs")

        subprocess.Popen.__init__ = start  # type: ignore[method-assign]

    def _around(self, plain, name):
        @functools.wraps(plain)
        def counted(*args, **kwargs):
            self.moment(f"before {name}")
            result = plain(*args, **kwargs)
            self.moment(f"after {name}")
            return result

        return counted


def _replace_everywhere(plain, counted) -> None:
    """Put a function in the place of another wherever it was imported by name."""
    for module in list(sys.modules.values()):
        for name, value in list(vars(module).items()):
            if value is plain:
                setattr(module, name, counted)


def _run_node(asked) -> None:
    log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.setsid()
    os.environ.clear()
    os.environ.update(asked["environment"])
    Striker(Path(asked["strike"])).watch()
    sys.argv = ["holdfast", *asked["words"]]
    from holdfast.cli.holdfast import main

    code = 1
    try:
        code = main()
    finally:
        os._exit(code)


def serve() -> None:
    """Start nodes as told, until standard input ends."""
    for name in (*LOADED, *STEPS):
        importlib.import_module(name)
    children: set[int] = set()
    for line in sys.stdin:
        asked = json.loads(line)
        if "wait" in asked:
            _, status = os.waitpid(asked["wait"], 0)
            children.discard(asked["wait"])
            answer = os.waitstatus_to_exitcode(status)
        else:
            answer = os.fork()
            if answer == 0:
                _run_node(asked)
            children.add(answer)
        print(answer, flush=True)
    for child in children:
        os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    serve()
