"""Snapshots, clones and restores on one node hold what was written, stand on their own, and belong to whom they should."""

# ruff: noqa: E501 (tables are read by row)

import base64
import os
import shutil
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from tests.support.node_under_test import new_node, release

from holdfast.errors import ConflictError, HoldfastError, InvalidInputError, PermissionDeniedError
from holdfast.model import SecretBytes
from holdfast.node.errors import OwnershipDeniedError, VolumeExistsError, VolumeIncompleteError
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.records import VolumeState
from holdfast.node.keys.secrets_service import SecretsService
from holdfast.node.volume.attach_service import AttachService
from holdfast.node.volume.snapshot_service import CloneSpec, SnapshotService
from holdfast.node.volume.usage_service import UsageService
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.policy.ownership import AccessControl, AccessType
from holdfast.process.run import run
from holdfast.providers import SecretNotFoundError, SecretRef
from holdfast.volumes.errors import PoolFullError, UnsupportedHeaderError, VolumeBusyError, WrongKeyError
from holdfast.volumes.filesystem_change import identity_of
from holdfast.volumes.luks_header import LuksHeader

MIB = 1 << 20
READ, WRITE = AccessType.READ, AccessType.WRITE


class Caller:
    """One user's calls to a node that has a cluster-wide key."""

    def __init__(self, t, name="alice"):
        self.t, self.name = t, name
        t.call(t.admin, SecretsService.set_cluster_key, t.node.secrets, "cluster-key", generate=True)

    def _call(self, operation, service, *args, **kwargs):
        return self.t.call(self.t.token(self.name), operation, service, *args, **kwargs)

    def volume(self, operation, *args, **kwargs):
        return self._call(operation, self.t.node.volumes, *args, **kwargs)

    def copy(self, operation, *args, **kwargs):
        return self._call(operation, self.t.node.snapshots, *args, **kwargs)

    def host(self, operation, *args, **kwargs):
        return self._call(operation, self.t.node.attachments, *args, **kwargs)

    def figures(self, operation, *args, **kwargs):
        return self._call(operation, self.t.node.usage, *args, **kwargs)

    def create(self, name="vol1", **fields):
        fields = {"size_bytes": 16 * MIB, "encrypted": True, **fields}
        return self.volume(VolumeService.create, VolumeSpec(name=name, **fields))

    def snapshot(self, name="snap1", of="vol1", **labels):
        return self.copy(SnapshotService.create, of, name, labels=labels)

    def clone(self, name="copy1", of="vol1", **fields):
        return self.copy(SnapshotService.clone, CloneSpec(name=name, parent=of, **fields))

    def mounted(self, name):
        target = self.t.host_root / name
        target.mkdir(exist_ok=True)
        self.host(AttachService.attach, name)
        self.host(AttachService.mount, name, str(target))
        return target

    def detach(self, name):
        self.host(AttachService.detach, name, unmount=True)

    def read(self, name):
        """Return what a volume holds, by file name, and leave it detached."""
        target = self.mounted(name)
        found = {path.name: path.read_bytes() for path in target.iterdir() if path.is_file()}
        self.detach(name)
        return found

    def header(self, name):
        return LuksHeader(self.t.devices.file(self.record(name)))

    def record(self, name):
        return Catalog(self.t.storage).find(name)

    def names(self):
        return {record.name for record in Catalog(self.t.storage).enumerate()}

    def pool_files(self):
        return {path.name for path in self.t.devices.pool.directory.iterdir() if path.suffix != ".lock"}


@pytest.fixture
def alice(under_test):
    return Caller(under_test)


def size_of(target):
    found = os.statvfs(target)
    return found.f_blocks * found.f_frsize


def written(target, **files):
    for name, data in files.items():
        (target / name).write_bytes(data)


