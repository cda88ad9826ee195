"""A node that cannot renew its lease loses its volumes in time, whether it lives, hangs or is dead."""

import contextlib
import os
import subprocess
import sys
import time

import pytest

from holdfast.errors import HoldfastError
from holdfast.volumes import data_lock, fence_guard, filesystem, lease_file, loop, teardown
from holdfast.volumes.backend import AttachStage
from holdfast.volumes.errors import VolumeBusyError
from holdfast.volumes.fence_guard import Guard, is_guarded
from holdfast.volumes.lease_file import LeasedVolume, LeaseState
from holdfast.volumes.luks_fuse import LuksFuseBackend
from holdfast.volumes.plain import PlainBackend

WAIT_SECONDS = 60


@pytest.fixture
def plain(pool):
    volume, backend = pool.create("plain", 16 << 20, encrypted=False), PlainBackend()
    backend.attach(volume, None)
    yield volume, backend
    backend.detach(volume, force=True)


@pytest.fixture
def encrypted(vol, key, tmp_path):
    backend = LuksFuseBackend(tmp_path / "run")
    backend.attach(vol, key)
    yield vol, backend
    backend.detach(vol, force=True)


@pytest.fixture(params=["plain", "encrypted"])
def attached(request):
    return request.getfixturevalue(request.param)


def state(*volumes, deadline=0.0, working=False, process=0, boot=None):
    return LeaseState(
        boot=boot or lease_file.boot_id(),
        deadline=deadline,
        process=process,
        process_started=lease_file.started_at(process),
        volumes=tuple(
            LeasedVolume(
                id=volume.id,
                path=str(volume.path),
                size=volume.size,
                uuid=volume.uuid,
                encrypted=volume.encrypted,
                working=working,
            )
            for volume in volumes
        ),
    )


def write_through(descriptor, data):
    os.write(descriptor, data)
    os.fsync(descriptor)


@contextlib.contextmanager
def mounted(backend, volume, target):
    device = backend.status(volume).attachment.device
    filesystem.make(device, "ext4")
    target.mkdir()
    filesystem.mount(device, target)
    try:
        yield
    finally:
        with contextlib.suppress(HoldfastError, OSError):
            filesystem.unmount(target)


def test_a_mounted_volume_is_taken_away_and_what_is_written_later_fails(attached, tmp_path, monkeypatch):
    monkeypatch.setattr(teardown, "SETTLE_SECONDS", 0.2)
    volume, backend = attached
    file = tmp_path / "lease.json"
    with mounted(backend, volume, tmp_path / "mnt"):
        victim = os.open(tmp_path / "mnt/file", os.O_RDWR | os.O_CREAT)
        try:
            write_through(victim, b"kept")
            lease_file.write(file, state(volume))
            Guard(file, (backend,)).look()
            with pytest.raises(OSError, match="Input/output error"):
                write_through(victim, b"lost")
        finally:
            os.close(victim)
    guard = Guard(file, (backend,))
    deadline = time.monotonic() + WAIT_SECONDS
    while guard.look():
        assert time.monotonic() < deadline
    assert backend.status(volume).stage is AttachStage.DETACHED
    assert not data_lock.is_taken(str(volume.path))


def test_nothing_happens_before_the_deadline(attached, tmp_path):
    volume, backend = attached
    file = tmp_path / "lease.json"
    lease_file.write(file, state(volume, deadline=lease_file.now() + 3600))
    assert Guard(file, (backend,)).look()
    assert backend.status(volume).stage is AttachStage.ATTACHED


def test_only_the_volumes_in_the_file_are_taken_away(attached, tmp_path):
    volume, backend = attached
    file = tmp_path / "lease.json"
    lease_file.write(file, state())
    assert not Guard(file, (backend,)).look()
    assert backend.status(volume).stage is AttachStage.ATTACHED


def test_a_file_of_an_earlier_run_of_the_kernel_says_nothing(attached, tmp_path):
    volume, backend = attached
    file = tmp_path / "lease.json"
    lease_file.write(file, state(volume, boot="another"))
    assert not Guard(file, (backend,)).look()
    assert backend.status(volume).stage is AttachStage.ATTACHED


def test_a_node_at_work_on_a_volume_is_ended(pool, tmp_path):
    volume = pool.create("worked-on", 16 << 20, encrypted=False)
    file = tmp_path / "lease.json"
    with subprocess.Popen(["sleep", "3600"]) as worker:
        try:
            said = state(volume, working=False, process=worker.pid)
            lease_file.write(file, said)
            Guard(file, (PlainBackend(),)).look()
            assert worker.poll() is None
            lease_file.write(file, state(volume, working=True, process=worker.pid))
            Guard(file, (PlainBackend(),)).look()
            assert worker.wait(timeout=WAIT_SECONDS) == -9
        finally:
            worker.kill()


def test_another_process_with_the_number_of_the_node_is_left_alone(pool, tmp_path):
    volume = pool.create("worked-on", 16 << 20, encrypted=False)
    file = tmp_path / "lease.json"
    with subprocess.Popen(["sleep", "3600"]) as other:
        try:
            said = state(volume, working=True, process=other.pid)
            lease_file.write(
                file,
                LeaseState(
                    boot=said.boot,
                    deadline=0,
                    process=other.pid,
                    process_started=said.process_started - 1,
                    volumes=said.volumes,
                ),
            )
            assert not Guard(file, (PlainBackend(),)).look()
            assert other.poll() is None
        finally:
            other.kill()


def test_the_guard_is_a_process_of_its_own_and_there_is_one(plain, tmp_path):
    volume, backend = plain
    file = tmp_path / "lease.json"
    lease_file.write(file, state(volume, deadline=lease_file.now() + 3600))
    command = [sys.executable, "-I", "-m", fence_guard.__name__, str(file)]
    with subprocess.Popen(command) as guard:
        try:
            deadline = time.monotonic() + WAIT_SECONDS
            while not is_guarded(file):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            assert subprocess.run(command, timeout=WAIT_SECONDS, check=False).returncode == 0
            assert guard.poll() is None
            lease_file.write(file, state(volume))
            assert guard.wait(timeout=WAIT_SECONDS) == 0
        finally:
            guard.kill()
    assert backend.status(volume).stage is AttachStage.DETACHED
    assert not is_guarded(file)


def test_a_backing_file_has_one_user_whatever_the_marks_say(plain):
    """As when two hosts share a pool: the second finds no loop device of the first, but its lock."""
    volume, _ = plain
    with pytest.raises(VolumeBusyError, match="another process"):
        loop.attach(str(volume.path), backend="other", uuid="of-another-host", lock_at=0)
    assert loop.find("of-another-host") is None
