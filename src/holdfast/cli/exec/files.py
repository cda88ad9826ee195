"""Secrets as files: a directory in memory, for one user, that ends with the command.

It is made below a file system that never reaches a disk by itself (tmpfs or ramfs; a tmpfs page can be
swapped out on a host that has swap). Directories are 0700, files 0400. A file is replaced by renaming,
so a reader sees the old content or the new, never a part.

A supervisor that is killed with SIGKILL cannot clean up. Its directory stays locked while it lives and
is swept away by the next ``holdfast exec`` of the same user, which finds it unlocked.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from holdfast.cli.errors import LocalError
from holdfast.model import SecretBytes

MEMORY_FILE_SYSTEMS = frozenset({"tmpfs", "ramfs"})
NAME_PREFIX = "holdfast-exec-"
_MODE = 0o400
_DIRECTORY_MODE = 0o700


class SecretsDirectory:
    """The directory of one command; make it with ``secrets_directory``.

    Attributes:
        path: where it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, files: Mapping[str, SecretBytes]) -> None:
        """Write files, each in place of the one before.

        Args:
            files: by path below the directory.
        """
        for name, secret in files.items():
            self._replace(self.path / name, secret)

    def _replace(self, path: Path, secret: SecretBytes) -> None:
        for directory in reversed(path.relative_to(self.path).parents):
            (self.path / directory).mkdir(mode=_DIRECTORY_MODE, exist_ok=True)
        descriptor, scratch = tempfile.mkstemp(dir=self.path)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secret.view())
            os.fchmod(descriptor, _MODE)
        Path(scratch).rename(path)


@contextmanager
def secrets_directory(wanted: Path | None) -> Iterator[SecretsDirectory]:
    """Make a directory for secrets, and remove it with all that is in it.

    Args:
        wanted: where; it must not exist yet. ``None`` for a fresh one in the user's runtime directory.

    Raises:
        LocalError: it exists, or would not be in memory.
    """
    path, lock = _make_named(wanted.absolute()) if wanted else _make_fresh()
    try:
        yield SecretsDirectory(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def _make_named(path: Path) -> tuple[Path, int]:
    _require_memory(path.parent)
    try:
        path.mkdir(mode=_DIRECTORY_MODE)
    except FileExistsError:
        raise LocalError(f"{path}: expected no such directory yet; it is made, and removed again") from None
    return path, _lock(path)


def _make_fresh() -> tuple[Path, int]:
    parent = _runtime_directory()
    _require_memory(parent)
    _sweep(parent)
    while True:
        path = Path(tempfile.mkdtemp(prefix=NAME_PREFIX, dir=parent))
        with suppress(FileNotFoundError):
            lock = _lock(path)
            if os.fstat(lock).st_nlink:
                return path, lock
            os.close(lock)
        # Somebody's sweep came between the making and the lock, and took it for a leftover.


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _require_memory(directory: Path) -> None:
    if file_system_of(directory) not in MEMORY_FILE_SYSTEMS:
        raise LocalError(
            f"{directory}: expected a directory on tmpfs or ramfs, so that no secret reaches a disk"
        )


def file_system_of(directory: Path) -> str:
    """Return the type of the file system that a directory is on, such as ``tmpfs``.

    Raises:
        LocalError: there is no such directory.
    """
    try:
        device = directory.stat().st_dev
    except OSError as error:
        raise LocalError(f"{directory}: expected a directory ({error.strerror})") from None
    number = f"{os.major(device)}:{os.minor(device)}"
    # proc(5): id parent major:minor root mount-point options [tags...] - type source options
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        fields = line.split()
        if fields[2] == number:
            return fields[fields.index("-") + 1]
    return ""


def _runtime_directory() -> Path:
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    return Path(runtime) if runtime and Path(runtime).is_dir() else Path("/dev/shm")  # noqa: S108 - mkdtemp


def _sweep(parent: Path) -> None:
    """Remove what a killed supervisor of this user left behind."""
    for path in parent.glob(f"{NAME_PREFIX}*"):
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if os.fstat(descriptor).st_uid == os.geteuid():
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while its owner lives
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(descriptor)
