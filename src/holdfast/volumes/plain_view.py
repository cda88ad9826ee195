"""The plain text of an encrypted volume: opened with its key, read and written in whole blocks.

Opening checks everything that LUKS2 itself lets pass: that this is the volume that was asked for, that
the file still reaches as far as the volume was made, and that no other process has it open for
writing: see ``data_lock``.

This module is loaded by the daemon of an attached volume, so it imports little.
"""

import errno
import os

from holdfast.volumes import data_lock
from holdfast.volumes.errors import ForeignVolumeError, TruncatedVolumeError
from holdfast.volumes.luks_read import DataSegment, Luks2Header, data_segment, read_header
from holdfast.volumes.luks_unlock import unlock
from holdfast.volumes.xts import SectorCipher

BLOCK_BYTES = 4096


class PlainView:
    """The decrypted content of a backing file.

    Args:
        descriptor: the open backing file, adopted.
        segment: where its data lies.
        cipher: the cipher of its data.
        payload_bytes: the size of the content; a multiple of 4096.
    """

    __slots__ = ("_cipher", "_descriptor", "_offset", "payload_bytes")

    def __init__(
        self, descriptor: int, segment: DataSegment, cipher: SectorCipher, payload_bytes: int
    ) -> None:
        self._descriptor = descriptor
        self._offset = segment.offset_bytes
        self._cipher = cipher
        self.payload_bytes = payload_bytes

    def read(self, offset: int, size: int) -> bytearray:
        """Return up to ``size`` bytes of plain text; less only at the end.

        Raises:
            OSError: not whole blocks, or the backing file cannot be read as far as it should reach.
        """
        size = max(0, min(size, self.payload_bytes - offset))
        _require_blocks(offset, size)
        buffer = bytearray(size)
        if os.preadv(self._descriptor, [buffer], self._offset + offset) != size:
            raise OSError(errno.EIO, "the backing file is shorter than its volume")
        self._cipher.decrypt(buffer, offset)
        return buffer

    def write(self, offset: int, data: memoryview) -> None:
        """Write whole blocks; ``data`` is encrypted in place and must not be used afterwards.

        Raises:
            OSError: not whole blocks, beyond the end, or the backing file takes no more.
        """
        _require_blocks(offset, len(data))
        if offset + len(data) > self.payload_bytes:
            raise OSError(errno.ENOSPC, "beyond the end of the volume")
        self._cipher.encrypt(data, offset)
        while data:
            written = os.pwrite(self._descriptor, data, self._offset + offset)
            data, offset = data[written:], offset + written

    def next_data(self, offset: int) -> int | None:
        """Return where the next block that was ever written begins, from ``offset`` on, if any."""
        try:
            found = os.lseek(self._descriptor, self._offset + offset, os.SEEK_DATA) - self._offset
        except OSError as error:
            if error.errno == errno.ENXIO:
                return None
            raise
        return found // BLOCK_BYTES * BLOCK_BYTES if found < self.payload_bytes else None

    def take_size(self) -> int:
        """Reach as far as the backing file does by now, if that is further; returns the size."""
        room = os.fstat(self._descriptor).st_size - self._offset
        self.payload_bytes = max(self.payload_bytes, room // BLOCK_BYTES * BLOCK_BYTES)
        return self.payload_bytes

    def sync(self) -> None:
        """Return once every write so far would survive a power failure."""
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Let go of the backing file and its lock."""
        os.close(self._descriptor)


def _require_blocks(offset: int, size: int) -> None:
    # The loop device has 4096-byte blocks and nobody else can open the file, so this is not expected.
    if offset % BLOCK_BYTES or size % BLOCK_BYTES:
        raise OSError(errno.EINVAL, "only whole blocks can be transferred")


def open_plain_view(
    path: str, uuid: str, payload_bytes: int, key: bytes | bytearray | memoryview, *, readonly: bool = False
) -> PlainView:
    """Open a volume with its key.

    Args:
        path: the backing file; not followed if it is a symbolic link.
        uuid: which volume it is expected to be.
        payload_bytes: how large the volume was made; a multiple of 4096.
        key: what opens a keyslot.
        readonly: open for reading only; any number of readers may do so at once.

    Raises:
        ForeignVolumeError: it is another volume.
        TruncatedVolumeError: it is too short.
        VolumeBusyError: another process has it open.
        WrongKeyError, ErasedVolumeError, DamagedHeaderError, UnsupportedHeaderError: see ``luks_unlock``.
    """
    access = os.O_RDONLY if readonly else os.O_RDWR
    descriptor = os.open(path, access | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        header = read_header(descriptor)
        _require_identity(header, uuid)
        segment = data_segment(header)
        _require_length(descriptor, segment, payload_bytes)
        data_lock.take(descriptor, segment.offset_bytes, readonly=readonly)
        volume_key = unlock(descriptor, header, key)
        cipher = SectorCipher(volume_key, segment.sector_bytes)
        volume_key[:] = bytes(len(volume_key))
    except BaseException:
        os.close(descriptor)
        raise
    return PlainView(descriptor, segment, cipher, payload_bytes)


def is_open(path: str) -> bool:
    """Whether some process has the volume in this backing file open through ``open_plain_view``."""
    return data_lock.is_taken(path)


def _require_identity(header: Luks2Header, uuid: str) -> None:
    if header.uuid != uuid:
        raise ForeignVolumeError("the backing file holds another volume than the one expected")


def _require_length(descriptor: int, segment: DataSegment, payload_bytes: int) -> None:
    if segment.payload_bytes(os.lseek(descriptor, 0, os.SEEK_END)) < payload_bytes:
        raise TruncatedVolumeError("the backing file is shorter than the volume was made")
