"""The luks-fuse back end on this machine: real header, real daemon, real loop device, real mounts."""

import base64
import contextlib
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from tests.support.store_talk import eventually

from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.process.capabilities import has_capability
from holdfast.process.run import run
from holdfast.volumes import filesystem, loop, luks_fuse, teardown
from holdfast.volumes.backend import AttachStage
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
from holdfast.volumes.lifecycle import crypto_erase, rotate_key
from holdfast.volumes.luks_fuse import LuksFuseBackend
from holdfast.volumes.luks_header import HEADER_BYTES, LuksHeader
from holdfast.volumes.mounts import all_mounts
from holdfast.volumes.plain_view import open_plain_view
from holdfast.volumes.pool import Pool

SIZE = 64 << 20
REFERENCE = KeyReference("vault", "secret/hf/vol1", 3)
CAP_SYS_RESOURCE = 24


def random_key():
    return SecretBytes(base64.b64encode(os.urandom(32)))


@pytest.fixture
def pool(tmp_path):
    return Pool(tmp_path / "pool")


@pytest.fixture
def key():
    return random_key()


@pytest.fixture
def vol(pool, key):
    volume = pool.create("vol1", SIZE)
    LuksHeader(volume).format(key, REFERENCE)
    return volume


@pytest.fixture
def backend(tmp_path, vol):
    made = LuksFuseBackend(tmp_path / "run")
    yield made
    with contextlib.suppress(VolumeBusyError):
        made.detach(vol, force=True)


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


def write_synced(path, data):
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def daemons_of(backend, vol):
    return [int(process) for process in backend.status(vol).attachment.details["daemons"].split()]


def gone(process):
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes() == b""
    except FileNotFoundError:
        return True


def test_whole_way(vol, key, backend, target, tmp_path):
    assert backend.status(vol).stage is AttachStage.DETACHED
    attachment = backend.attach(vol, key)
    assert list((tmp_path / "run").iterdir()) == []
    assert all(mount.kind != "fuse" or mount.target.parent != tmp_path / "run" for mount in all_mounts())
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
    processes = daemons_of(backend, vol)
    backend.detach(vol)
    assert backend.status(vol).stage is AttachStage.DETACHED
    assert all(gone(process) for process in processes)
    stored = vol.path.read_bytes()
    assert b"CANARY" not in stored
    assert content["file-19"][:64] not in stored

    device = backend.attach(vol, key).device
    filesystem.mount(device, target)
    assert {path.name: path.read_bytes() for path in target.glob("file-*")} == content


def test_whole_way_of_a_volume_that_grows_while_it_is_read_and_written(vol, key, backend, target):
    device = backend.attach(vol, key).device
    old, new = os.urandom(1 << 20), os.urandom(1 << 20)
    with Path(device).open("r+b", buffering=0) as raw:
        raw.seek(SIZE - len(old))
        raw.write(old)
        os.fsync(raw)
    larger = Pool(vol.path.parent).grow(vol, 2 * SIZE)
    with Path(device).open("rb") as raw:
        assert raw.seek(0, os.SEEK_END) == SIZE
    backend.grow(larger)
    backend.grow(larger)
    with Path(device).open("r+b", buffering=0) as raw:
        assert raw.seek(0, os.SEEK_END) == 2 * SIZE
        raw.seek(2 * SIZE - len(new))
        raw.write(new)
        os.fsync(raw)
        raw.seek(SIZE - len(old))
        assert raw.read(len(old)) == old
    backend.detach(vol)
    with Path(backend.attach(larger, key).device).open("rb") as raw:
        raw.seek(SIZE - len(old))
        assert raw.read(len(old)) == old
        raw.seek(2 * SIZE - len(new))
        assert raw.read(len(new)) == new


def test_device_shows_what_the_header_and_the_cipher_say(vol, key, backend):
    """The daemon against an independent path: bytes written below, by hand, come out of the device."""
    device = backend.attach(vol, key).device
    data = os.urandom(1 << 20)
    with Path(device).open("r+b") as raw:
        raw.seek(8 << 20)
        raw.write(data)
    backend.detach(vol)
    view = open_plain_view(str(vol.path), vol.uuid, vol.size, key.view())
    try:
        assert view.read(8 << 20, 1 << 20) == data
        view.write(0, memoryview(bytearray(b"B" * 4096)))
        view.write(vol.size - 4096, memoryview(bytearray(b"E" * 4096)))
    finally:
        view.close()
    device = backend.attach(vol, key, readonly=True).device
    with Path(device).open("rb") as raw:
        assert raw.read(4096) == b"B" * 4096
        raw.seek(-4096, os.SEEK_END)
        assert raw.tell() == vol.size - 4096
        assert raw.read() == b"E" * 4096


