"""A directory as a source: one file is one secret, and its name is the file's path in the directory.

Only plain files count, and links are never followed, neither those to files nor those to directories: a link
could bring in what the directory's owner may not read and whoever imports may. Each part of a file's path is
opened below the one before, so that this also holds for what is exchanged while the import runs.
"""

import os
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from holdfast.cli.errors import LocalError
from holdfast.cli.migrate.entry import Entry, refused, value_of
from holdfast.client import DcosValue
from holdfast.errors import TooLargeError
from holdfast.model.path import MAX_DEPTH

LINK = "a link; links are not followed, import what it leads to by its own name"
NO_PLAIN_FILE = "expected a plain file"

_DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe must fail, not wait

Parts = tuple[str, ...]


def entries_of_directory(root: Path, *, trim_newline: bool, max_bytes: int) -> Iterator[Entry]:
    """Yield an entry for everything in a directory that is no directory itself.

    Args:
        root: the directory; a link to one is followed.
        trim_newline: leave out the last newline of texts.
        max_bytes: larger files are not read.

    Raises:
        LocalError: ``root`` cannot be read as a directory.
    """
    try:
        os.close(os.open(root, _DIRECTORY_FLAGS))
    except OSError as error:
        raise LocalError(f"directory: expected one that can be read ({error.strerror})") from None
    waiting: list[Parts] = [()]
    while waiting:
        parent = waiting.pop()
        try:
            found = _list(root, parent)
        except OSError as error:
            yield refused("/".join(parent), f"the directory cannot be read ({error.strerror})")
            continue
        directories = []
        for name, mode in found:
            parts = (*parent, name)
            if stat.S_ISDIR(mode) and len(parts) < MAX_DEPTH:
                directories.append(parts)
            elif stat.S_ISDIR(mode):
                yield refused("/".join(parts), f"expected at most {MAX_DEPTH} directories in one another")
            elif stat.S_ISLNK(mode):
                yield refused("/".join(parts), LINK)
            elif not stat.S_ISREG(mode):
                yield refused("/".join(parts), NO_PLAIN_FILE)
            else:
                read = partial(_read, root, parts, trim_newline=trim_newline, max_bytes=max_bytes)
                yield Entry("/".join(parts), read)
        waiting += reversed(directories)


def _list(root: Path, parts: Parts) -> list[tuple[str, int]]:
    descriptor = _open_below(root, parts, _DIRECTORY_FLAGS)
    try:
        with os.scandir(descriptor) as found:
            return sorted((entry.name, entry.stat(follow_symlinks=False).st_mode) for entry in found)
    finally:
        os.close(descriptor)


def _read(root: Path, parts: Parts, *, trim_newline: bool, max_bytes: int) -> DcosValue:
    try:
        content = _content(root, parts, max_bytes)
    except OSError as error:
        raise LocalError(f"the file cannot be read ({error.strerror})") from None
    value = value_of(content)
    if trim_newline and value.is_text:
        return value_of(without_newline(content))
    return value


def _content(root: Path, parts: Parts, max_bytes: int) -> bytes:
    descriptor = _open_below(root, parts, _FILE_FLAGS)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise LocalError(NO_PLAIN_FILE)
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise TooLargeError(f"file: expected at most {max_bytes} bytes")
    return content


def _open_below(root: Path, parts: Parts, flags: int) -> int:
    """Open something in the directory without following a link on the way; the caller closes it."""
    here = os.open(root, _DIRECTORY_FLAGS)
    for number, part in enumerate(parts, start=1):
        step = flags if number == len(parts) else _DIRECTORY_FLAGS
        try:
            there = os.open(part, step | os.O_NOFOLLOW, dir_fd=here)
        finally:
            os.close(here)
        here = there
    return here


def without_newline(content: bytes) -> bytes:
    r"""Return ``content`` without one ``\n`` or ``\r\n`` at its end."""
    return content.removesuffix(b"\n").removesuffix(b"\r") if content.endswith(b"\n") else content
