"""A frozen volume is thawed, whoever dies: who froze it, the process that watches over that, or both."""

import contextlib
import fcntl
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from holdfast.volumes import filesystem
from holdfast.volumes.at_rest import at_rest
from holdfast.volumes.backend import Attachment, AttachStage, AttachState
from holdfast.volumes.errors import VolumeBusyError
from holdfast.volumes.freeze import frozen, thaw_device
from holdfast.volumes.freezer import FIFREEZE, FITHAW
from holdfast.volumes.plain import PlainBackend
from holdfast.volumes.pool import Pool

MIB = 1 << 20
WAIT_SECONDS = 60


@pytest.fixture
def backend():
    return PlainBackend()


@pytest.fixture
def vol(tmp_path, backend):
    made = Pool(tmp_path / "pool").create("vol1", 16 * MIB, encrypted=False)
    yield made
    backend.detach(made, force=True)


@pytest.fixture
def device(vol, backend):
    path = backend.attach(vol, None).device
    filesystem.make(path)
    return path


@pytest.fixture
def target(tmp_path, device):
    made = tmp_path / "mnt"
    made.mkdir()
    filesystem.mount(device, made)
    yield made
    with contextlib.suppress(VolumeBusyError):
        thaw_device(device)
    filesystem.unmount(made, lazy=True)


def writer(target):
    """Start a process that writes a file; it waits for as long as the file system is frozen."""
    return subprocess.Popen(["/bin/sh", "-c", f"echo x > {target}/written"])


def writes(target):
    return writer(target).wait(WAIT_SECONDS) == 0


def freezers():
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if (
                b"holdfast.volumes.freezer" in words
                and int((entry / "stat").read_text().split()[3]) == os.getpid()
            ):
                found.append(int(entry.name))
    return found


def test_writers_wait_until_the_end_of_the_block(device, target):
    with frozen(device) as still:
        waiting = writer(target)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(0.3)
        still()
    assert waiting.wait(WAIT_SECONDS) == 0
    assert freezers() == []


def test_an_error_in_the_block_thaws(device, target):
    with pytest.raises(ZeroDivisionError), frozen(device):
        1 / 0  # noqa: B018
    assert writes(target)


def test_it_ends_after_its_time_and_the_block_hears_of_it(device, target):
    with pytest.raises(VolumeBusyError, match="frozen"), frozen(device, seconds=0.2) as still:
        told_after_a_write(target, still)


def told_after_a_write(target, still):
    assert writes(target)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:  # it thaws first, and ends after that
        still()
        time.sleep(0.01)
    raise AssertionError("nobody was told")


def test_a_block_that_notices_nothing_is_told_at_its_end(device, target):
    with pytest.raises(VolumeBusyError, match="frozen"), frozen(device, seconds=0.2):
        assert writes(target)


def test_whoever_froze_it_is_killed(device, target):
    child = os.fork()
    if child == 0:
        try:
            with frozen(device):
                os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    os.waitpid(child, 0)
    assert writes(target)


def test_the_process_that_watches_is_killed(device, target):
    with pytest.raises(VolumeBusyError), frozen(device) as still:
        kill_freezers_until_told(still)
    assert writes(target)


def kill_freezers_until_told(still):
    for process in freezers():
        os.kill(process, signal.SIGKILL)
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        still()


def test_both_are_killed_and_the_next_start_thaws(device, target):
    directory = os.open(target, os.O_RDONLY)
    fcntl.ioctl(directory, FIFREEZE, 0)  # what they leave then
    os.close(directory)
    assert thaw_device(device) is True
    assert writes(target)
    assert thaw_device(device) is False


def test_what_others_froze_stays_theirs(device, target):
    directory = os.open(target, os.O_RDONLY)
    fcntl.ioctl(directory, FIFREEZE, 0)
    try:
        with pytest.raises(VolumeBusyError, match="somebody else"), frozen(device):
            pass
        waiting = writer(target)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(0.3)
    finally:
        fcntl.ioctl(directory, FITHAW, 0)
        os.close(directory)
    assert waiting.wait(WAIT_SECONDS) == 0


def test_an_attached_volume_cannot_be_mounted_by_others_meanwhile(vol, backend, device, tmp_path):
    (tmp_path / "mnt").mkdir()
    with at_rest(backend.status(vol)), pytest.raises(VolumeBusyError):
        filesystem.mount(device, tmp_path / "mnt")
    with Path(device).open("rb") as held:
        taken = os.open(device, os.O_RDWR | os.O_EXCL)
        try:
            with pytest.raises(VolumeBusyError, match="in use"), at_rest(backend.status(vol)):
                pass
        finally:
            os.close(taken)
        held.read(1)


def test_a_broken_device_is_not_waited_for(vol):
    state = AttachState(AttachStage.BROKEN, Attachment(vol.uuid, "plain", "/dev/null"))
    with pytest.raises(VolumeBusyError, match="broken"), at_rest(state):
        pass
