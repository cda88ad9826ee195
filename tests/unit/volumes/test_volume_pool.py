"""A backing file is made once, of the right size, and never over something that exists."""

import os
import stat
import threading

import pytest

from holdfast.errors import InvalidInputError, NotFoundError
from holdfast.volumes import loop
from holdfast.volumes.errors import ForeignVolumeError, PoolFullError, VolumeBusyError, VolumeNameError
from holdfast.volumes.luks_header import HEADER_BYTES
from holdfast.volumes.pool import MIN_VOLUME_BYTES


@pytest.mark.parametrize(
    ("requested", "offered"),
    [
        pytest.param(MIN_VOLUME_BYTES, MIN_VOLUME_BYTES, id="smallest"),
        pytest.param(MIN_VOLUME_BYTES + 1, MIN_VOLUME_BYTES + 4096, id="rounded-up"),
        pytest.param(1 << 30, 1 << 30, id="sparse-gigabyte"),
    ],
)
def test_header_comes_on_top_of_the_requested_size(pool, requested, offered):
    volume = pool.create("v", requested)
    found = volume.path.stat()
    assert volume.size == offered
    assert found.st_size == offered + HEADER_BYTES
    assert stat.S_IMODE(found.st_mode) == 0o600
    assert found.st_blocks == 0
    assert stat.S_IMODE(pool.directory.stat().st_mode) == 0o700


def test_unencrypted_file_has_no_header(pool):
    assert pool.create("v", 4 << 20, encrypted=False).path.stat().st_size == 4 << 20


def test_volume_is_found_again_by_what_the_node_recorded(pool):
    made = pool.create("v", 4 << 20)
    assert pool.volume("v", made.size, made.uuid.upper()) == made


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/b", "../v", "V", "v.img", "-v", "v-", "v\0", "v\n", "ä", "v" * 64],
    ids=["empty", "dot", "dots", "slash", "parent", "upper-case", "suffix", "leading-dash", "trailing-dash",
         "nul", "newline", "not-ascii", "too-long"],
)  # fmt: skip
def test_hostile_name(pool, name):
    with pytest.raises(VolumeNameError):
        pool.create(name, 4 << 20)


@pytest.mark.parametrize(
    "size", [0, -1, MIN_VOLUME_BYTES - 1, 1 << 62], ids=["zero", "negative", "small", "absurd"]
)
def test_size_out_of_range(pool, size):
    with pytest.raises(InvalidInputError):
        pool.create("v", size)


def test_uuid_must_be_one(pool):
    with pytest.raises(InvalidInputError):
        pool.create("v", 4 << 20, uuid="../../etc")


@pytest.mark.parametrize("existing", ["file", "dangling-link"])
def test_existing_file_is_not_touched(pool, existing):
    pool.directory.mkdir()
    target = pool.directory / "v.img"
    if existing == "file":
        target.write_text("precious")
    else:
        target.symlink_to(pool.directory / "elsewhere")
    with pytest.raises(ForeignVolumeError):
        pool.create("v", 4 << 20)
    assert target.read_text() == "precious" if existing == "file" else not target.exists()


def test_more_than_is_free_is_refused(pool):
    pool.directory.mkdir()
    with pytest.raises(PoolFullError):
        pool.create("v", pool.free_bytes() + (1 << 30))
    assert list(pool.directory.iterdir()) == []


def test_one_of_many_creators_wins(pool):
    outcomes = []

    def create():
        try:
            outcomes.append(pool.create("v", 4 << 20))
        except ForeignVolumeError:
            outcomes.append(None)

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([outcome for outcome in outcomes if outcome]) == 1


def test_deleting(pool):
    volume = pool.create("v", 4 << 20)
    pool.delete(volume)
    assert not volume.path.exists()
    with pytest.raises(NotFoundError):
        pool.delete(volume)


def test_attached_volume_is_not_deleted(pool):
    volume = pool.create("v", 4 << 20, encrypted=False)
    device = loop.attach(str(volume.path), backend="plain", uuid=volume.uuid)
    try:
        with pytest.raises(VolumeBusyError):
            pool.delete(volume)
        assert volume.path.exists()
    finally:
        loop.detach(device.path)


def test_free_bytes_are_those_of_the_file_system(pool):
    pool.directory.mkdir()
    room = os.statvfs(pool.directory)
    assert abs(pool.free_bytes() - room.f_bavail * room.f_frsize) < 1 << 30
