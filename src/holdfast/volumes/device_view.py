"""The plain text of a volume whose encryption is authenticated, read and written through its device.

It answers as ``plain_view`` does, for as long as the device is mapped. There are no holes in it.
"""

import errno
import os

from holdfast.volumes.errors import DamagedFileSystemError

_CHANGED = {errno.EIO, errno.EILSEQ}  # the kernel says one or the other of a block whose tag does not fit


class DeviceView:
    """The content of a device.

    Args:
        path: of the device.
        readonly: open it for reading only.
    """

    __slots__ = ("_descriptor", "payload_bytes")

    def __init__(self, path: str, *, readonly: bool) -> None:
        self._descriptor = os.open(path, (os.O_RDONLY if readonly else os.O_RDWR) | os.O_CLOEXEC)
        self.payload_bytes = os.lseek(self._descriptor, 0, os.SEEK_END)

    def read(self, offset: int, size: int) -> bytearray:
        """Return up to ``size`` bytes; less only at the end. Raises as ``read_guarded``."""
        buffer = bytearray(max(0, min(size, self.payload_bytes - offset)))
        done = 0
        with memoryview(buffer) as view:
            while done < len(buffer):
                done += read_guarded(self._descriptor, view[done:], offset + done)
        return buffer

    def write(self, offset: int, data: memoryview) -> None:
        """Write whole blocks."""
        while data:
            written = os.pwrite(self._descriptor, data, offset)
            data, offset = data[written:], offset + written

    def next_data(self, offset: int) -> int | None:
        """Return where the next block that was ever written begins: all of them were."""
        return offset if offset < self.payload_bytes else None

    def sync(self) -> None:
        """Return once every write so far would survive a power failure."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Let go of the device."""
        os.close(self._descriptor)


def read_guarded(descriptor: int, buffer: memoryview, offset: int) -> int:
    """Read from the device of a volume with integrity; returns how many bytes.

    Raises:
        DamagedFileSystemError: a block is not what was written to it.
    """
    try:
        return os.preadv(descriptor, [buffer], offset)
    except OSError as error:
        if error.errno in _CHANGED:
            raise DamagedFileSystemError(
                "a block of the volume was changed in its backing file, or cannot be read; restore a backup"
            ) from None
        raise
