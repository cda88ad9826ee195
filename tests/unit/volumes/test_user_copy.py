"""Trees go into the same LUKS2 file and come back byte for byte, also for a user without any privilege."""

import os
import shutil
import socket
import tempfile
from pathlib import Path

import pytest

from holdfast.errors import InvalidInputError, TooLargeError, UnavailableError
from holdfast.volumes import ext4_image, filesystem, user_copy
from holdfast.volumes.backend import select
from holdfast.volumes.dm_crypt import DmCryptBackend
from holdfast.volumes.errors import (
    DamagedFileSystemError,
    TruncatedVolumeError,
    VolumeBusyError,
    WrongKeyError,
)
from holdfast.volumes.key_reference import KeyReference
from holdfast.volumes.lifecycle import crypto_erase
from holdfast.volumes.luks_fuse import LuksFuseBackend
from holdfast.volumes.luks_header import HEADER_BYTES, LuksHeader
from holdfast.volumes.plain_view import open_plain_view
from holdfast.volumes.pool import Pool
from holdfast.volumes.user_copy import UserCopyBackend

NOBODY = 65534


@pytest.fixture
def tree(tmp_path):
    source = tmp_path / "source"
    (source / "a dir" / "name-canary").mkdir(parents=True)
    (source / "a dir" / "name-canary" / "big").write_bytes(os.urandom(1_500_000))
    (source / "empty").touch()
    (source / 'quote"and\nnewline').write_text("PLAINTEXT-CANARY")
    (source / "ümlaut").write_text("text")
    (source / "link").symlink_to("/etc/passwd")
    (source / "a dir").chmod(0o750)
    return source


@pytest.fixture
def out(tmp_path):
    made = tmp_path / "out"
    made.mkdir()
    return made


def listing(root):
    found = {}
    for place, folders, names in os.walk(root):
        for name in folders + names:
            path = Path(place) / name
            status = path.lstat()
            content = (
                str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else None
            )
            mode = None if path.is_symlink() else status.st_mode
            found[str(path.relative_to(root))] = (mode, content)
    return found


def test_round_trip(vol, key, tree, out):
    backend = UserCopyBackend()
    backend.import_tree(vol, key, tree)
    backend.export_tree(vol, key, out)
    assert listing(out) == listing(tree)


def test_backing_file_shows_no_plaintext(vol, key, tree):
    UserCopyBackend().import_tree(vol, key, tree)
    stored = vol.path.read_bytes()
    assert b"PLAINTEXT-CANARY" not in stored
    assert b"name-canary" not in stored
    assert stored[HEADER_BYTES + 0x438 : HEADER_BYTES + 0x43A] != b"\x53\xef"  # the magic of ext4


def test_import_replaces_what_was_there(vol, key, tree, out, tmp_path):
    backend = UserCopyBackend()
    backend.import_tree(vol, key, tree)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "only").write_text("x")
    backend.import_tree(vol, key, tmp_path / "other")
    backend.export_tree(vol, key, out)
    assert list(listing(out)) == ["only"]


def test_volume_is_the_one_that_a_mount_sees(vol, key, tree, out, tmp_path, attachable):
    """What one back end writes, the other reads, both ways."""
    UserCopyBackend().import_tree(vol, key, tree)
    fuse = attachable(LuksFuseBackend(tmp_path / "run"), vol)
    device = fuse.attach(vol, key).device
    filesystem.check(device)
    mounted = tmp_path / "mnt"
    mounted.mkdir()
    filesystem.mount(device, mounted)
    try:
        seen = listing(mounted)
        seen.pop("lost+found")
        assert seen == listing(tree)
        (mounted / "added").write_text("through the mount")
        with pytest.raises(VolumeBusyError):
            UserCopyBackend().export_tree(vol, key, out)
    finally:
        filesystem.unmount(mounted)
    fuse.detach(vol)
    UserCopyBackend().export_tree(vol, key, out)
    assert (out / "added").read_text() == "through the mount"


def test_without_any_privilege(key, tree):
    """The whole way as nobody: no root, no FUSE, no loop device, no group."""
    place = Path(tempfile.mkdtemp(prefix="holdfast-test-"))
    try:
        shutil.copytree(tree, place / "source", symlinks=True)
        (place / "out").mkdir()
        for path in [place, *place.rglob("*")]:
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        # Forked, not started anew: nobody may not read the interpreter where it lives in root's home.
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
                whole_way(place, key)
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert listing(place / "out") == listing(place / "source")
        assert (place / "pool" / "v.img").stat().st_uid == NOBODY
    finally:
        shutil.rmtree(place)


