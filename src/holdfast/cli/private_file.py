"""Files that keep a credential for one user: read only if nobody else can touch them, replaced as a whole.

A link, or a file that somebody else placed there, could make us act with a token that is not ours, or show
ours to them. So a file is used only if it is a plain one, ours, and closed to everybody else.
"""

import os
import stat
from pathlib import Path

from holdfast.cli.errors import LocalError

_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe must fail, not wait
_WRITE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE = 0o600


def read_private(path: Path, *, max_bytes: int) -> bytes | None:
    """Return what a private file holds, ``None`` if there is none.

    Raises:
        LocalError: it is not safe to use, or longer than ``max_bytes``.
    """
    try:
        descriptor = os.open(path, _READ_FLAGS)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LocalError(f"{path}: expected a readable plain file ({error.strerror})") from None
    try:
        _check(os.fstat(descriptor), path)
        content = os.read(descriptor, max_bytes + 1)
    finally:
        os.close(descriptor)
    if len(content) > max_bytes:
        raise LocalError(f"{path}: expected at most {max_bytes} bytes")
    return content


def check_named(path: Path, *, name: str, replace: bool) -> None:
    """Return if a file that a person named can be written there, as far as can be told beforehand.

    What else is in its place would be gone for everybody: ``/dev/null``, say, where root names that.

    Args:
        path: the file.
        name: of the option, for messages.
        replace: whether a plain file may be replaced.

    Raises:
        LocalError: its directory cannot be written to, or what is in its place must stay.
    """
    if not os.access(path.parent, os.W_OK | os.X_OK) or not path.parent.is_dir():
        raise LocalError(f"{name}: cannot be written; expected a file in a directory that you may write to")
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not replace:
        raise LocalError(f"{name}: expected the name of a new file; something of that name is there")
    if not stat.S_ISREG(mode):
        raise LocalError(f"{name}: expected a new file, or a plain one to replace")


def write_private(path: Path, content: bytes | memoryview) -> None:
    """Put ``content`` in the place of what was there.

    The file is complete and readable by its owner only at every moment: it is written beside the old one and
    renamed over it, which also replaces a link instead of following it.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    scratch.unlink(missing_ok=True)
    descriptor = os.open(scratch, _WRITE_FLAGS, _MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        scratch.rename(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def write_new_private(path: Path, content: bytes | memoryview) -> None:
    """Write a file that is readable by its owner only, and that was not there: it takes nobody's place.

    For what cannot be had again: it is on the disk on return.

    Raises:
        OSError: it cannot be written, ``FileExistsError`` if something is there; nothing is left of it.
    """
    descriptor = os.open(path, _WRITE_FLAGS, _MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _check(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise LocalError(f"{path}: expected a plain file")
    if status.st_uid != os.geteuid():
        raise LocalError(f"{path}: expected it to belong to the user who runs this command")
    if status.st_mode & 0o077:
        raise LocalError(f"{path}: others can read it; repair with: chmod 600 {path}")
