"""A volume that is made larger keeps what it holds, and its file system fills it; none is made smaller."""

import os
from pathlib import Path

import pytest
from tests.support.node_caller import size_of, written

from holdfast.errors import InvalidInputError
from holdfast.node.volume.attach_service import AttachService
from holdfast.node.volume.snapshot_service import SnapshotService
from holdfast.node.volume.volume_service import VolumeService
from holdfast.volumes.errors import PoolFullError

MIB = 1 << 20


@pytest.mark.parametrize(
    ("encrypted", "file_system", "size"), [(True, "xfs", 304), (False, "xfs", 304), (True, "ext4", 64)]
)
def test_a_volume_grows(alice, encrypted, file_system, size):
    alice.create(encrypted=encrypted, file_system=file_system, size_bytes=size * MIB)
    target = alice.mounted("vol1")
    content = os.urandom(4 * MIB)
    written(target, letter=content)
    small = os.statvfs(target)
    wanted = 2 * size * MIB
    alice.volume(VolumeService.update, "vol1", size_bytes=wanted)
    record = alice.record("vol1")
    assert record.size_bytes == wanted
    device = alice.t.devices.state(record).attachment.device
    with Path(device).open("rb") as raw:
        assert raw.seek(0, os.SEEK_END) == wanted
    if file_system == "xfs":
        assert record.grow_pending is False
    if record.grow_pending:  # ext4 grows while mounted only for who has CAP_SYS_RESOURCE
        alice.host(AttachService.unmount, "vol1", str(target))
        alice.host(AttachService.mount, "vol1", str(target))
        assert alice.record("vol1").grow_pending is False
    assert os.statvfs(target).f_blocks > 1.7 * small.f_blocks
    with (target / "room").open("wb") as room:
        os.posix_fallocate(room.fileno(), 0, int(0.95 * size) * MIB)  # what follows lies beyond the old end
    filler = os.urandom(4 * MIB)
    written(target, more=filler)
    (target / "room").unlink()
    alice.detach("vol1")
    assert alice.read("vol1") == {"letter": content, "more": filler}


def test_a_detached_volume_grows_and_fills_up_when_it_is_mounted(alice):
    alice.create(size_bytes=32 * MIB)
    written(alice.mounted("vol1"), letter=b"old")
    alice.detach("vol1")
    alice.snapshot()
    grown = alice.volume(VolumeService.update, "vol1", size_bytes=64 * MIB)
    assert grown.size_bytes == 64 * MIB
    alice.volume(VolumeService.update, "vol1", size_bytes=64 * MIB)  # again is no error
    target = alice.mounted("vol1")
    assert (
        os.statvfs(target).f_blocks * 4096 > 50 * MIB
        or os.statvfs(target).f_blocks * os.statvfs(target).f_frsize > 50 * MIB
    )
    alice.detach("vol1")
    alice.copy(SnapshotService.restore, "vol1", "snap1")  # smaller, and goes back into the larger volume
    target = alice.mounted("vol1")
    assert size_of(target) > 50 * MIB
    assert (target / "letter").read_bytes() == b"old"
    alice.detach("vol1")


@pytest.mark.parametrize("attached", [False, True])
def test_a_volume_that_grows_before_it_has_a_file_system_gets_one_that_fills_it(alice, attached):
    alice.create(encrypted=True, size_bytes=32 * MIB)
    if attached:
        alice.host(AttachService.attach, "vol1")
    alice.volume(VolumeService.update, "vol1", size_bytes=64 * MIB)
    target = alice.mounted("vol1")
    assert size_of(target) > 50 * MIB
    assert alice.record("vol1").grow_pending is False
    alice.detach("vol1")


def test_a_volume_never_shrinks_and_has_a_bound(alice):
    volume = alice.create()
    stored = alice.t.devices.file(volume).path.stat().st_size
    for size in (0, -1, 15 * MIB, 1 << 62):
        with pytest.raises((InvalidInputError, PoolFullError)):
            alice.volume(VolumeService.update, "vol1", size_bytes=size)
    assert alice.record("vol1").size_bytes == 16 * MIB
    assert alice.t.devices.file(volume).path.stat().st_size == stored
