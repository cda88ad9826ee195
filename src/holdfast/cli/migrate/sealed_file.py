"""A file that is there as a whole and for its owner only, or not at all, and replaces nothing unasked."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from holdfast.cli.errors import LocalError

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE = 0o600

THERE_IS_ONE = "a file of this name is there; --force replaces it"


def check_place(place: Path, *, replace: bool) -> None:
    """Return if a file can be written there, as far as can be told beforehand.

    Raises:
        LocalError: it would replace a file unasked, or something that is no file.
    """
    if not place.parent.is_dir():
        raise LocalError(f"{place}: expected it in a directory that exists")
    try:
        mode = place.lstat().st_mode
    except FileNotFoundError:
        return
    if not replace:
        raise LocalError(f"{place}: {THERE_IS_ONE}")
    if not stat.S_ISREG(mode):
        raise LocalError(f"{place}: expected a plain file in the place to replace")


def write_sealed(place: Path, content: bytes, *, replace: bool) -> None:
    """Write a whole file; see ``sealed_file``."""
    with sealed_file(place, replace=replace) as file:
        file.write(content)


@contextmanager
def sealed_file(place: Path, *, replace: bool) -> Iterator[BinaryIO]:
    """Open a file to be written, which is durable and has its name once the block has ended well.

    Raises:
        LocalError: one has appeared there meanwhile, and was not to be replaced.
        OSError: it cannot be written; what was there stays.
    """
    scratch = place.with_name(f".{place.name}.{token_hex(8)}")
    descriptor = os.open(scratch, _FLAGS, _MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        if not replace:  # a rename would; so the name is taken first, by a file that must be new
            os.close(os.open(place, _FLAGS, _MODE))
        scratch.rename(place)
    except FileExistsError:
        raise LocalError(f"{place}: {THERE_IS_ONE}") from None
    finally:
        scratch.unlink(missing_ok=True)
    directory = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
