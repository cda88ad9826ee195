"""Which node a directory is: a file in it, made once. Of two copies of a directory, the older run stops."""

import os
import re
import uuid
from pathlib import Path

from holdfast.errors import InvalidInputError

NAME = "node-identity"
_FORM = re.compile(r"[0-9a-f]{32}")


def read_node_identity(directory: Path) -> str:
    """Return the identity of the node whose directory this is; makes it if there is none.

    Raises:
        InvalidInputError: the file cannot be used, or is not ours.
    """
    path = directory / NAME
    try:
        if not path.exists():
            draft = path.with_name(f".{NAME}.new")
            descriptor = os.open(
                draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
            )
            try:
                os.write(descriptor, uuid.uuid4().hex.encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            draft.replace(path)
        found = path.read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        raise InvalidInputError(f"-s: {NAME} cannot be used ({error.strerror})") from None
    if not _FORM.fullmatch(found):
        raise InvalidInputError(f"-s: {NAME} is not a file of ours")
    return found
