"""Authenticated encryption: whoever changes the backing file makes reads fail. Needs a device-mapper.

Hosts without one run this in a guest: see ``test_guest``.
"""

import errno
import os
from pathlib import Path

import pytest

from holdfast.errors import UnsupportedError
from holdfast.model import SecretBytes
from holdfast.process.run import run
from holdfast.providers.generate import random_key
from holdfast.volumes import filesystem, integrity, loop
from holdfast.volumes.at_rest import at_rest
from holdfast.volumes.backend import AttachStage
from holdfast.volumes.dm_crypt import WORK, DmCryptBackend, map_volume
from holdfast.volumes.errors import UnsupportedHeaderError, VolumeBusyError
from holdfast.volumes.integrity import finish_growth, format_volume, grow
from holdfast.volumes.integrity_copy import reencrypt_by_copy
from holdfast.volumes.key_reference import KeyReference
from holdfast.volumes.lifecycle import rotate_key
from holdfast.volumes.lock import volume_lock
from holdfast.volumes.luks_fuse import LuksFuseBackend
from holdfast.volumes.luks_header import HEADER_BYTES, LuksHeader
from holdfast.volumes.pool import Pool
from holdfast.volumes.reencryption import reencrypt
from holdfast.volumes.user_copy import UserCopyBackend

SIZE, LARGER = 4 << 20, 5 << 20  # the guest encrypts some 2 MiB in a second
REFERENCE = KeyReference("file", "bench", 1)