def test_passphrase_opens_the_same_volume(vol, key, backend, target):
    passphrase = SecretBytes(b"correct horse battery staple")
    LuksHeader(vol).add_key(key, passphrase)
    assert filesystem.detect(backend.attach(vol, passphrase).device) is None


def test_readonly_attachment(vol, key, backend, mounted):
    (mounted / "file").write_text("kept")
    filesystem.unmount(mounted)
    backend.detach(vol)
    before = vol.path.read_bytes()
    attachment = backend.attach(vol, key, readonly=True)
    assert attachment.readonly
    filesystem.mount(attachment.device, mounted, readonly=True)
    assert (mounted / "file").read_text() == "kept"
    with pytest.raises(OSError, match=r"ermitted|Read-only"):
        Path(attachment.device).write_bytes(bytes(4096))
    filesystem.unmount(mounted)
    backend.detach(vol)
    assert vol.path.read_bytes() == before


def truncated(vol):
    os.truncate(vol.path, HEADER_BYTES + SIZE - 4096)


def header_lost(vol):
    with vol.path.open("r+b") as file:
        file.write(bytes(HEADER_BYTES))


def foreign(vol):
    run(["cryptsetup", "-q", "luksUUID", "--uuid", "00000000-0000-4000-8000-000000000000", str(vol.path)])


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
        pytest.param(lambda vol: LuksHeader(vol).erase(), ErasedVolumeError, id="erased"),
    ],
)
def test_spoiled_volume_is_not_attached(vol, key, backend, spoil, kind):
    spoil(vol)
    with pytest.raises(kind):
        backend.attach(vol, key)
    assert_nothing_left(vol, backend)


def test_half_re_encrypted_volume_is_not_attached(vol, key, backend):
    half_re_encrypted(vol, key)
    with pytest.raises(UnsupportedHeaderError, match="re-encrypted"):
        backend.attach(vol, key)
    assert_nothing_left(vol, backend)


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        pytest.param(lambda key: random_key(), WrongKeyError, id="another-key"),
        pytest.param(lambda key: SecretBytes(key.reveal() + b"\n"), WrongKeyError, id="newline-added"),
        pytest.param(lambda key: SecretBytes(b""), InvalidInputError, id="empty"),
        pytest.param(lambda key: SecretBytes(bytes(4097)), InvalidInputError, id="huge"),
        pytest.param(lambda key: None, InvalidInputError, id="none"),
    ],
)
def test_wrong_key_attaches_nothing(vol, key, backend, wrong, kind):
    before = vol.path.read_bytes()
    with pytest.raises(kind):
        backend.attach(vol, wrong(key))
    assert_nothing_left(vol, backend)
    assert vol.path.read_bytes() == before


def assert_nothing_left(vol, backend):
    assert loop.find(vol.uuid) is None
    assert luks_fuse._daemons(vol.uuid) == []
    assert not [mount for mount in all_mounts() if mount.target.name == vol.uuid]
    backend.detach(vol)


