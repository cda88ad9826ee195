"""The file that keeps a token between commands.

``~/.holdfast-token`` is written; ``~/.vault-token`` is read too, so that a login made with ``vault``
counts. A token file is used only if it is a plain file of ours that nobody else can read: a link or a
file somebody else placed there could make us act with a token that is not ours, or show ours to them.
"""

import os
import stat
from pathlib import Path

from holdfast.cli.errors import LocalError
from holdfast.model import SecretBytes

OWN_NAME = ".holdfast-token"
READ_NAMES = (OWN_NAME, ".vault-token")
MAX_TOKEN_BYTES = 64 * 1024
_MODE = 0o600


def read_token(home: Path) -> SecretBytes | None:
    """Return the token kept below ``home``, ``None`` if there is none.

    Raises:
        LocalError: a token file is there, and is not safe to use.
    """
    for name in READ_NAMES:
        path = home / name
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise LocalError(f"{path}: expected a readable plain file ({error.strerror})") from None
        try:
            _check(os.fstat(descriptor), path)
            content = os.read(descriptor, MAX_TOKEN_BYTES + 1).strip()
        finally:
            os.close(descriptor)
        if len(content) > MAX_TOKEN_BYTES:
            raise LocalError(f"{path}: expected at most {MAX_TOKEN_BYTES} bytes")
        if content:
            return SecretBytes(content)
    return None


def write_token(home: Path, token: SecretBytes) -> Path:
    """Keep a token below ``home``, in place of the one before; return the file.

    The file is complete and readable by its owner only at every moment: it is written beside the old
    one and renamed over it, which also replaces a link instead of following it.
    """
    path = home / OWN_NAME
    scratch = home / f"{OWN_NAME}.{os.getpid()}"
    scratch.unlink(missing_ok=True)
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(token.view())
        scratch.rename(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    return path


def _check(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise LocalError(f"{path}: expected a plain file")
    if status.st_uid != os.geteuid():
        raise LocalError(f"{path}: expected it to belong to the user who runs this command")
    if status.st_mode & 0o077:
        raise LocalError(f"{path}: others can read it; repair with: chmod 600 {path}")
