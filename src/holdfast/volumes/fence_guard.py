"""The process that lets go of a node's volumes when the node cannot renew its lease, or is no more.

    python -m holdfast.volumes.fence_guard LEASE_FILE

It outlives the node, as attached volumes do. Once the deadline in the file has passed it cuts everybody off
from the volumes that the file names, and ends the node if that is at work on one. Others wait for twice as
long as a lease lasts, so it is done before they may attach anything. It ends when nothing is left to guard.

There is one for each file: it holds a lock beside it, by which the node sees that it is there.
"""

import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from holdfast.process.log_lines import log_to_stderr
from holdfast.volumes import data_lock, fencing, lease_file, loop, syscalls
from holdfast.volumes.backend import VolumeBackend
from holdfast.volumes.dm_crypt import DmCryptBackend
from holdfast.volumes.errors import VolumeBusyError
from holdfast.volumes.lease_file import LeasedVolume, LeaseState
from holdfast.volumes.luks_fuse import LuksFuseBackend
from holdfast.volumes.plain import PlainBackend

POLL_SECONDS = 0.2

_log = logging.getLogger("holdfast.guard")


def lock_path(file: Path) -> Path:
    """Return the lock of the guard of a lease file."""
    return file.with_suffix(".guard")


def is_guarded(file: Path) -> bool:
    """Whether a guard is there."""
    try:
        return data_lock.is_taken(str(lock_path(file)))
    except FileNotFoundError:
        return False


def main(arguments: list[str]) -> int:
    """Guard one lease file; returns the exit status."""
    log_to_stderr("%(asctime)s %(levelname)s %(name)s: %(message)s")
    file = Path(arguments[0])
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _stay_alive()
    lock = os.open(lock_path(file), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        data_lock.take(lock, 0, readonly=False)
    except VolumeBusyError:
        return 0
    guard = Guard(file, (LuksFuseBackend(), DmCryptBackend(), PlainBackend()))
    while guard.look():
        time.sleep(POLL_SECONDS)
    return 0


class Guard:
    """Watches one lease file.

    Args:
        file: the file.
        backends: all that may have attached a volume.
    """

    def __init__(self, file: Path, backends: Sequence[VolumeBackend]) -> None:
        self._file = file
        self._backends = backends
        self._reported: dict[str, str] = {}  # by volume, since the deadline passed

    def look(self) -> bool:
        """Look at the file, and act if the deadline has passed; returns whether there is more to guard."""
        state = lease_file.read(self._file)
        if state is None:
            return False
        if lease_file.now() < state.deadline:
            self._reported.clear()
            return True
        _end_worker(state)
        cut = [fencing.cut_off(volume, self._backends) for volume in state.volumes]
        problems = [
            self._take_away(volume, problem) for volume, problem in zip(state.volumes, cut, strict=True)
        ]
        # What the node has taken up meanwhile is looked at once more, as is a lease that it could renew.
        return any(problems) or lease_file.read(self._file) != state

    def _take_away(self, volume: LeasedVolume, earlier: str) -> str:
        was_attached = loop.find(volume.uuid) is not None
        problem = fencing.take_away(volume, self._backends)
        if problem and earlier:
            problem = f"{earlier}; {problem}"
        if self._reported.get(volume.id) != problem:
            self._reported[volume.id] = problem
            if problem:
                _log.error("volume %s could not be let go of wholly: %s", volume.id, problem)
            elif was_attached:
                _log.warning("the node's lease ran out: volume %s was taken away", volume.id)
        return problem


def _end_worker(state: LeaseState) -> None:
    """End the node's process if it may be writing to a backing file by itself."""
    if not any(volume.working for volume in state.volumes):
        return
    with contextlib.suppress(ProcessLookupError, OSError):
        handle = os.pidfd_open(state.process)
        try:
            if lease_file.started_at(state.process) == state.process_started:
                _log.warning("the node's lease ran out while it was at work on a volume: the node is ended")
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)


def _stay_alive() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("-1000", encoding="ascii")
    with contextlib.suppress(OSError):
        syscalls.lock_memory()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