@pytest.mark.parametrize(("encrypted", "file_system", "size"), [(False, "ext4", 16), (True, "xfs", 304)])
def test_snapshot_of_a_mounted_volume_is_what_comes_back(alice, encrypted, file_system, size):
    before = alice.create(encrypted=encrypted, file_system=file_system, size_bytes=size * MIB)
    target = alice.mounted("vol1")
    old = {"kept": os.urandom(3 * MIB), "changed": b"old", "removed": b"x" * 5000}
    written(target, **old)  # not synced: taking a snapshot does that
    snapshot = alice.snapshot(purpose="before")
    written(target, changed=b"new and longer", added=b"y")
    (target / "removed").unlink()
    with pytest.raises(VolumeBusyError, match="detach"):
        alice.copy(SnapshotService.restore, "vol1", "snap1")
    alice.detach("vol1")

    alice.copy(SnapshotService.restore, "vol1", "snap1")
    assert alice.read("vol1") == old
    after = alice.record("vol1")
    assert (after.id, after.uuid, after.name, after.size_bytes) == (
        before.id,
        before.uuid,
        "vol1",
        before.size_bytes,
    )
    assert after.state is VolumeState.READY
    assert alice.pool_files() == {f"{before.id}.img", f"{snapshot.id}.img"}
    alice.copy(SnapshotService.restore, "vol1", "snap1")  # as often as one likes
    assert alice.read("vol1") == old
    assert (snapshot.parent, snapshot.is_snapshot, dict(snapshot.labels)) == (
        before.id,
        True,
        {"purpose": "before"},
    )


def test_a_snapshot_is_one_moment_of_a_volume_that_is_written_all_the_time(alice):
    alice.create(size_bytes=32 * MIB)
    target = alice.mounted("vol1")
    written(target, first=b"0", second=b"0", bulk=os.urandom(8 * MIB))
    over = threading.Event()

    def count():
        number = 0
        while not over.is_set():
            number += 1
            for name in ("first", "second"):  # the second never gets ahead of the first
                with (target / name).open("r+b") as file:
                    file.write(b"%d" % number)
                    file.flush()
                    os.fsync(file.fileno())

    writer = threading.Thread(target=count)
    writer.start()
    try:
        while not int((target / "second").read_bytes()):
            over.wait(0.01)
        taken = [alice.snapshot(f"snap{number}").name for number in range(3)]
    finally:
        over.set()
        writer.join(60)
    alice.detach("vol1")
    moments = []
    for name in taken:
        found = alice.read(name)
        moments.append(int(found["second"]))
        assert 0 <= int(found["first"]) - moments[-1] <= 1
    assert moments == sorted(moments)
    assert moments[0] > 0


@pytest.mark.parametrize(("file_system", "size"), [("ext4", 16), ("xfs", 304)])
def test_snapshot_and_clone_are_mounted_beside_their_parent(alice, file_system, size):
    parent = alice.create(file_system=file_system, size_bytes=size * MIB)
    target = alice.mounted("vol1")
    written(target, letter=b"old")
    alice.snapshot()
    clone = alice.clone()
    written(target, letter=b"new")
    shown = alice.mounted("snap1")
    assert (shown / "letter").read_bytes() == b"old"
    with pytest.raises(OSError, match="Read-only"):
        (shown / "letter").write_bytes(b"z")
    own = alice.mounted("copy1")
    assert (own / "letter").read_bytes() == b"old"
    written(own, letter=b"the clone's")
    assert ((target / "letter").read_bytes(), (shown / "letter").read_bytes()) == (b"new", b"old")
    devices = [alice.t.devices.state(alice.record(name)).attachment.device for name in ("vol1", "copy1")]
    assert identity_of(devices[1]) == clone.uuid != identity_of(devices[0])
    assert len({alice.header(name).read().uuid for name in ("vol1", "snap1", "copy1")}) == 3
    for name in ("copy1", "snap1", "vol1"):
        alice.detach(name)
    assert alice.read("copy1") == {"letter": b"the clone's"}
    assert clone.parent == parent.id


def test_snapshot_opens_with_the_key_its_header_names_whatever_became_of_the_volumes_key(alice):
    alice.create(own_key=True)
    written(alice.mounted("vol1"), letter=b"old")
    alice.snapshot()
    alice.detach("vol1")
    rotated = alice.volume(VolumeService.rotate_key, "vol1")
    assert (alice.header("snap1").noted_key().reference.version, rotated.key.version) == (1, 2)
    assert alice.read("snap1") == {"letter": b"old"}
    alice.copy(SnapshotService.restore, "vol1", "snap1")
    assert alice.record("vol1").key.version == 1
    assert alice.read("vol1") == {"letter": b"old"}
    assert alice.volume(VolumeService.rotate_key, "vol1").key.version == 3
    assert alice.read("vol1") == {"letter": b"old"}


