"""A snapshot and a clone hold what the volume held at that moment, and a restore brings back just that."""

import os
import shutil
import threading

import pytest
from tests.support.node_caller import Caller, written
from tests.support.node_under_test import new_node

from holdfast.errors import ConflictError
from holdfast.node.inventory.records import VolumeState
from holdfast.node.volume.attach_service import AttachService
from holdfast.node.volume.snapshot_service import SnapshotService
from holdfast.node.volume.volume_service import VolumeService
from holdfast.volumes.errors import VolumeBusyError
from holdfast.volumes.filesystem_change import identity_of

MIB = 1 << 20


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


def test_only_a_snapshot_of_the_volume_itself_is_restored(alice):
    alice.create("vol1")
    alice.create("vol2")
    alice.snapshot("snap2", of="vol2")
    alice.clone("copy1")
    for reference in ("snap2", "copy1", "vol1", "vol2"):
        with pytest.raises(ConflictError, match="snapshot of this volume"):
            alice.copy(SnapshotService.restore, "vol1", reference)


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
