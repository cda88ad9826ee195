"""One lock per volume, around every change of its header and every attach and detach.

The lock is a file beside the backing file, not the backing file itself: cryptsetup locks that one, and
would wait for us while we wait for it. It is freed by the kernel when its holder dies. The file stays,
empty: unlinking it would let two holders lock two files of one name.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from holdfast.volumes.backend import VolumeFile
from holdfast.volumes.errors import VolumeBusyError

_POLL_SECONDS = 0.02


def lock_path(backing_file: Path) -> Path:
    """Return the lock file of a volume."""
    return backing_file.with_suffix(".lock")


@contextlib.contextmanager
def volume_lock(vol: VolumeFile, *, timeout_seconds: float = 10.0) -> Iterator[None]:
    """Hold the lock of a volume for the length of a block. Not re-entrant.

    Raises:
        VolumeBusyError: somebody else held it for all that time.
    """
    with backing_file_lock(vol.path, timeout_seconds=timeout_seconds):
        yield


@contextlib.contextmanager
def backing_file_lock(backing_file: Path, *, timeout_seconds: float) -> Iterator[None]:
    """Hold the same lock, where only the backing file is known."""
    descriptor = os.open(
        lock_path(backing_file), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
    )
    try:
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise VolumeBusyError("the volume is being changed by somebody else") from None
                time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)
