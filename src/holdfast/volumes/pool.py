"""The directory that holds the backing files of volumes.

    <directory>/<id>.img     mode 0600, sparse: the LUKS2 header of an encrypted volume, then its data
    <directory>/<id>.lock    see ``lock``
    <directory>/.<id>.*.part a copy that is being made, and not a volume yet
    <directory>/.<id>.*.held beside it, locked by whoever makes it

A file is made exactly once and never made again over something that exists. Its name, size and
place survive a power failure once ``create`` has returned.
"""

import fcntl
import os
import re
import secrets
import uuid as uuid_module
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from holdfast.errors import InvalidInputError, NotFoundError
from holdfast.volumes import loop
from holdfast.volumes.backend import VolumeFile
from holdfast.volumes.errors import (
    ForeignVolumeError,
    PoolFullError,
    TruncatedVolumeError,
    VolumeBusyError,
    VolumeNameError,
)
from holdfast.volumes.lock import lock_path, volume_lock
from holdfast.volumes.luks_header import HEADER_BYTES
from holdfast.volumes.sparse_copy import copy_file, update_file

MIN_VOLUME_BYTES = 4 << 20
MAX_VOLUME_BYTES = 1 << 50
_ALIGNMENT_BYTES = 4096
_DRAFT, _HELD = ".part", ".held"
_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Pool:
    """A directory of volumes.

    Attributes:
        directory: made, with mode 0700, when the first volume is created.
    """

    directory: Path

    def create(
        self,
        volume_id: str,
        size_bytes: int,
        *,
        uuid: str | None = None,
        encrypted: bool = True,
        integrity: bool = False,
    ) -> VolumeFile:
        """Make the backing file of a new volume. Nothing is formatted yet.

        Args:
            volume_id: up to 63 lower-case letters, digits and dashes.
            size_bytes: what the volume is to offer, rounded up to 4096; the header comes on top.
            uuid: its identity; a new random one unless given.
            encrypted: whether it will have a LUKS2 header.
            integrity: whether its encryption will be authenticated.

        Raises:
            VolumeNameError, InvalidInputError: the name or size cannot be.
            ForeignVolumeError: a file of that name exists.
            PoolFullError: the pool has less free space than the volume may come to need.
        """
        if not MIN_VOLUME_BYTES <= size_bytes <= MAX_VOLUME_BYTES:
            raise InvalidInputError(f"size: expected {MIN_VOLUME_BYTES} to {MAX_VOLUME_BYTES} bytes")
        size = _aligned(size_bytes)
        identity = uuid or str(uuid_module.uuid4())
        vol = self.volume(volume_id, size, identity, encrypted=encrypted, integrity=integrity)
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        file_bytes = _file_bytes(vol)
        if file_bytes > self.free_bytes():
            raise PoolFullError("size: the pool has less free space than that")
        try:
            descriptor = os.open(vol.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            raise ForeignVolumeError("the pool already holds a file of that name") from None
        try:
            os.ftruncate(descriptor, file_bytes)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._sync_directory()
        return vol

    def volume(
        self,
        volume_id: str,
        size_bytes: int,
        uuid: str,
        *,
        encrypted: bool = True,
        integrity: bool = False,
    ) -> VolumeFile:
        """Return where a volume is, or would be; touches nothing.

        Raises:
            VolumeNameError: the name may not become a file name.
            InvalidInputError: the UUID is none.
        """
        if not _ID.fullmatch(volume_id):
            raise VolumeNameError("id: expected up to 63 lower-case letters, digits and inner dashes")
        try:
            canonical = str(uuid_module.UUID(uuid))
        except ValueError:
            raise InvalidInputError("uuid: expected a UUID in text form") from None
        path = self.directory / f"{volume_id}.img"
        return VolumeFile(volume_id, path, size_bytes, canonical, encrypted, integrity)

    @contextmanager
    def draft(self, vol: VolumeFile) -> Iterator[VolumeFile]:
        """Hold an empty file for the length of a block: the volume as it is to become.

        It is gone at the end of the block, unless it was made the volume by ``publish``.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.directory / f".{vol.id}.{secrets.token_hex(8)}{_DRAFT}"
        # A lock that ends with this process tells a copy that is being made from one that was abandoned.
        held = os.open(_held(path), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            yield replace(vol, path=path)
        finally:
            _remove_draft(path)
            os.close(held)

    def fill(self, draft: VolumeFile, source: VolumeFile, *, keep_going: Callable[[], None]) -> bool:
        """Copy a volume's backing file into a draft; returns whether they share their blocks.

        A draft that was filled before is brought up to date. So one that is filled while the volume is in
        use, and then again while it is at rest, needs the volume at rest for a short time only.

        Args:
            draft: what ``draft`` gave.
            source: a volume, at rest (see ``at_rest``) or to be copied again; the caller holds its lock.
            keep_going: called between pieces; what it raises ends the copy.

        Raises:
            TruncatedVolumeError: the source is shorter than it was made.
            PoolFullError: there is no room for what is in it, shared or not: either may be written to.
        """
        origin = os.open(source.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            found = os.fstat(origin)
            if found.st_size < _file_bytes(source):
                raise TruncatedVolumeError("the backing file is shorter than the volume was made")
            target = os.open(draft.path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                present = os.fstat(target)
                if (found.st_blocks - present.st_blocks) * 512 > self.free_bytes():
                    raise PoolFullError("the pool has less free space than the volume takes up")
                fill = update_file if present.st_size else copy_file
                return fill(origin, target, keep_going=keep_going)
            finally:
                os.close(target)
        finally:
            os.close(origin)

    def publish(self, draft: VolumeFile, *, over: bool = False) -> VolumeFile:
        """Make a draft the volume, in one step that a crash cannot cut in two.

        Args:
            draft: what ``draft`` gave, complete.
            over: in the place of what the volume held so far.

        Raises:
            ForeignVolumeError: there is a file of that name, and ``over`` was not asked for.
            VolumeBusyError: the volume is attached.
        """
        if loop.find(draft.uuid):
            raise VolumeBusyError("the volume is attached; detach it first")
        kind = {"encrypted": draft.encrypted, "integrity": draft.integrity}
        vol = self.volume(draft.id, draft.size, draft.uuid, **kind)
        _sync(draft.path)
        if over:
            draft.path.rename(vol.path)
        else:
            try:
                vol.path.hardlink_to(draft.path)
            except FileExistsError:
                raise ForeignVolumeError("the pool already holds a file of that name") from None
        self._sync_directory()
        return vol

    def abandoned(self) -> Iterator[str]:
        """Yield the volume's id of each copy that a crash cut short; it is gone afterwards."""
        for marker in sorted(self.directory.glob(f".*{_HELD}")) if self.directory.is_dir() else ():
            try:
                held = os.open(marker, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            except FileNotFoundError:  # finished meanwhile
                continue
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield marker.name.split(".")[1]
                _remove_draft(marker.with_suffix(_DRAFT))
            except BlockingIOError:  # another node is making it
                continue
            finally:
                os.close(held)

    def grow(self, vol: VolumeFile, size_bytes: int) -> VolumeFile:
        """Make room in the backing file for a larger volume; returns the larger volume. Safe to repeat.

        What is new has no tags if the volume's encryption is authenticated: see ``integrity.grow``.

        Raises:
            InvalidInputError: the size cannot be, or is smaller.
            TruncatedVolumeError: the file is shorter than the volume was made.
            PoolFullError: the pool has less free space than the volume may come to need in addition.
        """
        if size_bytes > MAX_VOLUME_BYTES:
            raise InvalidInputError(f"size: expected at most {MAX_VOLUME_BYTES} bytes")
        larger = replace(vol, size=_aligned(size_bytes))
        if larger.size < vol.size:
            raise InvalidInputError("size: expected at least the present one; a volume cannot shrink")
        file_bytes = _file_bytes(larger)
        present = vol.path.stat().st_size
        if present < _file_bytes(vol):  # made longer, it would look like a volume that lost nothing
            raise TruncatedVolumeError("the backing file is shorter than the volume was made")
        if file_bytes > present:
            if file_bytes - present > self.free_bytes():
                raise PoolFullError("size: the pool has less free space than that")
            os.truncate(vol.path, file_bytes)
            _sync(vol.path)
        return larger

    def require_detached(self, vol: VolumeFile) -> None:
        """Raise ``VolumeBusyError`` for a volume that is attached on this host."""
        if loop.find(vol.uuid):
            raise VolumeBusyError("the volume is attached; detach it first")

    def delete(self, vol: VolumeFile) -> None:
        """Remove the backing file. Destroys no key: see ``lifecycle.crypto_erase``.

        Raises:
            NotFoundError: there is none.
            VolumeBusyError: the volume is attached.
        """
        if not vol.path.exists():
            raise NotFoundError("the volume has no backing file")
        with volume_lock(vol):
            self.require_detached(vol)
            vol.path.unlink()
            self._sync_directory()

    def free_bytes(self) -> int:
        """Return how many bytes can still be written into the pool."""
        room = os.statvfs(self.directory)
        return room.f_bavail * room.f_frsize

    def _sync_directory(self) -> None:
        _sync(self.directory)


def _aligned(size_bytes: int) -> int:
    return -(-size_bytes // _ALIGNMENT_BYTES) * _ALIGNMENT_BYTES


def _file_bytes(vol: VolumeFile) -> int:
    return vol.area_bytes + (HEADER_BYTES if vol.encrypted else 0)


def _held(draft: Path) -> Path:
    return draft.with_suffix(_HELD)


def _remove_draft(path: Path) -> None:
    for file in (path, lock_path(path), _held(path)):
        file.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
