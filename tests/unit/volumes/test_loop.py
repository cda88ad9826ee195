"""Loop devices carry their volume's mark in the kernel."""

import threading
import uuid

import pytest

from holdfast.process.run import run
from holdfast.volumes import loop
from holdfast.volumes.errors import AttachFailedError


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(1 << 20))
    return str(path)


def test_mark_is_found_in_the_kernel(file):
    identity = str(uuid.uuid4())
    device = loop.attach(file, backend="plain", uuid=identity, readonly=True)
    try:
        assert loop.find(identity) == device
        listed = run(["losetup", "-n", "-O", "LOG-SEC,RO,AUTOCLEAR", device.path]).stdout.split()
        assert listed == [b"4096", b"1", b"0"]
    finally:
        loop.detach(device.path)
    assert loop.find(identity) is None


def test_detaching_twice_is_no_error(file):
    device = loop.attach(file, backend="plain", uuid=str(uuid.uuid4()))
    loop.detach(device.path)
    loop.detach(device.path)
    loop.detach("/dev/loop-that-never-was")


def test_devices_of_others_are_not_ours(file):
    path = run(["losetup", "-f", "--show", file]).stdout.decode().strip()
    try:
        assert path not in [device.path for device in loop.marked_devices()]
    finally:
        run(["losetup", "-d", path])


def test_racing_attaches_get_devices_of_their_own(file):
    identities, devices = [str(uuid.uuid4()) for _ in range(6)], []
    threads = [
        threading.Thread(
            target=lambda i=i: devices.append(loop.attach(file, backend="plain", uuid=i, readonly=True))
        )
        for i in identities
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        assert len({device.path for device in devices}) == len(identities)
    finally:
        for device in devices:
            loop.detach(device.path)


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(AttachFailedError):
        loop.attach(str(tmp_path), backend="plain", uuid=str(uuid.uuid4()), readonly=True)
