"""The dm-crypt back end on a host with device-mapper: real header, real mapping, real mounts.

Hosts without one run this in a guest: see ``test_guest``.
"""

import base64
import contextlib
import os
import threading
import time
import uuid
from pathlib import Path

import pytest
from tests.vm import visitor

from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.process.run import ChildTimedOutError, run
from holdfast.volumes import data_lock, dm_crypt, fencing, filesystem, filesystem_change, loop, teardown
from holdfast.volumes.at_rest import at_rest
from holdfast.volumes.backend import AttachStage, select
from holdfast.volumes.dm_crypt import DmCryptBackend
from holdfast.volumes.errors import (
    DamagedHeaderError,
    ErasedVolumeError,
    ForeignVolumeError,
    TruncatedVolumeError,
    UnsupportedHeaderError,
    VolumeBusyError,
    WrongKeyError,
)
from holdfast.volumes.key_reference import KeyReference
from holdfast.volumes.lease_file import LeasedVolume
from holdfast.volumes.lifecycle import crypto_erase, rotate_key
from holdfast.volumes.luks_fuse import LuksFuseBackend
from holdfast.volumes.luks_header import HEADER_BYTES, LuksHeader
from holdfast.volumes.plain_view import open_plain_view
from holdfast.volumes.pool import Pool

SIZE = 16 << 20
REFERENCE = KeyReference("vault", "secret/hf/vol1", 3)
VISITOR = os.environ.get("HOLDFAST_VISITOR", "")  # the directory of a volume made on another host

pytestmark = pytest.mark.skipif(
    not DmCryptBackend().probe().usable, reason=f"no dm-crypt here: {DmCryptBackend().probe().why_not}"
)


def random_key():
    return SecretBytes(base64.b64encode(os.urandom(32)))


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """A volume formatted once, and its key; tests work on copies of it."""
    made = random_key()
    volume = Pool(tmp_path_factory.mktemp("template")).create("vol1", SIZE)
    LuksHeader(volume).format(made, REFERENCE)
    return volume, made


@pytest.fixture
def key(template):
    return SecretBytes(template[1].reveal())


@pytest.fixture
def vol(tmp_path, template):
    original, _ = template
    volume = Pool(tmp_path / "pool").create("vol1", SIZE, uuid=original.uuid)
    run(["cp", "--sparse=always", str(original.path), str(volume.path)])
    return volume


@pytest.fixture
def backend(vol):
    """The back end; whatever a test attached is gone after it, and so is every trace in the kernel."""
    made = DmCryptBackend()
    yield made
    made.detach(vol, force=True)
    assert_nothing_left(vol)


@pytest.fixture
def target(tmp_path, backend):
    made = tmp_path / "mnt"
    made.mkdir()
    yield made
    filesystem.unmount(made, lazy=True)


@pytest.fixture
def mounted(vol, key, backend, target):
    attachment = backend.attach(vol, key)
    filesystem.make(attachment.device)
    filesystem.mount(attachment.device, target)
    return target


def assert_nothing_left(vol):
    assert loop.find(vol.uuid) is None
    assert not Path(dm_crypt.device_path(vol.uuid)).exists()
    assert vol.uuid not in run(["dmsetup", "ls"]).stdout.decode()


def wait_for(condition):
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def write_synced(path, data):
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def test_it_is_preferred_where_it_works(tmp_path):
    chosen = select([DmCryptBackend(), LuksFuseBackend(tmp_path / "run")])
    assert (chosen.backend.name, chosen.passed_over) == ("dm-crypt", ())


def test_a_target_that_the_kernel_lacks_is_noticed_beforehand():
    assert dm_crypt._has_target("crypt")
    assert not dm_crypt._has_target("no-such-target")