def whole_way(place, key):
    chosen = select([DmCryptBackend(), LuksFuseBackend(), UserCopyBackend()])
    assert chosen.backend.name == "user-copy"
    assert ["root" in why for _, why in chosen.passed_over] == [True, True]
    volume = Pool(place / "pool").create("v", 16 << 20)
    LuksHeader(volume).format(key, KeyReference("file", "k"))
    chosen.backend.import_tree(volume, key, place / "source")
    chosen.backend.export_tree(volume, key, place / "out")
    assert crypto_erase(volume).destroyed == (0,)


@pytest.mark.parametrize("operation", ["import", "export"])
def test_wrong_key_changes_nothing(vol, new_key, tree, out, operation):
    before = vol.path.read_bytes()
    backend = UserCopyBackend()
    call = {"import": lambda: backend.import_tree(vol, new_key(), tree),
            "export": lambda: backend.export_tree(vol, new_key(), out)}[operation]  # fmt: skip
    with pytest.raises(WrongKeyError):
        call()
    assert vol.path.read_bytes() == before
    assert list(out.iterdir()) == []


def too_large(tree):
    (tree / "huge").touch()
    os.truncate(tree / "huge", 1 << 30)


def fills_up(tree):
    (tree / "full").write_bytes(os.urandom(15 << 20))


def many_files(tree):
    for number in range(5000):
        (tree / str(number)).touch()


def a_socket(tree):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tree / "socket"))


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        pytest.param(too_large, TooLargeError, id="larger-than-the-volume"),
        pytest.param(fills_up, TooLargeError, id="no-room-beside-metadata"),
        pytest.param(many_files, TooLargeError, id="more-files-than-inodes"),
        pytest.param(a_socket, InvalidInputError, id="socket"),
        pytest.param(lambda tree: os.mkfifo(tree / "fifo"), InvalidInputError, id="fifo"),
        pytest.param(shutil.rmtree, InvalidInputError, id="missing"),
    ],
)
def test_tree_that_cannot_be_imported_leaves_the_volume_as_it_was(vol, key, tree, out, tmp_path, spoil, kind):
    backend = UserCopyBackend()
    backend.import_tree(vol, key, tree)
    kept = listing(tree)
    spoil(tree)
    with pytest.raises(kind):
        backend.import_tree(vol, key, tree)
    backend.export_tree(vol, key, out)
    assert listing(out) == kept


def test_export_refuses_a_directory_in_use(vol, key, tree, out):
    backend = UserCopyBackend()
    backend.import_tree(vol, key, tree)
    (out / "mine").touch()
    with pytest.raises(InvalidInputError):
        backend.export_tree(vol, key, out)


def test_export_of_a_blank_volume(vol, key, out):
    with pytest.raises(DamagedFileSystemError):
        UserCopyBackend().export_tree(vol, key, out)


def test_truncated_volume_is_refused(vol, key, out):
    os.truncate(vol.path, vol.path.stat().st_size - 4096)
    with pytest.raises(TruncatedVolumeError):
        UserCopyBackend().export_tree(vol, key, out)


def test_import_cut_short_leaves_no_mixture(vol, key, tree, out, monkeypatch):
    backend = UserCopyBackend()
    backend.import_tree(vol, key, tree)
    real, calls = user_copy._chunk, []

    def crashing(image, offset):
        calls.append(offset)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(image, offset)

    with monkeypatch.context() as patch:
        patch.setattr(user_copy, "_chunk", crashing)
        with pytest.raises(KeyboardInterrupt):
            backend.import_tree(vol, key, tree)
    with pytest.raises(DamagedFileSystemError):
        backend.export_tree(vol, key, out)
    assert list(out.iterdir()) == []


def test_hostile_names_inside_the_volume_do_not_escape(vol, key, tree, out):
    """Somebody with the key may write any bytes: a name with a slash must not leave the destination."""
    backend = UserCopyBackend()
    (tree / "XXYescaped").write_text("out of bounds")
    backend.import_tree(vol, key, tree)
    view = open_plain_view(str(vol.path), vol.uuid, vol.size, key.view())
    for offset in range(0, vol.size, 4096):
        block = view.read(offset, 4096)
        if b"XXYescaped" in block:
            view.write(offset, memoryview(block.replace(b"XXYescaped", b"../escaped")))
    view.close()
    with pytest.raises(DamagedFileSystemError):
        backend.export_tree(vol, key, out)
    assert not (out.parent / "escaped").exists()


def test_memory_is_asked_for_before_it_is_used():
    ext4_image.require_memory(1 << 20)
    with pytest.raises(UnavailableError):
        ext4_image.require_memory(1 << 60)


def test_copies_that_have_begun_are_counted_before_they_have_used_their_memory():
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    third = free // 3  # twice that is there, and not twice two of them
    with ext4_image.memory_for(third):
        with pytest.raises(UnavailableError), ext4_image.memory_for(third):
            pass
        with ext4_image.memory_for(1):
            pass
    with ext4_image.memory_for(third):
        pass
