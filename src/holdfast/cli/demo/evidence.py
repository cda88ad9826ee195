"""Looking at bytes on disk: does a file give away what the volume holds? Is a tree the same again?"""

import errno
import hashlib
import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SAMPLE_BYTES = 24  # long enough that random ciphertext never holds one
SAMPLES_PER_FILE = 5
SHORTEST_NAME = 8  # shorter names turn up in random bytes by chance


@dataclass(frozen=True, slots=True)
class Tree:
    """What a directory holds.

    Attributes:
        digests: SHA-256 of each file by its path below the directory.
        file_bytes: size of all files together.
    """

    digests: dict[str, str]
    file_bytes: int


def read_tree(root: Path) -> Tree:
    """Read every regular file below ``root``; ``lost+found`` of a file system is not content."""
    digests: dict[str, str] = {}
    total = 0
    for path in _files(root):
        content = path.read_bytes()
        digests[str(path.relative_to(root))] = hashlib.sha256(content).hexdigest()
        total += len(content)
    return Tree(digests, total)


def samples_of(root: Path) -> list[bytes]:
    """Return byte strings that would betray the tree: pieces of every file, and every long enough name."""
    found: set[bytes] = set()
    for path in _files(root):
        content = path.read_bytes()
        for index in range(SAMPLES_PER_FILE):
            start = len(content) * index // SAMPLES_PER_FILE
            piece = content[start : start + SAMPLE_BYTES]
            if len(piece) == SAMPLE_BYTES and len(set(piece)) > SAMPLE_BYTES // 3:
                found.add(piece)
        if len(path.name) >= SHORTEST_NAME:
            found.add(path.name.encode())
    return sorted(found)


def find_any(file: Path, needles: list[bytes]) -> list[bytes]:
    """Return those needles that occur in ``file``. Holes are passed over: they hold nothing but zeros."""
    with file.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as content:
        extents = list(_data_extents(handle.fileno(), len(content)))
        # A piece that begins in one extent may end in what follows it.
        return [
            needle
            for needle in needles
            if any(content.find(needle, start, end + len(needle)) != -1 for start, end in extents)
        ]


def _data_extents(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of every stretch of a sparse file that was written."""
    position = 0
    while position < size:
        try:
            start = os.lseek(descriptor, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole is left
                return
            raise
        position = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, position


def _files(root: Path) -> Iterator[Path]:
    for directory, names, files in os.walk(root):
        names[:] = [name for name in names if name != "lost+found"]
        for name in files:
            path = Path(directory, name)
            if path.is_file() and not path.is_symlink():
                yield path
