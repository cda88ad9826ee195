"""A copy of a backing file is whole or not there, keeps its holes, and can be ended."""

import os
import subprocess
from pathlib import Path

import pytest

from holdfast.errors import InvalidInputError
from holdfast.process.run import run
from holdfast.volumes.errors import (
    ForeignVolumeError,
    PoolFullError,
    TruncatedVolumeError,
    WrongKeyError,
)
from holdfast.volumes.luks_header import LuksHeader
from holdfast.volumes.pool import Pool
from holdfast.volumes.sparse_copy import copy_file, update_file
from holdfast.volumes.usage import usage_of

MIB = 1 << 20


def always():
    """Nothing stands against going on."""


def copied(source, target, *, keep_going=always):
    with source.open("rb") as origin, target.open("w+b") as made:
        return copy_file(origin.fileno(), made.fileno(), keep_going=keep_going)


@pytest.fixture
def sparse(tmp_path):
    """64 MiB with data at the beginning, in the middle and at the very end."""
    path = tmp_path / "source"
    with path.open("wb") as file:
        file.write(os.urandom(100_000))
        file.seek(30 * MIB)
        file.write(os.urandom(9 * MIB))
        file.seek(64 * MIB - 5)
        file.write(b"end.\n")
    return path


def test_a_copy_has_the_same_bytes_and_the_same_holes(sparse, tmp_path):
    target = tmp_path / "target"
    copied(sparse, target)
    assert target.read_bytes() == sparse.read_bytes()
    assert usage_of(target).total_bytes < 11 * MIB


@pytest.mark.parametrize("size", [0, 1, 5 * MIB])
def test_nothing_but_a_hole(tmp_path, size):
    source, target = tmp_path / "source", tmp_path / "target"
    with source.open("wb") as file:
        file.truncate(size)
    copied(source, target)
    assert target.stat().st_size == size
    assert usage_of(target).total_bytes == 0


def test_without_the_kernels_own_copying(sparse, tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "copy_file_range", refused)
    target = tmp_path / "target"
    assert copied(sparse, target) is False
    assert target.read_bytes() == sparse.read_bytes()


def test_a_copy_is_brought_up_to_date(sparse, tmp_path):
    target = tmp_path / "target"
    copied(sparse, target)
    with sparse.open("r+b") as file:
        file.write(b"changed")
        file.seek(50 * MIB)
        file.write(b"written where a hole was")
        for offset in range(31 * MIB, 33 * MIB, 4096):  # what was written is a hole now, or zeros
            file.seek(offset)
            file.write(bytes(4096))
    run(["fallocate", "--punch-hole", "--offset", str(35 * MIB), "--length", str(2 * MIB), str(sparse)])
    with sparse.open("rb") as origin, target.open("r+b") as made:
        update_file(origin.fileno(), made.fileno(), keep_going=always)
        assert target.read_bytes() == sparse.read_bytes()
        update_file(origin.fileno(), made.fileno(), keep_going=always)
        assert os.fstat(made.fileno()).st_blocks * 512 < 16 * MIB


def test_a_copy_is_ended_between_two_pieces(sparse, tmp_path):
    asked = []

    def not_twice():
        asked.append(1)
        if len(asked) > 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        copied(sparse, tmp_path / "target", keep_going=not_twice)
    assert len(asked) == 3


def test_a_disk_that_is_full(sparse, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(small)], check=True)
    try:
        with pytest.raises(PoolFullError):
            copied(sparse, small / "target")
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_blocks_are_shared_where_that_can_be(tmp_path):
    image, mounted = tmp_path / "image", tmp_path / "mounted"
    mounted.mkdir()
    with image.open("wb") as file:
        file.truncate(320 * MIB)
    run(["mkfs.xfs", "-q", "-m", "reflink=1", str(image)])
    subprocess.run(["mount", "-o", "loop", str(image), str(mounted)], check=True)
    try:
        source = mounted / "source"
        source.write_bytes(os.urandom(8 * MIB))
        assert copied(source, mounted / "target") is True
        usage = usage_of(mounted / "target")
        assert (usage.total_bytes, usage.exclusive_bytes) == (8 * MIB, 0)
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


def copy_of(pool, vol, name="copy"):
    return pool.volume(name, vol.size, "11111111-2222-4333-8444-555555555555")


def files(pool):
    return sorted(path.name for path in pool.directory.iterdir() if path.suffix != ".lock")


def test_a_copied_volume_has_an_identity_of_its_own_and_the_same_keys(pool, vol, key, new_key):
    target = copy_of(pool, vol)
    with pool.draft(target) as draft:
        pool.fill(draft, vol, keep_going=always)
        LuksHeader(draft).set_identity()
        LuksHeader(draft).set_identity()  # again is no error
        assert not target.path.exists()
        made = pool.publish(draft)
    header = LuksHeader(made)
    assert header.read().uuid == target.uuid
    assert header.verify(key) == LuksHeader(vol).verify(key)
    assert header.noted_key() == LuksHeader(vol).noted_key()
    with pytest.raises(WrongKeyError):
        header.verify(new_key())
    assert files(pool) == ["copy.img", "vol1.img"]


def test_a_draft_that_was_not_published_is_gone(pool, vol):
    def never():
        raise InterruptedError

    with pytest.raises(InterruptedError), pool.draft(copy_of(pool, vol)) as draft:
        pool.fill(draft, vol, keep_going=never)
    assert files(pool) == ["vol1.img"]


def test_a_copy_never_takes_the_place_of_another_volume(pool, vol):
    before = vol.path.read_bytes()
    with pool.draft(vol) as draft:
        pool.fill(draft, vol, keep_going=always)
        with pytest.raises(ForeignVolumeError):
            pool.publish(draft)
    assert vol.path.read_bytes() == before
    assert files(pool) == ["vol1.img"]


def test_a_truncated_volume_is_not_copied(pool, vol):
    os.truncate(vol.path, vol.path.stat().st_size - 4096)
    with pool.draft(copy_of(pool, vol)) as draft, pytest.raises(TruncatedVolumeError):
        pool.fill(draft, vol, keep_going=always)


def test_only_what_nobody_makes_any_more_is_cleared(pool, vol):
    child = os.fork()
    if child == 0:
        with pool.draft(copy_of(pool, vol, "crashed")):
            os._exit(0)  # as a crash would
    os.waitpid(child, 0)
    with pool.draft(copy_of(pool, vol, "alive")) as draft:
        assert list(Pool(pool.directory).abandoned()) == ["crashed"]
        assert draft.path.exists()
        assert [name.partition(".img")[0].split(".")[1] for name in files(pool) if name.startswith(".")] == [
            "alive"
        ] * 2
    assert files(pool) == ["vol1.img"]
    assert list(pool.abandoned()) == []


def test_a_backing_file_grows_and_never_shrinks(pool, vol):
    larger = pool.grow(vol, vol.size + 1)
    assert larger.size == vol.size + 4096
    assert pool.grow(larger, larger.size) == larger
    length = Path(vol.path).stat().st_size
    with pytest.raises(InvalidInputError, match="cannot shrink"):
        pool.grow(larger, vol.size)
    with pytest.raises(PoolFullError):
        pool.grow(larger, 1 << 49)
    assert Path(vol.path).stat().st_size == length