def test_whole_way(vol, key, backend, target):
    assert backend.status(vol).stage is AttachStage.DETACHED
    attachment = backend.attach(vol, key)
    filesystem.make(attachment.device)
    filesystem.mount(attachment.device, target)
    content = {f"file-{number}": os.urandom(number * 10_007) for number in range(20)}
    for name, data in content.items():
        (target / name).write_bytes(data)
    (target / "NAME-CANARY").write_text("CONTENT-CANARY")
    state = backend.status(vol)
    assert (state.stage, state.attachment, state.mounts) == (AttachStage.ATTACHED, attachment, (target,))

    filesystem.unmount(target)
    assert backend.status(vol).stage is AttachStage.ATTACHED
    filesystem.check(attachment.device)
    backend.detach(vol)
    assert backend.status(vol).stage is AttachStage.DETACHED
    assert_nothing_left(vol)
    stored = vol.path.read_bytes()
    assert b"CANARY" not in stored
    assert content["file-19"][:64] not in stored

    filesystem.mount(backend.attach(vol, key).device, target)
    assert {path.name: path.read_bytes() for path in target.glob("file-*")} == content


def test_device_has_the_size_that_was_asked_for(vol, key, backend):
    with Path(backend.attach(vol, key).device).open("rb") as device:
        assert device.seek(0, os.SEEK_END) == SIZE


def test_kernel_and_our_own_cipher_agree(vol, key, backend):
    """What the kernel wrote is what our reader decrypts, at the first block, the last, and in between."""
    places = (0, 4096, 8 << 20, SIZE - 4096)
    written = {place: os.urandom(4096) for place in places}
    with Path(backend.attach(vol, key).device).open("r+b") as device:
        for place, data in written.items():
            device.seek(place)
            device.write(data)
        device.flush()
        os.fsync(device.fileno())
    backend.detach(vol)
    view = open_plain_view(str(vol.path), vol.uuid, vol.size, key.view())
    try:
        assert {place: view.read(place, 4096) for place in places} == written
    finally:
        view.close()


def test_volume_kept_by_luks_fuse_is_opened_and_the_reverse(vol, key, backend, mounted, tmp_path):
    (mounted / "by-dm-crypt").write_bytes(b"1" * 70_001)
    filesystem.unmount(mounted)
    backend.detach(vol)
    other = LuksFuseBackend(tmp_path / "run")
    device = other.attach(vol, key).device
    filesystem.check(device)
    filesystem.mount(device, mounted)
    (mounted / "by-luks-fuse").write_bytes(b"2" * 70_001)
    filesystem.unmount(mounted)
    other.detach(vol)
    device = backend.attach(vol, key).device
    filesystem.check(device)
    filesystem.mount(device, mounted)
    found = {path.name: path.read_bytes() for path in mounted.glob("by-*")}
    assert found == {"by-dm-crypt": b"1" * 70_001, "by-luks-fuse": b"2" * 70_001}


@pytest.mark.skipif(not VISITOR, reason="nobody handed over a volume that was made on another host")
def test_volume_made_on_another_host():
    visitor.check(Path(VISITOR), DmCryptBackend(), {"home"})
    visitor.write(Path(VISITOR), DmCryptBackend(), "abroad")


def test_readonly_attachment_changes_nothing(vol, key, backend, mounted):
    (mounted / "file").write_text("kept")
    filesystem.unmount(mounted)
    backend.detach(vol)
    before = vol.path.read_bytes()
    attachment = backend.attach(vol, key, readonly=True)
    assert attachment.readonly
    assert backend.status(vol).attachment == attachment
    filesystem.mount(attachment.device, mounted, readonly=True)
    assert (mounted / "file").read_text() == "kept"
    with pytest.raises(OSError, match=r"ermitted|Read-only"):
        Path(attachment.device).write_bytes(bytes(4096))
    filesystem.unmount(mounted)
    backend.detach(vol)
    assert vol.path.read_bytes() == before


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        pytest.param(lambda key: random_key(), WrongKeyError, id="another-key"),
        pytest.param(lambda key: SecretBytes(key.reveal() + b"\n"), WrongKeyError, id="newline-added"),
        pytest.param(lambda key: SecretBytes(key.reveal()[:-1]), WrongKeyError, id="one-byte-short"),
        pytest.param(lambda key: SecretBytes(b""), InvalidInputError, id="empty"),
        pytest.param(lambda key: SecretBytes(bytes(4097)), InvalidInputError, id="huge"),
        pytest.param(lambda key: None, InvalidInputError, id="none"),
    ],
)
def test_wrong_key_attaches_nothing(vol, key, backend, wrong, kind):
    before = vol.path.read_bytes()
    with pytest.raises(kind):
        backend.attach(vol, wrong(key))
    assert_nothing_left(vol)
    assert vol.path.read_bytes() == before


