"""Snapshots and clones belong to whom they should, and each is used and listed by its own rights."""

import pytest
from tests.support.node_caller import Caller

from holdfast.node.errors import OwnershipDeniedError
from holdfast.node.volume.snapshot_service import SnapshotService
from holdfast.node.volume.volume_service import VolumeService
from holdfast.policy.ownership import AccessControl, AccessType

MIB = 1 << 20
READ, WRITE = AccessType.READ, AccessType.WRITE


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
