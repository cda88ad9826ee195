"""A copy that is refused, fails or is asked for again leaves nothing behind, and the volume as it was."""

import os
import subprocess
import threading
from contextlib import suppress

import pytest
from tests.support.node_caller import Caller, written
from tests.support.node_under_test import new_node, release

from holdfast.errors import HoldfastError, InvalidInputError, PermissionDeniedError
from holdfast.node.errors import VolumeExistsError, VolumeIncompleteError
from holdfast.node.volume.attach_service import AttachService
from holdfast.node.volume.snapshot_service import SnapshotService
from holdfast.node.volume.volume_service import VolumeService
from holdfast.process.run import run
from holdfast.providers import SecretRef
from holdfast.volumes.errors import PoolFullError, UnsupportedHeaderError, VolumeBusyError

MIB = 1 << 20

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


def many(alice):
    for number in range(5):
        alice.snapshot(f"more{number}")


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


def test_snapshots_amid_everything_else(alice):
    """Threads that snapshot, attach, resize and delete end with a volume or none, never half of one."""
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
