"""A directory tree as an ext4 image in memory, and back, by means of e2fsprogs and without any privilege.

The image lives in a memfd: in memory (and in swap where the host has it), never in a file. Trees hold
files, directories and symbolic links, which are kept as links. Owners are restored only as far as
the calling user may; a link count, a device or a socket is not carried.
"""

import os
import re
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from holdfast.errors import InvalidInputError, TooLargeError, UnavailableError
from holdfast.process.run import ChildFailedError, descriptor_path, run
from holdfast.volumes.errors import DamagedFileSystemError

PROGRAMS = ("mke2fs", "e2fsck", "debugfs")

_TIMEOUT_SECONDS = 600.0
_REPAIRED = (0, 1)  # e2fsck(8): sound, or made sound, such as by replaying the journal
# What debugfs always says, and what it says when somebody else's file becomes ours.
_HARMLESS = re.compile(r"debugfs \d.*|.*: Operation not permitted while changing ownership of .*|\s*")

# Sizes of the copies that have begun: what they are about to take up is free until then.
_begun: list[int] = []
_counting = threading.Lock()


@contextmanager
def blank_image(size_bytes: int) -> Iterator[int]:
    """Hold an image of zeros, as a descriptor, for the length of a block."""
    image = os.memfd_create("holdfast", os.MFD_CLOEXEC)
    try:
        os.ftruncate(image, size_bytes)
        yield image
    finally:
        os.close(image)


def fill(image: int, source: Path) -> None:
    """Make the image an ext4 file system that holds what is below ``source``.

    Raises:
        InvalidInputError: ``source`` is no directory, or holds something that cannot be carried.
        TooLargeError: it does not fit.
        UnavailableError: a file cannot be read.
    """
    size = tree_bytes(source)
    if size > os.fstat(image).st_size:
        raise TooLargeError("source: expected a tree that fits into the volume")
    # Left to itself mke2fs takes smaller blocks here than the attached device, with 4096, can mount.
    options = ["-q", "-F", "-t", "ext4", "-b", "4096", "-d", str(source.resolve())]
    try:
        run(
            ["mke2fs", *options, descriptor_path(image)],
            pass_fds=(image,),
            timeout_seconds=_TIMEOUT_SECONDS,
        )
    except ChildFailedError as error:
        if "Could not allocate" in error.detail:
            raise TooLargeError("source: expected a tree that fits into the volume") from None
        raise


def extract(image: int, destination: Path) -> None:
    """Write the files of an ext4 image into an empty directory. The image may be repaired on the way.

    Raises:
        InvalidInputError: the directory is missing or not empty.
        DamagedFileSystemError: the image holds no sound ext4 file system.
        UnavailableError: the files could not all be written.
    """
    if not destination.is_dir() or any(destination.iterdir()):
        raise InvalidInputError("destination: expected an empty directory")
    # Also the guard against names with slashes or dots in them, which debugfs would follow.
    checked = run(
        ["e2fsck", "-f", "-p", descriptor_path(image)],
        pass_fds=(image,),
        timeout_seconds=_TIMEOUT_SECONDS,
        expect=range(256),
    )
    if checked.returncode not in _REPAIRED:
        detail = checked.stderr + checked.stdout.decode(errors="replace")
        raise DamagedFileSystemError("the volume holds no sound ext4 file system", detail=detail)
    # debugfs ends with status 0 whatever happens; what it says on standard error is the result.
    dumped = run(
        ["debugfs", "-R", "rdump / .", descriptor_path(image)],
        pass_fds=(image,),
        cwd=destination,
        timeout_seconds=_TIMEOUT_SECONDS,
    )
    complaints = [line for line in dumped.stderr.splitlines() if not _HARMLESS.fullmatch(line)]
    if complaints:
        raise UnavailableError("not every file could be written", detail="\n".join(complaints))
    lost_and_found = destination / "lost+found"
    if lost_and_found.is_dir() and not any(lost_and_found.iterdir()):
        lost_and_found.rmdir()


def tree_bytes(source: Path) -> int:
    """Return the total length of the files below a directory.

    Raises:
        InvalidInputError: not a directory, or something in it is neither file, directory nor link.
    """
    if not source.is_dir():
        raise InvalidInputError("source: expected a directory")
    total = 0
    for place, _, names in os.walk(source):
        for name in names:
            found = os.lstat(os.path.join(place, name))  # noqa: PTH118 (a million files are joined here)
            if stat.S_ISREG(found.st_mode):
                total += found.st_size
            elif not stat.S_ISLNK(found.st_mode):
                raise InvalidInputError("source: expected only files, directories and symbolic links")
    return total


@contextmanager
def memory_for(size_bytes: int) -> Iterator[None]:
    """Have memory for a copy of that size, for the length of a block; copies that have begun are counted.

    Raises:
        UnavailableError: less than twice as much is free: others live on it too.
    """
    with _counting:
        require_memory(size_bytes + sum(_begun))
        _begun.append(size_bytes)
    try:
        yield
    finally:
        with _counting:
            _begun.remove(size_bytes)


def require_memory(size_bytes: int) -> None:
    """Raise ``UnavailableError`` unless twice that much memory is free."""
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable" and 2 * size_bytes > int(value.split()[0]) * 1024:
            raise UnavailableError("the content of the volume is too large for the memory that is free")