def test_only_one_of_many_attaches_wins(vol, key, backend, tmp_path):
    outcomes = []

    def attach(number):
        try:
            outcomes.append(LuksFuseBackend(tmp_path / f"run-{number}").attach(vol, key))
        except VolumeBusyError:
            outcomes.append(None)

    threads = [threading.Thread(target=attach, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 4
    assert len([outcome for outcome in outcomes if outcome]) == 1


def test_second_daemon_on_one_image_is_refused(vol, key, backend, tmp_path):
    """Also without our lock file: the daemon holds the data itself."""
    backend.attach(vol, key)
    file = tmp_path / "second"
    file.touch()
    with pytest.raises(VolumeBusyError):
        luks_fuse._start_daemon(vol, key, file, readonly=False)


def test_mounted_volume_is_not_detached(vol, backend, mounted):
    with pytest.raises(VolumeBusyError, match="mounted"):
        backend.detach(vol)
    (mounted / "still").write_text("works")


def test_forced_detach_of_a_mounted_volume(vol, key, backend, mounted):
    write_synced(mounted / "synced", b"kept")
    backend.detach(vol, force=True)
    assert backend.status(vol).stage is AttachStage.DETACHED
    device = backend.attach(vol, key).device
    filesystem.mount(device, mounted)
    assert (mounted / "synced").read_bytes() == b"kept"


def test_detaching_twice_is_no_error(vol, key, backend):
    backend.attach(vol, key)
    backend.detach(vol)
    backend.detach(vol)
    backend.detach(vol, force=True)


def test_node_restart_finds_attachments_again(vol, key, backend, mounted, tmp_path):
    attachment = backend.status(vol).attachment
    after_restart = LuksFuseBackend(tmp_path / "run")
    assert attachment in after_restart.recover()
    state = after_restart.status(vol)
    assert (state.stage, state.mounts) == (AttachStage.ATTACHED, (mounted,))
    filesystem.unmount(mounted)
    after_restart.detach(vol)
    assert attachment not in after_restart.recover()


def test_an_attach_of_another_node_of_this_host_is_left_alone(vol, key, backend, tmp_path):
    """Each node has a directory of its own for what it is about to attach."""
    file = backend._make_mount_point(vol.uuid)
    luks_fuse._start_daemon(vol, key, file, readonly=False)
    LuksFuseBackend(tmp_path / "run-of-another").recover()
    assert any(mount.target == file for mount in all_mounts())
    assert luks_fuse._daemons(vol.uuid)
    backend.recover()


def test_attach_that_died_half_way_is_cleaned_up(vol, key, backend):
    """The node was killed between starting the daemon and setting up the loop device."""
    file = backend._make_mount_point(vol.uuid)
    luks_fuse._start_daemon(vol, key, file, readonly=False)
    assert luks_fuse._daemons(vol.uuid)
    backend.recover()
    eventually(lambda: not luks_fuse._daemons(vol.uuid))
    assert_nothing_left(vol, backend)
    backend.attach(vol, key)


def test_killed_daemon_loses_nothing_synced(vol, key, backend, mounted):
    for number in range(50):
        write_synced(mounted / f"synced-{number}", bytes([number]) * 5000)
    processes = daemons_of(backend, vol)
    for process in processes:
        os.kill(process, signal.SIGKILL)
    eventually(lambda: all(gone(process) for process in processes))
    with pytest.raises(OSError, match=r"Input/output|Read-only"):
        write_synced(mounted / "late", b"x")
    assert backend.status(vol).stage is AttachStage.BROKEN
    with pytest.raises(VolumeBusyError):
        backend.detach(vol)
    backend.detach(vol, force=True)
    assert backend.status(vol).stage is AttachStage.DETACHED

    device = backend.attach(vol, key).device
    filesystem.mount(device, mounted)
    found = {path.name: path.read_bytes() for path in mounted.glob("synced-*")}
    assert found == {f"synced-{number}": bytes([number]) * 5000 for number in range(50)}
    filesystem.unmount(mounted)
    filesystem.check(device)


def test_hung_daemon_is_detached_by_force(vol, key, backend, mounted):
    write_synced(mounted / "synced", b"kept")
    (mounted / "not-synced").write_bytes(bytes(1 << 20))
    for process in daemons_of(backend, vol):
        os.kill(process, signal.SIGSTOP)
    started = time.monotonic()
    backend.detach(vol, force=True)
    assert time.monotonic() - started < 60
    assert backend.status(vol).stage is AttachStage.DETACHED
    filesystem.mount(backend.attach(vol, key).device, mounted)
    assert (mounted / "synced").read_bytes() == b"kept"


def test_full_pool_fails_the_write_and_recovers(key, tmp_path):
    """The image is sparse: its pool may fill up under it. An error, then service as before."""
    disk, place = tmp_path / "disk", tmp_path / "small"
    place.mkdir()
    disk.touch()
    os.truncate(disk, 64 << 20)
    run(["mkfs.ext4", "-q", "-m", "0", str(disk)])
    run(["mount", "-o", "loop", str(disk), str(place)])
    backend, target = LuksFuseBackend(tmp_path / "run"), tmp_path / "mnt"
    target.mkdir()
    vol = Pool(place / "pool").create("v", 32 << 20)
    try:
        LuksHeader(vol).format(key, REFERENCE)
        device = backend.attach(vol, key).device
        filesystem.make(device)
        filesystem.mount(device, target)
        write_synced(target / "before", b"kept")
        filler = place / "filler"
        with contextlib.suppress(OSError):
            write_synced(filler, bytes(64 << 20))
        with pytest.raises(OSError, match=r"space|Input/output"):
            write_synced(target / "during", os.urandom(12 << 20))
        filler.unlink()
        filesystem.unmount(target)
        filesystem.mount(device, target)
        assert (target / "before").read_bytes() == b"kept"
        write_synced(target / "after", b"works again")
    finally:
        filesystem.unmount(target, lazy=True)
        backend.detach(vol, force=True)
        run(["umount", str(place)])


def test_stale_data_never_comes_back(vol, key, backend, target):
    """A device full of old data, and a file system that relies on holes it punched reading as zeros."""
    device = backend.attach(vol, key).device
    with Path(device).open("r+b") as raw:
        raw.write(b"A" * SIZE)
        raw.flush()
        os.fsync(raw.fileno())
    run(["mkfs.ext4", "-q", "-F", "-E", "nodiscard", device])
    run(["mount", "-o", "dioread_lock", device, str(target)])
    for number in range(64):
        with (target / str(number)).open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, 32768)
            file.seek(12288)
            file.write(b"w" * 4096)
            os.fsync(file.fileno())
    filesystem.unmount(target)
    Path("/proc/sys/vm/drop_caches").write_text("1")
    filesystem.mount(device, target)
    expected = bytes(12288) + b"w" * 4096 + bytes(16384)
    assert all((target / str(number)).read_bytes() == expected for number in range(64))


def test_zeroing_the_device_zeroes(vol, key, backend):
    device = filled_with_a(backend.attach(vol, key).device)
    run(["blkdiscard", "-z", device])
    assert first_megabyte(device) == bytes(1 << 20)


def test_discarding_promises_nothing_and_changes_nothing(vol, key, backend):
    """The kernel takes a refused discard for a hint that was not followed, so only the data can tell."""
    device = filled_with_a(backend.attach(vol, key).device)
    run(["blkdiscard", device])
    assert first_megabyte(device) == b"A" * (1 << 20)


def filled_with_a(device):
    with Path(device).open("r+b") as raw:
        raw.write(b"A" * (1 << 20))
        raw.flush()
        os.fsync(raw.fileno())
    return device


def first_megabyte(device):
    Path("/proc/sys/vm/drop_caches").write_text("1")
    with Path(device).open("rb") as raw:
        return raw.read(1 << 20)


def test_key_is_nowhere_to_be_seen_during_attach(vol, key, backend, tmp_path):
    """Every process's arguments and environment, over and over while attaching, and the directories after."""
    volume_key_line = run(
        ["cryptsetup", "-q", "luksDump", "--dump-volume-key", "--key-file=-", str(vol.path)], stdin=key
    ).stdout.decode()
    volume_key = bytes.fromhex("".join(volume_key_line.partition("MK dump:")[2].split()))
    raw = base64.b64decode(key.reveal())
    needles = [
        form
        for secret in (raw, volume_key, volume_key[:32], volume_key[32:])
        for form in (secret, secret.hex().encode(), base64.b64encode(secret))
    ]
    seen, scans, stop = set(), [], threading.Event()

    def scan():
        while not stop.is_set():
            for entry in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    with contextlib.suppress(OSError):
                        content = (entry / name).read_bytes()
                        seen.update(needle for needle in needles if needle in content)
            scans.append(len(seen))

    watcher = threading.Thread(target=scan)
    watcher.start()
    try:
        times = 0
        while times < 3 or len(scans) < 5:  # on a busy machine a look takes long
            backend.attach(vol, key)
            backend.detach(vol)
            times += 1
        backend.attach(vol, key)
    finally:
        stop.set()
        watcher.join()
    assert seen == set()
    for place in (tmp_path / "run", tmp_path / "pool"):
        for path in place.rglob("*"):
            content = path.read_bytes() if path.is_file() else b""
            assert not any(needle in content for needle in needles)


def test_daemon_keeps_its_memory_private(vol, key, backend):
    backend.attach(vol, key)
    for process in daemons_of(backend, vol):
        limits = Path(f"/proc/{process}/limits").read_text()
        (core,) = [line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core")]
        assert core == ["0", "0"]
        status = Path(f"/proc/{process}/status").read_text()
        (locked,) = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmLck")]
        assert locked > 4096
        spared = "-1000" if has_capability(CAP_SYS_RESOURCE) else "0"
        assert Path(f"/proc/{process}/oom_score_adj").read_text().strip() == spared
        # Not dumpable: the kernel hands its files in /proc to root, and a debugger of its user is refused.
        environment = Path(f"/proc/{process}/environ").read_bytes().rstrip(b"\0").split(b"\0")
        assert {entry.partition(b"=")[0] for entry in environment} <= {b"LC_ALL", b"PATH"}


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


def test_attached_volume_is_not_erased(vol, key, backend, mounted):
    with pytest.raises(VolumeBusyError):
        crypto_erase(vol)
    filesystem.unmount(mounted)
    backend.detach(vol)
    crypto_erase(vol)
    with pytest.raises(ErasedVolumeError):
        backend.attach(vol, key)


def test_device_held_open_by_others(vol, key, backend, monkeypatch):
    """Detaching tells the truth about a device that somebody still reads; it goes when they let go."""
    monkeypatch.setattr(teardown, "SETTLE_SECONDS", 0.2)
    with Path(backend.attach(vol, key).device).open("rb"), pytest.raises(VolumeBusyError, match="last user"):
        backend.detach(vol)
    monkeypatch.undo()
    backend.detach(vol)
    assert_nothing_left(vol, backend)
