"""What is read through the device of a volume with integrity is what was written, or an error says so."""

import os

import pytest

from holdfast.volumes.device_view import DeviceView, read_guarded
from holdfast.volumes.errors import DamagedFileSystemError

SIZE = 3 * 4096


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "device"
    made.write_bytes(bytes(SIZE))
    return made


def test_what_was_written_is_read(path):
    view = DeviceView(str(path), readonly=False)
    content = os.urandom(8192)
    view.write(4096, memoryview(bytearray(content)))
    view.sync()
    assert view.payload_bytes == SIZE
    assert view.read(4096, 1 << 20) == content  # up to the end
    assert view.read(SIZE, 4096) == b""
    assert view.next_data(4096) == 4096
    assert view.next_data(SIZE) is None
    view.close()
    assert path.read_bytes() == bytes(4096) + content


def test_for_reading_only(path):
    view = DeviceView(str(path), readonly=True)
    with pytest.raises(OSError, match="descriptor"):
        view.write(0, memoryview(bytearray(4096)))
    view.close()


def test_a_block_that_cannot_be_read_is_told_from_other_trouble(path):
    # A read of memory that is not there is answered as dm-integrity answers one of a block that was changed.
    memory = os.open("/proc/self/mem", os.O_RDONLY)
    with pytest.raises(DamagedFileSystemError, match="was changed"):
        read_guarded(memory, memoryview(bytearray(4096)), 0)
    os.close(memory)
    closed = os.open(path, os.O_WRONLY)
    with pytest.raises(OSError, match="descriptor"):
        read_guarded(closed, memoryview(bytearray(4096)), 0)
    os.close(closed)