def truncated(vol, key):
    os.truncate(vol.path, HEADER_BYTES + SIZE - 4096)


def header_lost(vol, key):
    with vol.path.open("r+b") as file:
        file.write(bytes(HEADER_BYTES))


def foreign(vol, key):
    run(["cryptsetup", "-q", "luksUUID", "--uuid", "00000000-0000-4000-8000-000000000000", str(vol.path)])


def erased(vol, key):
    LuksHeader(vol).erase()


def half_re_encrypted(vol, key):
    run(
        ["cryptsetup", "-q", "reencrypt", "--init-only", "--force-offline-reencrypt", "--pbkdf", "pbkdf2",
         "--pbkdf-force-iterations", "1000", "--key-file=-", str(vol.path)],
        stdin=key,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        pytest.param(truncated, TruncatedVolumeError, id="truncated-image"),
        pytest.param(header_lost, DamagedHeaderError, id="header-lost"),
        pytest.param(foreign, ForeignVolumeError, id="another-volume"),
        pytest.param(erased, ErasedVolumeError, id="erased"),
        pytest.param(half_re_encrypted, UnsupportedHeaderError, id="half-re-encrypted"),
    ],
)
def test_spoiled_volume_is_not_attached(vol, key, backend, spoil, kind):
    spoil(vol, key)
    with pytest.raises(kind):
        backend.attach(vol, key)
    assert_nothing_left(vol)


