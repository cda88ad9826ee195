"""File systems are made on blank devices only, and mounted where nobody can redirect them."""

import os
from pathlib import Path

import pytest

from holdfast.errors import InvalidInputError, NotFoundError
from holdfast.process.run import run
from holdfast.volumes import filesystem
from holdfast.volumes.errors import DamagedFileSystemError, ForeignVolumeError, VolumeBusyError
from holdfast.volumes.mounts import mount_at, mounts_of
from holdfast.volumes.plain import PlainBackend


@pytest.fixture
def device(pool, attachable):
    volume = pool.create("p", 32 << 20, encrypted=False)
    return attachable(PlainBackend(), volume).attach(volume, None).device


@pytest.fixture
def target(tmp_path):
    made = tmp_path / "mnt with space"
    made.mkdir()
    yield made
    filesystem.unmount(made, lazy=True)


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_make_mount_write_unmount_check(kind, target, pool, attachable):
    volume = pool.create("large", 320 << 20, encrypted=False)  # mkfs.xfs wants 300 MiB
    device = attachable(PlainBackend(), volume).attach(volume, None).device
    filesystem.make(device, kind)
    assert filesystem.detect(device) == kind
    filesystem.mount(device, target)
    (target / "file").write_text("kept")
    options = run(["findmnt", "-n", "-o", "OPTIONS", str(target)]).stdout.decode()
    assert "nosuid" in options
    assert "nodev" in options
    filesystem.unmount(target)
    filesystem.check(device)
    filesystem.mount(device, target, readonly=True)
    assert (target / "file").read_text() == "kept"
    with pytest.raises(OSError, match="Read-only"):
        (target / "file").write_text("lost")


def test_unknown_kind(device):
    with pytest.raises(InvalidInputError):
        filesystem.make(device, "ntfs; reboot")


@pytest.mark.parametrize(
    ("offset", "data"),
    [
        pytest.param(0x438, b"\x53\xef", id="ext4"),
        pytest.param(0, b"XFSB", id="xfs"),
        pytest.param(0, b"LUKS\xba\xbe", id="luks"),
        pytest.param(510, b"\x55\xaa", id="partition-table"),
        pytest.param(0x10040, b"_BHRfS_M", id="btrfs"),
        pytest.param((32 << 20) - 512, b"EFI PART", id="backup-partition-table"),
        pytest.param(0, b"SQLite format 3", id="no-signature-just-data"),
    ],
)
def test_device_that_shows_anything_is_not_formatted(device, offset, data):
    with Path(device).open("r+b") as raw:
        raw.seek(offset)
        raw.write(data)
    with pytest.raises(ForeignVolumeError):
        filesystem.make(device)
    with Path(device).open("rb") as raw:
        raw.seek(offset)
        assert raw.read(len(data)) == data


def test_mounting_twice_is_no_error(device, target):
    filesystem.make(device)
    filesystem.mount(device, target)
    filesystem.mount(device, target)
    assert len(mounts_of(device)) == 1


def test_target_in_use_by_another_device(device, target, pool, attachable):
    filesystem.make(device)
    other = pool.create("q", 32 << 20, encrypted=False)
    second = attachable(PlainBackend(), other).attach(other, None).device
    filesystem.make(second)
    filesystem.mount(device, target)
    with pytest.raises(VolumeBusyError):
        filesystem.mount(second, target)
    assert mounts_of(second) == []


def test_target_through_symbolic_links_is_refused(device, tmp_path):
    filesystem.make(device)
    (tmp_path / "real" / "inner").mkdir(parents=True)
    (tmp_path / "last").symlink_to(tmp_path / "real")
    for name in ("last", "last/inner"):
        with pytest.raises(InvalidInputError):
            filesystem.mount(device, tmp_path / name)
    assert mounts_of(device) == []


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        pytest.param("missing", NotFoundError, id="missing"),
        pytest.param("file", InvalidInputError, id="file"),
        pytest.param("../x", InvalidInputError, id="parent"),
    ],
)
def test_target_that_is_no_directory(device, tmp_path, path, kind):
    filesystem.make(device)
    (tmp_path / "file").touch()
    with pytest.raises(kind):
        filesystem.mount(device, tmp_path / path)


def test_relative_target_is_refused(device, tmp_path, monkeypatch):
    filesystem.make(device)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    with pytest.raises(InvalidInputError):
        filesystem.mount(device, (tmp_path / "here").relative_to(tmp_path))


def test_open_file_blocks_unmount_but_not_lazy_unmount(device, target):
    filesystem.make(device)
    filesystem.mount(device, target)
    with (target / "open").open("w") as file:
        file.write("x")
        with pytest.raises(VolumeBusyError):
            filesystem.unmount(target)
        filesystem.unmount(target, lazy=True)
        assert mount_at(target) is None
    filesystem.unmount(target)


def test_blank_or_damaged_device_is_not_mounted(device, target):
    with pytest.raises(DamagedFileSystemError):
        filesystem.mount(device, target)
    with pytest.raises(DamagedFileSystemError):
        filesystem.check(device)
    filesystem.make(device)
    with Path(device).open("r+b") as raw:
        raw.seek(1024 + 0x18)
        raw.write(b"\xff" * 64)
        os.fsync(raw.fileno())
    with pytest.raises(DamagedFileSystemError):
        filesystem.mount(device, target)
    with pytest.raises(DamagedFileSystemError):
        filesystem.check(device)


def test_mounted_file_system_is_not_checked(device, target):
    filesystem.make(device)
    filesystem.mount(device, target)
    with pytest.raises(VolumeBusyError):
        filesystem.check(device)
