"""Who removed a volume may ask for it again, as answers get lost; nobody else learns that it was there."""

import pytest

from holdfast.errors import NotFoundError
from holdfast.node.errors import OwnershipDeniedError
from holdfast.node.inventory.removals import MOST_REMEMBERED, note_removal, was_removed_by
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.storage.memory import MemoryStorage


@pytest.fixture
def gone(under_test):
    """The id of a volume that alice made and removed."""
    alice, spec = under_test.token("alice"), VolumeSpec(name="vol1", size_bytes=16 << 20)
    record = under_test.call(alice, VolumeService.create, under_test.node.volumes, spec)
    under_test.call(alice, VolumeService.delete, under_test.node.volumes, "vol1")
    return record.id


def delete(under_test, token, reference):
    return under_test.call(token, VolumeService.delete, under_test.node.volumes, reference)


def test_who_removed_it_is_told_that_it_is_gone(under_test, gone):
    for _ in range(2):
        report = delete(under_test, under_test.token("alice"), gone)
        assert (report.volume_id, report.remarks) == (gone, ("it was removed before",))
    assert under_test.sink.lines[-1]["reason"] == "was removed by this user before"


def test_nobody_else_is(under_test, gone):
    with pytest.raises(OwnershipDeniedError):
        delete(under_test, under_test.token("bob"), gone)
    with pytest.raises(NotFoundError):
        delete(under_test, under_test.admin, gone)
    with pytest.raises(OwnershipDeniedError):
        under_test.call(under_test.token("alice"), VolumeService.inspect, under_test.node.volumes, gone)


def test_a_name_may_be_anothers_by_now(under_test, gone):
    spec = VolumeSpec(name="vol1", size_bytes=16 << 20)
    under_test.call(under_test.token("bob"), VolumeService.create, under_test.node.volumes, spec)
    with pytest.raises(OwnershipDeniedError):
        delete(under_test, under_test.token("alice"), "vol1")


def test_guests_are_remembered_for_nothing():
    storage = MemoryStorage()
    storage.write(lambda transaction: note_removal(transaction, "", "1"))
    assert not was_removed_by(storage, "", "1")


def test_only_the_last_are_remembered():
    storage = MemoryStorage()
    for number in range(MOST_REMEMBERED + 1):
        storage.write(lambda transaction, number=number: note_removal(transaction, "alice", str(number)))
    remembered = [
        number for number in range(MOST_REMEMBERED + 1) if was_removed_by(storage, "alice", str(number))
    ]
    assert remembered == list(range(1, MOST_REMEMBERED + 1))
