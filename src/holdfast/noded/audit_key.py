"""The key of a node's audit chain: 32 bytes in a file of the node's own, made at its first start.

Who can change the log but not read this file cannot hide what was changed. Whoever is root on the node can
do both: lines that have to outlive such a person belong on another machine as well.
"""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from holdfast.audit.chain import chain_key
from holdfast.errors import InvalidInputError

KEY_BYTES = 32
KEY_FILE = "audit.key"


def read_audit_key(directory: Path) -> bytes:
    """Return the chain key of the node whose directory this is; make one if there is none.

    Raises:
        InvalidInputError: the file is not one of ours, or cannot be read or made.
    """
    path = directory / KEY_FILE
    try:
        with suppress(FileExistsError):
            _make(path)
        return chain_key(_read(path))
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be used ({error.strerror})") from None


def _make(path: Path) -> None:
    """Write a fresh key under a name of its own first: a crash leaves a whole key or none."""
    draft = path.with_name(f".{KEY_FILE}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # unlike a rename, never replaces one that is there
    finally:
        draft.unlink()


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        key = file.read(KEY_BYTES + 1)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise InvalidInputError(f"{path}: expected a file of this user that nobody else may read")
    if len(key) != KEY_BYTES:
        raise InvalidInputError(f"{path}: expected {KEY_BYTES} bytes; move it away to have a new key made")
    return key