def test_a_volumes_own_key_goes_with_the_last_that_needs_it(alice):
    volume = alice.create(own_key=True)
    written(alice.mounted("vol1"), letter=b"old")
    alice.detach("vol1")
    alice.snapshot("snap1")
    alice.snapshot("snap2")
    secret = SecretRef(volume.key.name)
    report = alice.volume(VolumeService.delete, "vol1")
    assert report.own_key_destroyed is False
    assert any("snap1, snap2" in text or "snap2, snap1" in text for text in report.remarks)
    assert alice.read("snap1") == {"letter": b"old"}
    assert alice.volume(VolumeService.delete, "snap1").own_key_destroyed is False
    assert alice.read("snap2") == {"letter": b"old"}
    assert alice.volume(VolumeService.delete, "snap2").own_key_destroyed is True
    with pytest.raises(SecretNotFoundError):
        alice.t.provider.get(secret)
    assert alice.pool_files() == set()


def test_snapshots_deleted_at_once_leave_no_key_behind(alice):
    volume = alice.create(own_key=True)
    for number in range(3):
        alice.snapshot(f"snap{number}")
    reports = []
    threads = [
        threading.Thread(target=lambda name=name: reports.append(alice.volume(VolumeService.delete, name)))
        for name in ("vol1", "snap0", "snap1", "snap2")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(report.own_key_destroyed for report in reports) == [False, False, False, True]
    with pytest.raises(SecretNotFoundError):
        alice.t.provider.get(SecretRef(volume.key.name))


def volume_key(alice, name, key):
    printed = run(
        [
            "cryptsetup",
            "-q",
            "luksDump",
            "--dump-volume-key",
            "--key-file=-",
            str(alice.t.devices.file(alice.record(name)).path),
        ],
        stdin=key,
    ).stdout.decode()
    return printed.partition("MK dump:")[2]


@pytest.mark.parametrize("reencrypt", [False, True])
def test_clone_with_a_key_of_its_own(alice, reencrypt):
    alice.create()
    written(alice.mounted("vol1"), letter=b"old")
    alice.detach("vol1")
    clone = alice.clone(own_key=True, reencrypt=reencrypt)
    shared = alice.t.provider.get(SecretRef("cluster-key")).value
    own = alice.t.provider.get(SecretRef(clone.key.name)).value
    assert clone.key.name.endswith(clone.id)
    with pytest.raises(WrongKeyError):
        alice.header("copy1").verify(shared)
    with pytest.raises(WrongKeyError):
        alice.header("vol1").verify(own)
    same = volume_key(alice, "vol1", shared) == volume_key(alice, "copy1", own)
    assert same is not reencrypt
    assert alice.read("copy1") == alice.read("vol1") == {"letter": b"old"}
    assert alice.volume(VolumeService.delete, "copy1").own_key_destroyed is True
    assert alice.read("vol1") == {"letter": b"old"}


@pytest.mark.parametrize(
    ("parent", "clone", "origin"),
    [
        pytest.param({}, {}, "cluster", id="as-its-parent"),
        pytest.param({"own_key": True}, {}, "own", id="never-another-volumes-own"),
        pytest.param(
            {"own_key": True}, {"secret_name": "users/alice/key"}, "named", id="a-secret-that-was-named"
        ),
        pytest.param({"own_key": True}, {"secret_name": "default"}, "cluster", id="the-cluster-key"),
        pytest.param({"secret_name": "users/alice/key"}, {}, "named", id="as-its-parents-named-one"),
    ],
)
def test_which_key_a_clone_has(alice, parent, clone, origin):
    alice.t.provider.put(
        SecretRef("users/alice/key"), SecretBytes(base64.b64encode(os.urandom(32))), expected_version=0
    )
    volume = alice.create(**parent)
    made = alice.clone(**clone)
    assert made.key.origin == origin
    assert made.key.same_secret(volume.key) is (volume.key.origin == origin != "own")
    assert alice.header("copy1").noted_key().reference == made.key.reference()
    alice.volume(VolumeService.delete, "vol1")
    alice.host(AttachService.attach, "copy1")
    alice.detach("copy1")


def test_clone_of_a_volume_without_encryption_gets_no_key(alice):
    alice.create(encrypted=False)
    for fields in ({"own_key": True}, {"secret_name": "default"}, {"reencrypt": True}):
        with pytest.raises(ConflictError, match="not encrypted"):
            alice.clone(**fields)
    assert alice.clone().key is None


def test_whom_copies_belong_to(alice, under_test):
    bob = Caller(under_test, "bob")
    volume = alice.create()
    acls = AccessControl(collaborators={"bob": READ}, groups={"dev": WRITE})
    alice.volume(VolumeService.update, "vol1", acls=acls)
    owner = alice.record("vol1").ownership
    assert bob.snapshot("bobs-snap").ownership == owner
    with pytest.raises(OwnershipDeniedError):
        bob.volume(VolumeService.delete, "bobs-snap")
    bobs = bob.clone("bobs-clone").ownership
    assert (bobs.owner, bobs.acls) == ("bob", AccessControl())
    assert alice.clone("alices-clone").ownership == owner
    assert bob.clone("of-snap", of="bobs-snap").ownership.owner == "bob"
    with pytest.raises(OwnershipDeniedError):
        alice.clone("again", of="bobs-clone")
    carol = Caller(under_test, "carol")
    for forbidden in (
        lambda: carol.snapshot("c"),
        lambda: carol.clone("c"),
        lambda: carol.copy(SnapshotService.enumerate, volume.id),
    ):
        with pytest.raises(OwnershipDeniedError):
            forbidden()
    assert "c" not in alice.names()


def test_restoring_needs_the_right_to_read_the_snapshot(alice, under_test):
    """What the original does not check: whoever may write a volume could fetch any snapshot into it."""
    bob = Caller(under_test, "bob")
    alice.create()
    alice.snapshot()
    alice.volume(VolumeService.update, "vol1", acls=AccessControl(collaborators={"bob": WRITE}))
    with pytest.raises(OwnershipDeniedError, match="Access denied to volume snap1"):
        bob.copy(SnapshotService.restore, "vol1", "snap1")
    alice.volume(VolumeService.update, "snap1", acls=AccessControl(collaborators={"bob": READ}))
    bob.copy(SnapshotService.restore, "vol1", "snap1")
    alice.volume(VolumeService.update, "vol1", acls=AccessControl(collaborators={"bob": READ}))
    with pytest.raises(OwnershipDeniedError, match="Access denied to volume vol1"):
        bob.copy(SnapshotService.restore, "vol1", "snap1")


def test_only_a_snapshot_of_the_volume_itself_is_restored(alice):
    alice.create("vol1")
    alice.create("vol2")
    alice.snapshot("snap2", of="vol2")
    alice.clone("copy1")
    for reference in ("snap2", "copy1", "vol1", "vol2"):
        with pytest.raises(ConflictError, match="snapshot of this volume"):
            alice.copy(SnapshotService.restore, "vol1", reference)


def test_a_volume_is_not_given_up_for_a_snapshot_that_no_key_opens(alice):
    alice.create()
    written(alice.mounted("vol1"), letter=b"present")
    alice.detach("vol1")
    alice.snapshot()
    lost = SecretBytes(base64.b64encode(os.urandom(32)))
    alice.t.provider.put(SecretRef("users/alice/key"), lost, expected_version=0)
    alice.volume(VolumeService.rotate_key, "vol1", secret_name="users/alice/key")
    alice.t.provider.destroy(SecretRef("cluster-key"))
    with pytest.raises(SecretNotFoundError):
        alice.copy(SnapshotService.restore, "vol1", "snap1")
    assert alice.read("vol1") == {"letter": b"present"}


def test_snapshots_are_listed_to_who_may_read_them(alice, under_test):
    bob = Caller(under_test, "bob")
    volume = alice.create()
    first, second = alice.snapshot("snap1", tier="gold"), alice.snapshot("snap2", tier="tin")
    alice.create("vol2")
    other = alice.snapshot("snap3", of="vol2", tier="gold")
    alice.clone("copy1")
    listed = SnapshotService.enumerate_with_filters
    assert set(alice.copy(SnapshotService.enumerate, "vol1")) == {first.id, second.id}
    assert set(alice.copy(listed, labels={"tier": "gold"})) == {first.id, other.id}
    assert alice.copy(listed, "vol1", labels={"tier": "gold"}) == [first.id]
    assert bob.copy(listed) == []
    alice.volume(VolumeService.update, volume.id, acls=AccessControl(collaborators={"bob": READ}))
    assert bob.copy(SnapshotService.enumerate, "vol1") == []  # taken before bob was let in
    third = alice.snapshot("snap4")
    assert bob.copy(SnapshotService.enumerate, "vol1") == [third.id]


def test_the_same_request_again_makes_nothing_new(alice):
    alice.create()
    assert alice.snapshot().id == alice.snapshot().id
    assert alice.clone().id == alice.clone().id
    alice.create("vol2")
    for taken in (
        lambda: alice.snapshot("vol1"),
        lambda: alice.snapshot("snap1", of="vol2"),
        lambda: alice.clone("snap1"),
        lambda: alice.clone("copy1", of="vol2"),
    ):
        with pytest.raises(VolumeExistsError):
            taken()
    bob = Caller(alice.t, "bob")
    bob.create("bobs")
    with pytest.raises(VolumeExistsError, match="owned by another user"):
        bob.snapshot("snap1", of="bobs")
    assert alice.names() == {"vol1", "vol2", "snap1", "copy1", "bobs"}


HOSTILE = (
    "",
    ".",
    "..",
    "../x",
    "a/b",
    "a\0b",
    "-x",
    "1234",
    "x" * 129,
    "\u00fcmlaut",
    "a b",
    "a\n",
    "%2e%2e",
)


def test_hostile_names_make_nothing(alice):
    alice.create()
    for name in HOSTILE:
        for attempt in (
            lambda name=name: alice.snapshot(name),
            lambda name=name: alice.clone(name),
            lambda name=name: alice.snapshot("s", of=name),
            lambda name=name: alice.clone("s", of=name),
        ):
            with pytest.raises((InvalidInputError, PermissionDeniedError)):
                attempt()
    assert (alice.names(), len(alice.pool_files())) == ({"vol1"}, 1)


CHANGES = (
    lambda a: a.snapshot("again", of="snap1"),
    lambda a: a.volume(VolumeService.update, "snap1", size_bytes=32 * MIB),
    lambda a: a.host(AttachService.import_tree, "snap1", str(a.t.directory("tree"))),
    lambda a: a.copy(SnapshotService.restore, "snap1", "snap1"),
)


def test_a_snapshot_is_not_changed(alice):
    alice.create()
    alice.snapshot()
    stored = alice.t.devices.file(alice.record("snap1")).path.read_bytes()
    for attempt in CHANGES:
        with pytest.raises(ConflictError):
            attempt(alice)
    assert alice.t.devices.file(alice.record("snap1")).path.read_bytes() == stored


def test_copies_without_any_privilege(tmp_path):
    """The user-copy way: what was imported is in the snapshot, and in the clone, and comes back."""
    made = new_node(tmp_path, attaching=False)
    alice = Caller(made)
    alice.create()
    first, second, out = made.directory("first"), made.directory("second"), made.directory("out")
    (first / "letter").write_bytes(b"old")
    (second / "letter").write_bytes(b"new")
    alice.host(AttachService.import_tree, "vol1", str(first))
    alice.snapshot()
    alice.clone(own_key=True)
    alice.host(AttachService.import_tree, "vol1", str(second))
    alice.host(AttachService.export_tree, "copy1", str(out))
    assert (out / "letter").read_bytes() == b"old"
    alice.copy(SnapshotService.restore, "vol1", "snap1")
    shutil.rmtree(out)
    out.mkdir()
    alice.host(AttachService.export_tree, "vol1", str(out))
    assert (out / "letter").read_bytes() == b"old"


def many(alice):
    for number in range(5):
        alice.snapshot(f"more{number}")


def test_a_pool_without_room_takes_no_copy_and_keeps_the_volume(tmp_path):
    small = tmp_path / "pool"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=30m", "tmpfs", str(small)], check=True)
    made = new_node(tmp_path)
    try:
        alice = Caller(made)
        alice.create(encrypted=False)
        written(alice.mounted("vol1"), letter=os.urandom(8 * MIB))
        alice.detach("vol1")
        alice.snapshot("snap1")
        with pytest.raises(PoolFullError):
            many(alice)
        with pytest.raises(PoolFullError):
            alice.volume(VolumeService.update, "vol1", size_bytes=64 * MIB)
        assert len(alice.pool_files()) == len(alice.names())
        assert len(alice.read("vol1")["letter"]) == 8 * MIB
        assert alice.read("snap1") == alice.read("vol1")
    finally:
        release(made)
        subprocess.run(["umount", str(small)], check=True)


def test_a_volume_that_cannot_be_frozen_long_enough_is_let_go(alice, monkeypatch):
    alice.create(encrypted=False)
    target = alice.mounted("vol1")
    written(target, letter=b"x")
    real = type(alice.t.devices.pool).fill

    def slow(pool, draft, source, *, keep_going):
        if not draft.path.stat().st_size:  # while nothing is frozen yet
            return real(pool, draft, source, keep_going=keep_going)
        deadline = threading.Event()
        while not deadline.wait(0.05):
            keep_going()
        return real(pool, draft, source, keep_going=keep_going)

    monkeypatch.setattr(type(alice.t.devices.pool), "fill", slow)
    monkeypatch.setattr("holdfast.node.volume.copies.FREEZE_SECONDS", 0.3)
    with pytest.raises(VolumeBusyError, match="frozen"):
        alice.snapshot()
    written(target, letter=b"y")  # thawed
    assert (alice.names(), len(alice.pool_files())) == ({"vol1"}, 1)


def test_a_volume_that_is_half_re_encrypted_is_neither_copied_nor_made_larger(alice):
    alice.create()
    path = alice.t.devices.file(alice.record("vol1")).path
    begin = ["-q", "reencrypt", "--init-only", "--force-offline-reencrypt", "--key-file=-", str(path)]
    run(["cryptsetup", *begin], stdin=alice.t.provider.get(SecretRef("cluster-key")).value)
    stored = path.stat().st_size
    for attempt in (
        lambda: alice.snapshot("again"),
        alice.clone,
        lambda: alice.volume(VolumeService.update, "vol1", size_bytes=32 * MIB),
    ):
        with pytest.raises(UnsupportedHeaderError, match="re-encrypted"):
            attempt()
    assert (alice.names(), len(alice.pool_files()), path.stat().st_size) == ({"vol1"}, 1, stored)


def test_a_node_that_stops_ends_the_copies_it_makes(alice):
    alice.create()
    alice.t.node.copies.stop()
    with pytest.raises(HoldfastError, match="stopping"):
        alice.snapshot()
    assert (alice.names(), len(alice.pool_files())) == ({"vol1"}, 1)


def test_snapshots_amid_everything_else(alice):
    """Threads that snapshot, attach, detach, resize and delete end with a volume, or with none; never with half of one."""
    alice.create()
    written(alice.mounted("vol1"), letter=b"old")
    alice.detach("vol1")
    taken = []

    def snapshots(worker):
        for number in range(3):
            with suppress(HoldfastError):
                taken.append(alice.snapshot(f"snap-{worker}-{number}").name)

    def attachments():
        for _ in range(3):
            with suppress(HoldfastError):
                alice.mounted("vol1")
            with suppress(HoldfastError):
                alice.detach("vol1")

    def growth():
        for size in (17, 18, 19):
            with suppress(HoldfastError):
                alice.volume(VolumeService.update, "vol1", size_bytes=size * MIB)

    def removal():
        with suppress(HoldfastError):
            alice.volume(VolumeService.delete, "vol1")

    threads = [threading.Thread(target=snapshots, args=(worker,)) for worker in "ab"]
    threads += [threading.Thread(target=each) for each in (attachments, growth, removal)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(alice.pool_files()) == len(alice.names())
    for name in taken[:2]:
        assert alice.read(name) == {"letter": b"old"}


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


def test_usage_is_what_was_written_and_stats_what_the_device_did(alice):
    alice.create(size_bytes=256 * MIB)
    empty = alice.figures(UsageService.capacity_usage, "vol1").usage
    assert empty.total_bytes < 32 * MIB
    assert alice.figures(UsageService.stats, "vol1").counters is None
    target = alice.mounted("vol1")
    written(target, letter=os.urandom(40 * MIB))
    os.sync()
    full = alice.figures(UsageService.capacity_usage, "vol1").usage
    assert 40 * MIB <= full.total_bytes - empty.total_bytes < 150 * MIB  # ext4 writes its tables, too
    assert full.exclusive_bytes + full.shared_bytes == full.total_bytes
    counters = alice.figures(UsageService.stats, "vol1").counters
    assert counters.write_bytes >= 40 * MIB
    assert counters.writes > 0
    alice.detach("vol1")


def test_stats_count_from_the_attach_on_or_from_when_they_were_last_asked_for(alice):
    """Not what the device did before, for whichever volume it was there then."""
    alice.create(size_bytes=64 * MIB, encrypted=False)
    target = alice.mounted("vol1")
    written(target, letter=os.urandom(8 * MIB))
    os.sync()
    for since_last, is_there in ((True, True), (True, False), (False, True)):
        time.sleep(0.01)
        stats = alice.figures(UsageService.stats, "vol1", since_last=since_last)
        assert (stats.counters.write_bytes >= 8 * MIB) is is_there
        assert stats.interval_ms > 0
    alice.detach("vol1")
    assert alice.figures(UsageService.stats, "vol1", since_last=True).counters is None
    alice.mounted("vol1")  # on the same loop device, if no other test has it
    assert alice.figures(UsageService.stats, "vol1").counters.write_bytes < 8 * MIB
    alice.detach("vol1")


def test_a_node_that_starts_counts_anew(alice):
    alice.create(size_bytes=64 * MIB, encrypted=False)
    written(alice.mounted("vol1"), letter=os.urandom(8 * MIB))
    os.sync()
    assert alice.figures(UsageService.stats, "vol1").counters.write_bytes >= 8 * MIB
    alice.t.node.attachments.recover()
    assert alice.figures(UsageService.stats, "vol1").counters.write_bytes < 8 * MIB
    alice.detach("vol1")


def test_blocks_that_a_snapshot_shares_are_told_apart(tmp_path):
    """On a pool that can share blocks a snapshot takes a moment and no space, and says so."""
    image, pool = tmp_path / "pool.img", tmp_path / "pool"
    pool.mkdir()
    with image.open("wb") as file:
        file.truncate(400 * MIB)
    run(["mkfs.xfs", "-q", "-m", "reflink=1", str(image)])
    subprocess.run(["mount", "-o", "loop", str(image), str(pool)], check=True)
    made = new_node(tmp_path)
    try:
        alice = Caller(made)
        alice.create(encrypted=False, size_bytes=64 * MIB)
        target = alice.mounted("vol1")
        written(target, letter=os.urandom(20 * MIB))
        alice.snapshot()
        shared = alice.figures(UsageService.capacity_usage, "snap1").usage
        assert shared.shared_bytes >= 20 * MIB
        assert shared.exclusive_bytes < 4 * MIB
        written(target, letter=os.urandom(20 * MIB))
        alice.detach("vol1")
        assert alice.figures(UsageService.capacity_usage, "vol1").usage.exclusive_bytes >= 10 * MIB
        assert alice.read("snap1") != alice.read("vol1")
    finally:
        release(made)
        subprocess.run(["umount", str(pool)], check=True)


def test_a_removal_that_was_interrupted_is_finished_by_deleting_again(alice, monkeypatch):
    alice.create(own_key=True)
    alice.snapshot()
    monkeypatch.setattr(type(alice.t.devices.pool), "delete", interrupted)
    with pytest.raises(InterruptedError):
        alice.volume(VolumeService.delete, "vol1")
    monkeypatch.undo()
    for attempt in (
        lambda: alice.create(own_key=True),
        lambda: alice.snapshot("again"),
        lambda: alice.clone(of="vol1"),
        lambda: alice.host(AttachService.attach, "vol1"),
        lambda: alice.copy(SnapshotService.restore, "vol1", "snap1"),
    ):
        with pytest.raises(VolumeIncompleteError, match="delete it again"):
            attempt()
    alice.volume(VolumeService.delete, "vol1")
    assert alice.names() == {"snap1"}
    assert alice.volume(VolumeService.delete, "snap1").own_key_destroyed is True
    assert (alice.names(), alice.pool_files()) == (set(), set())


def interrupted(*_):
    raise InterruptedError
