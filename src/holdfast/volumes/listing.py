"""What lies in a mounted volume: names, kinds and sizes, layer by layer, never a byte of content.

Whoever writes to the volume chooses its names, and may exchange directories for links while they are walked.
So every directory is opened from the one above it, by one name, without following a link, and has to be of
the volume's own file system: there is no way out of the volume, whatever is mounted in it or put into it.

A listing is bounded. What goes beyond is left out from the deepest layer on, and the listing says so.
"""

import errno
import os
import stat
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from holdfast.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError

MAX_ENTRIES = 10_000
MAX_DEPTH = 64
MAX_PATH_BYTES = 4 << 20  # of all entries together
MAX_PATH_CHARACTERS = 4096

Parts = tuple[str, ...]

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Kind(StrEnum):
    """What an entry is."""

    DIRECTORY = "Directory"
    FILE = "File"
    LINK = "SymbolicLink"
    OTHER = "Other"  # a device, a socket, a pipe


@dataclass(slots=True)
class Entry:
    """One name.

    Attributes:
        name: the last part of its path; what is no UTF-8 in it is replaced.
        path: from the root of the volume, which is ``/``.
        kind: what it is.
        size: in bytes.
        modified: Unix seconds, whole ones.
        children: what lies in it, as far as it was looked at, by name.
    """

    name: str
    path: str
    kind: Kind
    size: int
    modified: int
    children: list["Entry"] = field(default_factory=list)


@dataclass(slots=True)
class Listing:
    """What was found.

    Attributes:
        root: where the listing begins.
        directories: how many there are below it.
        files: how many entries of other kinds.
        is_cut: whether there is more than was listed, within the depth that was asked for.
    """

    root: Entry
    directories: int = 0
    files: int = 0
    is_cut: bool = False


def list_tree(mount: Path, device: str, path: str, *, depth: int, most: int) -> Listing:
    """Look what lies in a volume.

    Args:
        mount: where it is mounted.
        device: what it is mounted from.
        path: where in the volume to begin; empty for its root.
        depth: how many layers; 0 for all.
        most: how many entries; 0 for as many as there may be.

    Raises:
        InvalidInputError: the path is none, or leads over a link or another file system.
        NotFoundError: there is nothing there.
        ConflictError: something else is mounted over the volume.
        UnavailableError: the volume cannot be read.
    """
    parts = _parts(path)
    try:
        root = os.open(mount, _OPEN)
        try:
            number = os.fstat(root).st_dev
            if number != Path(device).stat().st_rdev:
                raise ConflictError("something else is mounted where the volume is; unmount that first")
            return _Walk(root, number, depth=depth, most=most).walk(parts)
        finally:
            os.close(root)
    except OSError as error:
        raise UnavailableError("the volume cannot be read", detail=str(error)) from None


class _Walk:
    """One listing under way. A directory is opened when its turn has come; none is kept open till then."""

    def __init__(self, root: int, device: int, *, depth: int, most: int) -> None:
        self._root = root
        self._device = device
        self._depth = min(depth or MAX_DEPTH, MAX_DEPTH)
        self._is_bound_asked_for = 0 < depth <= MAX_DEPTH
        self._left = min(most or MAX_ENTRIES, MAX_ENTRIES)
        self._bytes_left = MAX_PATH_BYTES

    def walk(self, parts: Parts) -> Listing:
        listing = Listing(self._first(parts))
        waiting = deque([(listing.root, parts, 1)] if listing.root.kind is Kind.DIRECTORY else [])
        while waiting:
            directory, place, layer = waiting.popleft()
            if layer > self._depth:
                listing.is_cut = listing.is_cut or not self._is_bound_asked_for
                continue
            for name, child in self._children(directory, place, listing):
                directory.children.append(child)
                if child.kind is Kind.DIRECTORY:
                    listing.directories += 1
                    waiting.append((child, (*place, name), layer + 1))
                else:
                    listing.files += 1
        return listing

    def _first(self, parts: Parts) -> Entry:
        try:
            if not parts:
                return _entry("/", "/", os.fstat(self._root))
            with self._opened(parts[:-1]) as above:
                found = os.stat(parts[-1], dir_fd=above, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            raise NotFoundError("path: there is nothing of that name in the volume") from None
        except _ElsewhereError:
            raise InvalidInputError("path: expected no link and no other file system on the way") from None
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise NotFoundError("path: there is nothing of that name in the volume") from None
            raise
        if found.st_dev != self._device:
            raise InvalidInputError("path: expected no link and no other file system on the way")
        return _entry(_shown(parts[-1]), "/" + _shown("/".join(parts)), found)

    def _children(self, directory: Entry, place: Parts, listing: Listing) -> list[tuple[str, Entry]]:
        prefix = directory.path.rstrip("/")
        children = []
        try:
            with self._opened(place) as opened, os.scandir(opened) as names:
                for name in names:
                    path = f"{prefix}/{_shown(name.name)}"
                    self._left -= 1
                    self._bytes_left -= len(path.encode())
                    if self._left < 0 or self._bytes_left < 0:
                        listing.is_cut = True
                        break
                    with suppress(FileNotFoundError):  # removed meanwhile
                        found = name.stat(follow_symlinks=False)
                        children.append((name.name, self._child(_shown(name.name), path, found)))
        except (FileNotFoundError, NotADirectoryError, _ElsewhereError):
            return []  # removed, exchanged or hidden meanwhile, or something is mounted there
        return sorted(children, key=lambda child: child[0])

    def _child(self, name: str, path: str, found: os.stat_result) -> Entry:
        if found.st_dev != self._device:  # something is mounted there, which is nobody's business here
            return Entry(name, path, Kind.DIRECTORY, 0, 0)
        return _entry(name, path, found)

    @contextmanager
    def _opened(self, parts: Parts) -> Iterator[int]:
        """Open a directory of the volume for the length of a block, step by step from the root."""
        here = os.dup(self._root)
        try:
            for part in parts:
                try:
                    below = os.open(part, _OPEN, dir_fd=here)
                except OSError as error:
                    if error.errno == errno.ELOOP or _is_link(part, here):
                        raise _ElsewhereError from None
                    raise
                os.close(here)
                here = below
                if os.fstat(here).st_dev != self._device:
                    raise _ElsewhereError
            yield here
        finally:
            os.close(here)


class _ElsewhereError(Exception):
    """The way leads over a link, or out of the volume's file system."""


def _parts(path: str) -> Parts:
    parts = tuple(path.strip("/").split("/")) if path.strip("/") else ()
    if len(path) > MAX_PATH_CHARACTERS or "\0" in path or not {"", ".", ".."}.isdisjoint(parts):
        raise InvalidInputError(
            "path: expected a path in the volume, in its shortest form, such as /logs/2030"
        )
    return parts


def _is_link(name: str, directory: int) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode)
    except OSError:
        return False


def _entry(name: str, path: str, found: os.stat_result) -> Entry:
    if stat.S_ISDIR(found.st_mode):
        kind = Kind.DIRECTORY
    elif stat.S_ISREG(found.st_mode):
        kind = Kind.FILE
    else:
        kind = Kind.LINK if stat.S_ISLNK(found.st_mode) else Kind.OTHER
    return Entry(name, path, kind, found.st_size, int(found.st_mtime))


def _shown(name: str) -> str:
    """Return a name as text that every reader takes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
