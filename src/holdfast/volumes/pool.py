"""The directory that holds the backing files of volumes.

    <directory>/<id>.img     mode 0600, sparse: the LUKS2 header of an encrypted volume, then its data
    <directory>/<id>.lock    see ``lock``

A file is made exactly once and never made again over something that exists. Its name, size and
place survive a power failure once ``create`` has returned.
"""

import os
import re
import uuid as uuid_module
from dataclasses import dataclass
from pathlib import Path

from holdfast.errors import InvalidInputError, NotFoundError
from holdfast.volumes import loop
from holdfast.volumes.backend import VolumeFile
from holdfast.volumes.errors import ForeignVolumeError, PoolFullError, VolumeBusyError, VolumeNameError
from holdfast.volumes.lock import volume_lock
from holdfast.volumes.luks_header import HEADER_BYTES

MIN_VOLUME_BYTES = 4 << 20
MAX_VOLUME_BYTES = 1 << 50
_ALIGNMENT_BYTES = 4096
_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Pool:
    """A directory of volumes.

    Attributes:
        directory: made, with mode 0700, when the first volume is created.
    """

    directory: Path

    def create(
        self, volume_id: str, size_bytes: int, *, uuid: str | None = None, encrypted: bool = True
    ) -> VolumeFile:
        """Make the backing file of a new volume. Nothing is formatted yet.

        Args:
            volume_id: up to 63 lower-case letters, digits and dashes.
            size_bytes: what the volume is to offer, rounded up to 4096; the header comes on top.
            uuid: its identity; a new random one unless given.
            encrypted: whether it will have a LUKS2 header.

        Raises:
            VolumeNameError, InvalidInputError: the name or size cannot be.
            ForeignVolumeError: a file of that name exists.
            PoolFullError: the pool has less free space than the volume may come to need.
        """
        if not MIN_VOLUME_BYTES <= size_bytes <= MAX_VOLUME_BYTES:
            raise InvalidInputError(f"size: expected {MIN_VOLUME_BYTES} to {MAX_VOLUME_BYTES} bytes")
        size = -(-size_bytes // _ALIGNMENT_BYTES) * _ALIGNMENT_BYTES
        vol = self.volume(volume_id, size, uuid or str(uuid_module.uuid4()), encrypted=encrypted)
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        file_bytes = size + (HEADER_BYTES if encrypted else 0)
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

    def volume(self, volume_id: str, size_bytes: int, uuid: str, *, encrypted: bool = True) -> VolumeFile:
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
        return VolumeFile(volume_id, self.directory / f"{volume_id}.img", size_bytes, canonical, encrypted)

    def delete(self, vol: VolumeFile) -> None:
        """Remove the backing file. Destroys no key: see ``lifecycle.crypto_erase``.

        Raises:
            NotFoundError: there is none.
            VolumeBusyError: the volume is attached.
        """
        if not vol.path.exists():
            raise NotFoundError("the volume has no backing file")
        with volume_lock(vol):
            if loop.find(vol.uuid):
                raise VolumeBusyError("the volume is attached; detach it first")
            vol.path.unlink()
            self._sync_directory()

    def free_bytes(self) -> int:
        """Return how many bytes can still be written into the pool."""
        room = os.statvfs(self.directory)
        return room.f_bavail * room.f_frsize

    def _sync_directory(self) -> None:
        descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