def test_only_one_of_many_attaches_wins(vol, key, backend):
    outcomes = []

    def attach():
        try:
            outcomes.append(DmCryptBackend().attach(vol, key))
        except VolumeBusyError:
            outcomes.append(None)

    threads = [threading.Thread(target=attach) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 4
    assert len([outcome for outcome in outcomes if outcome]) == 1


def test_two_back_ends_never_serve_one_volume(vol, key, backend, tmp_path):
    other = LuksFuseBackend(tmp_path / "run")
    backend.attach(vol, key)
    with pytest.raises(VolumeBusyError):
        other.attach(vol, key)
    backend.detach(vol)
    other.attach(vol, key)
    with pytest.raises(VolumeBusyError):
        backend.attach(vol, key)
    other.detach(vol)


def test_snapshot_of_a_mounted_volume_holds_what_was_written(vol, key, backend, mounted):
    (mounted / "letter").write_bytes(b"old" * 100_000)  # not synced: freezing does that
    copy = Pool(vol.path.parent).volume("copy", vol.size, str(uuid.uuid4()))
    pool = Pool(vol.path.parent)
    with pool.draft(copy) as draft:
        with at_rest(backend.status(vol)) as still:
            pool.fill(draft, vol, keep_going=still)
        LuksHeader(draft).set_identity()
        pool.publish(draft)
    (mounted / "letter").write_bytes(b"new")
    filesystem.unmount(mounted)
    try:
        filesystem.mount(backend.attach(copy, key, readonly=True).device, mounted, readonly=True)
        assert (mounted / "letter").read_bytes() == b"old" * 100_000
        filesystem.unmount(mounted)
    finally:
        backend.detach(copy, force=True)
    filesystem.mount(backend.status(vol).attachment.device, mounted)
    assert (mounted / "letter").read_bytes() == b"new"


def test_a_mounted_volume_grows(vol, key, backend, mounted):
    (mounted / "letter").write_bytes(b"old")
    larger = Pool(vol.path.parent).grow(vol, 2 * SIZE)
    backend.grow(larger)
    device = backend.status(vol).attachment.device
    with Path(device).open("rb") as raw:
        assert raw.seek(0, os.SEEK_END) == 2 * SIZE
    assert filesystem_change.grows_while_mounted("ext4")
    filesystem_change.grow_mounted(device, "ext4", mounted)
    found = os.statvfs(mounted)
    assert found.f_blocks * found.f_frsize > 1.5 * SIZE
    content = os.urandom(SIZE)
    write_synced(mounted / "more", content)
    filesystem.unmount(mounted)
    filesystem.check(device)
    backend.detach(larger)
    filesystem.mount(backend.attach(larger, key).device, mounted)
    assert (mounted / "letter").read_bytes() == b"old"
    assert (mounted / "more").read_bytes() == content


def test_mounted_volume_is_not_detached(vol, backend, mounted):
    with pytest.raises(VolumeBusyError, match="mounted"):
        backend.detach(vol)
    (mounted / "still").write_text("works")


def test_forced_detach_of_a_mounted_volume(vol, key, backend, mounted):
    write_synced(mounted / "synced", b"kept")
    backend.detach(vol, force=True)
    assert_nothing_left(vol)
    filesystem.mount(backend.attach(vol, key).device, mounted)
    assert (mounted / "synced").read_bytes() == b"kept"


def test_forced_detach_below_an_open_file_takes_effect_with_its_last_user(vol, backend, mounted, monkeypatch):
    monkeypatch.setattr(teardown, "SETTLE_SECONDS", 0.2)
    with (mounted / "file").open("wb") as file:
        with pytest.raises(VolumeBusyError, match="last user"):
            backend.detach(vol, force=True)
        assert backend.status(vol).mounts == ()
        file.write(b"the user notices nothing")
        file.flush()
        os.fsync(file.fileno())
    wait_for(lambda: backend.status(vol).stage is AttachStage.DETACHED)
    assert_nothing_left(vol)


def test_device_held_open_by_others_stays_whole(vol, key, backend):
    with Path(backend.attach(vol, key).device).open("rb") as reader:
        with pytest.raises(VolumeBusyError):
            backend.detach(vol)
        assert backend.status(vol).stage is AttachStage.ATTACHED
        assert len(reader.read(4096)) == 4096
    backend.detach(vol)
    assert_nothing_left(vol)


def test_a_node_whose_lease_ran_out_is_cut_off_below_an_open_file(vol, backend, mounted, monkeypatch):
    monkeypatch.setattr(teardown, "SETTLE_SECONDS", 0.2)
    leased = LeasedVolume(
        id=vol.id, path=str(vol.path), size=vol.size, uuid=vol.uuid, encrypted=True, working=False
    )
    with (mounted / "file").open("wb", buffering=0) as file:
        file.write(b"kept")
        os.fsync(file.fileno())
        assert fencing.cut_off(leased, [backend]) == ""
        with pytest.raises(OSError, match="Input/output error"):
            os.fsync(file.write(b"lost") and file.fileno())
        fencing.take_away(leased, [backend])
    wait_for(lambda: fencing.take_away(leased, [backend]) == "")
    assert_nothing_left(vol)
    assert not data_lock.is_taken(str(vol.path))


def test_the_backing_file_of_a_mapped_volume_is_locked(vol, key, backend):
    """As when another host shares the pool, and finds no device of this one."""
    backend.attach(vol, key)
    assert data_lock.is_taken(str(vol.path))
    with pytest.raises(VolumeBusyError, match="another process"):
        loop.attach(str(vol.path), backend="other", uuid="of-another-host", lock_at=HEADER_BYTES)


def test_detaching_twice_is_no_error(vol, key, backend):
    backend.attach(vol, key)
    backend.detach(vol)
    backend.detach(vol)
    backend.detach(vol, force=True)


def test_node_restart_finds_attachments_again(vol, key, backend, mounted):
    attachment = backend.status(vol).attachment
    after_restart = DmCryptBackend()
    assert attachment in after_restart.recover()
    state = after_restart.status(vol)
    assert (state.stage, state.mounts) == (AttachStage.ATTACHED, (mounted,))
    filesystem.unmount(mounted)
    after_restart.detach(vol)
    assert attachment not in after_restart.recover()


def test_attach_that_died_half_way_is_cleaned_up(vol, key, backend):
    """The node was killed between setting up the loop device and mapping it."""
    loop.attach(str(vol.path), backend="dm-crypt", uuid=vol.uuid)
    assert backend.status(vol).stage is AttachStage.BROKEN
    backend.recover()
    assert_nothing_left(vol)
    backend.attach(vol, key)


def test_attach_that_is_cut_off_after_mapping_leaves_nothing(vol, key, backend, monkeypatch):
    real = dm_crypt.cryptsetup

    def too_slow(*arguments, **given):
        ended = real(*arguments, **given)
        if "open" in arguments:
            raise ChildTimedOutError("cryptsetup", ended)

    monkeypatch.setattr(dm_crypt, "cryptsetup", too_slow)
    with pytest.raises(ChildTimedOutError):
        backend.attach(vol, key)
    assert_nothing_left(vol)


def test_key_is_nowhere_to_be_seen_during_attach(vol, key, backend):
    """Every process's arguments and environment, over and over while attaching, and the directories after."""
    printed = run(
        ["cryptsetup", "-q", "luksDump", "--dump-volume-key", "--key-file=-", str(vol.path)], stdin=key
    ).stdout.decode()
    volume_key = bytes.fromhex("".join(printed.partition("MK dump:")[2].split()))
    raw = base64.b64decode(key.reveal())
    needles = [
        form
        for secret in (raw, volume_key, volume_key[:32], volume_key[32:])
        for form in (secret, secret.hex().encode(), base64.b64encode(secret))
    ]
    mapping = f"hf-{vol.uuid}".encode()
    leaks, sightings, stop = set(), 0, threading.Event()

    def scan():
        nonlocal sightings
        while not stop.is_set():
            for entry in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    with contextlib.suppress(OSError):
                        content = (entry / name).read_bytes()
                        sightings += mapping in content
                        leaks.update(needle for needle in needles if needle in content)

    watcher = threading.Thread(target=scan)
    watcher.start()
    try:
        deadline = time.monotonic() + 300
        while sightings < 3 and time.monotonic() < deadline:
            backend.attach(vol, key)
            backend.detach(vol)
    finally:
        stop.set()
        watcher.join()
    assert sightings >= 3  # cryptsetup was seen at work, so its secrets would have been
    assert leaks == set()
    for path in vol.path.parent.iterdir():
        assert not any(needle in path.read_bytes() for needle in needles)


def test_rotation_while_mounted(vol, key, backend, mounted):
    """The header changes, the mount does not notice, and the old key is out."""
    write_synced(mounted / "before", b"1")
    fresh = random_key()
    rotate_key(vol, key, fresh, KeyReference("vault", "secret/hf/vol1", 4))
    write_synced(mounted / "after", b"2")
    filesystem.unmount(mounted)
    backend.detach(vol)
    with pytest.raises(WrongKeyError):
        backend.attach(vol, key)
    filesystem.mount(backend.attach(vol, fresh).device, mounted)
    assert (mounted / "before").read_bytes() + (mounted / "after").read_bytes() == b"12"


def test_attached_volume_is_neither_erased_nor_deleted(vol, key, backend, mounted):
    with pytest.raises(VolumeBusyError):
        crypto_erase(vol)
    with pytest.raises(VolumeBusyError):
        Pool(vol.path.parent).delete(vol)
    filesystem.unmount(mounted)
    backend.detach(vol)
    assert crypto_erase(vol).destroyed == (0,)
    with pytest.raises(ErasedVolumeError):
        backend.attach(vol, key)