pytestmark = pytest.mark.skipif(not DmCryptBackend().probe().integrity, reason="no dm-integrity here")


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A volume formatted once, and its key; tests work on copies of it."""
    vol = Pool(tmp_path_factory.mktemp("integrity")).create("vol1", SIZE, integrity=True)
    key = random_key()
    with volume_lock(vol):
        format_volume(vol, key, REFERENCE)
    assert loop.find(vol.uuid) is None
    return vol, key


@pytest.fixture
def key(template):
    return SecretBytes(template[1].reveal())


@pytest.fixture
def vol(tmp_path, template):
    original, _ = template
    volume = Pool(tmp_path / "pool").create("vol1", SIZE, uuid=original.uuid, integrity=True)
    run(["cp", str(original.path), str(volume.path)])
    return volume


@pytest.fixture
def backend(vol):
    made = DmCryptBackend()
    yield made
    made.detach(vol, force=True)
    assert loop.find(vol.uuid) is None
    assert vol.uuid not in run(["dmsetup", "ls"]).stdout.decode()


@pytest.fixture
def target(tmp_path, backend):
    made = tmp_path / "mnt"
    made.mkdir()
    yield made
    filesystem.unmount(made, lazy=True)


def read_all(device):
    """Return the content, past every cache."""
    return run(["dd", f"if={device}", "bs=64k", "iflag=direct", "status=none"]).stdout


def test_a_changed_byte_of_the_backing_file_gives_an_error(vol, key, backend):
    device = backend.attach(vol, key).device
    written = os.urandom(1 << 20)
    with Path(device).open("r+b") as opened:
        assert opened.seek(0, os.SEEK_END) >= SIZE
        opened.seek(0)
        opened.write(written)
        opened.flush()
        os.fsync(opened.fileno())
    assert read_all(device)[: len(written)] == written
    backend.detach(vol)

    stored = vol.path.read_bytes()
    # Behind the kernel's block, its journal and the first tags; the middle of what was just written.
    place = HEADER_BYTES + (1 << 20)
    changed = bytes([stored[place] ^ 1])
    with vol.path.open("r+b") as file:
        file.seek(place)
        file.write(changed)
    descriptor = os.open(backend.attach(vol, key, readonly=True).device, os.O_RDONLY)
    errors = []
    try:
        for offset in range(0, len(written), 4096):
            try:
                assert os.pread(descriptor, 4096, offset) == written[offset : offset + 4096]
            except OSError as error:
                errors.append(error.errno)
    finally:
        os.close(descriptor)
    assert errors
    assert len(errors) < len(written) // 4096
    assert set(errors) <= {errno.EIO, errno.EILSEQ}


def test_files_a_rotation_and_a_copy_of_it_in_use(vol, key, backend, target, tmp_path):
    """The copy has blocks in its journal alone; it reads well nevertheless, and for reading only as well."""
    device = backend.attach(vol, key).device
    filesystem.make(device)
    filesystem.mount(device, target)
    content = os.urandom(300_000)
    (target / "letter").write_bytes(content)
    fresh = random_key()
    rotate_key(vol, key, fresh, KeyReference("file", "bench", 2))
    pool = Pool(tmp_path / "copies")
    with pool.draft(vol) as draft:
        pool.fill(draft, vol, keep_going=lambda: None)  # while it is being written
        (target / "second").write_bytes(content)
        with at_rest(backend.status(vol), seconds=600) as still:
            pool.fill(draft, vol, keep_going=still)
            expected = read_all(device)
        (target / "letter").write_bytes(b"later")
        filesystem.unmount(target)
        backend.detach(vol)
        draft.path.replace(vol.path)

    map_volume(vol, fresh, mark=WORK)  # as if the node had died at work on it
    assert backend.status(vol).stage is AttachStage.DETACHED
    assert backend.attach(vol, fresh, readonly=True).readonly
    assert read_all(device) == expected
    filesystem.mount(device, target, readonly=True)
    assert (target / "letter").read_bytes() == (target / "second").read_bytes() == content


def test_work_that_a_crash_cut_short_leaves_no_mapping(vol, key, backend):
    map_volume(vol, key, mark=WORK)
    with volume_lock(vol):
        assert backend.recover() == []
        assert loop.find(vol.uuid)  # somebody may be at it
    assert backend.recover() == []
    assert loop.find(vol.uuid) is None


def test_formatting_that_was_cut_short_is_begun_anew(vol, key, backend):
    run(["cryptsetup", "token", "remove", "--token-id", "0", str(vol.path)])
    with vol.path.open("r+b") as file:  # as if the last blocks had no tag yet
        file.seek(HEADER_BYTES + (1 << 20))
        file.write(os.urandom(2 << 20))
    backend.attach(vol, key)  # as if the node had died with the mapping in place
    with volume_lock(vol):
        format_volume(vol, key, REFERENCE)
    assert LuksHeader(vol).noted_key().reference == REFERENCE
    assert not read_all(backend.attach(vol, key).device).strip(b"\0")


def test_it_grows_and_gets_another_volume_key_and_keeps_what_it_holds(vol, key, backend, monkeypatch):
    pool, header = Pool(vol.path.parent), LuksHeader(vol)
    device = backend.attach(vol, key).device
    content = os.urandom(300_000)
    with Path(device).open("r+b") as opened:
        end = opened.seek(0, os.SEEK_END)
        for place in (0, end - len(content)):
            opened.seek(place)
            opened.write(content)
    for change in (
        lambda: grow(pool, vol, LARGER, key),
        lambda: reencrypt_by_copy(pool, vol, key, advance=print),
    ):
        with pytest.raises(VolumeBusyError, match="detach it first"):
            change()
    backend.detach(vol)

    with monkeypatch.context() as patched:  # as if the node had died with the last blocks still to be written
        patched.setattr(integrity, "_write_tags", lambda *_, **__: 1 // 0)
        with pytest.raises(ZeroDivisionError), volume_lock(vol):
            grow(pool, vol, LARGER, key)
    with pytest.raises(UnsupportedHeaderError, match="resize it again"):
        backend.attach(vol, key)
    with volume_lock(vol):
        grown = grow(pool, vol, SIZE, key)
        assert grown.size == LARGER
        finish_growth(vol)

    told = []
    old_volume_key = header.read().metadata["digests"]
    assert reencrypt_by_copy(pool, grown, key, advance=told.append) == ()
    assert header.noted_key().reference == REFERENCE
    assert header.read().metadata["digests"] != old_volume_key
    backend.attach(grown, key)
    found = read_all(device)
    assert len(found) == told[-1] >= LARGER
    assert found[: len(content)] == found[end - len(content) : end] == content
    assert not found[len(content) : end - len(content)].strip(b"\0")
    assert not found[end:].strip(b"\0")


def test_trees(vol, key, backend, tmp_path):
    source, destination = tmp_path / "source", tmp_path / "destination"
    for made in (source, destination):
        made.mkdir()
    content = os.urandom(200_000)
    (source / "letter").write_bytes(content)
    UserCopyBackend().import_tree(vol, key, source)
    UserCopyBackend().export_tree(vol, key, destination)
    assert (destination / "letter").read_bytes() == content
    assert loop.find(vol.uuid) is None


def test_what_it_cannot_do_is_refused(vol, key, tmp_path):
    with pytest.raises(UnsupportedError, match="by copying it"):
        reencrypt(vol, key)
    with pytest.raises(UnsupportedHeaderError, match="only dm-crypt"):
        LuksFuseBackend(tmp_path / "run").attach(vol, key)


def test_a_header_without_integrity_is_no_substitute(vol, key, backend):
    """Whoever can write the backing file must not be able to switch it off."""
    plainer = Pool(vol.path.parent / "other").create("vol1", vol.area_bytes, uuid=vol.uuid)
    LuksHeader(plainer).format(key, REFERENCE)
    run(["cp", "--sparse=always", str(plainer.path), str(vol.path)])
    with pytest.raises(UnsupportedHeaderError, match="has it no more"):
        backend.attach(vol, key)
