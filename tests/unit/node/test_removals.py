"""Who removed a volume may ask for it again, as answers get lost; nobody else learns that it was there."""

import pytest

from holdfast.errors import NotFoundError
from holdfast.node.errors import OwnershipDeniedError
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.removals import MOST_REMEMBERED, note_removal, was_removed_by
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.providers import ProviderDeniedError, ProviderUnavailableError, SecretNotFoundError, SecretRef
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


@pytest.mark.parametrize("then", ["at the next start", "with the next volume"])
def test_a_key_that_could_not_be_destroyed_is_destroyed_later(under_test, monkeypatch, then):
    alice = under_test.token("alice")
    for name in ("vol1", "vol2"):
        spec = VolumeSpec(name=name, size_bytes=16 << 20, own_key=True)
        under_test.call(alice, VolumeService.create, under_test.node.volumes, spec)
    key = Catalog(under_test.storage).find("vol1").key

    def away(*_):
        raise ProviderUnavailableError("it is sealed")

    with monkeypatch.context() as patched:
        patched.setattr(under_test.provider, "destroy", away)
        report = delete(under_test, alice, "vol1")
        assert under_test.node.volumes.recover() == 0
    assert report.own_key_destroyed is False
    assert "the node destroys it once it can" in report.remarks[0]
    under_test.provider.get(SecretRef(key.name)).value.wipe()
    if then == "at the next start":
        assert under_test.node.volumes.recover() == 1
    else:
        assert delete(under_test, alice, "vol2").own_key_destroyed is True
    with pytest.raises(SecretNotFoundError):
        under_test.provider.get(SecretRef(key.name))
    assert under_test.node.volumes.recover() == 0


def test_one_that_may_not_be_destroyed_keeps_no_other(under_test, monkeypatch):
    alice, destroy = under_test.token("alice"), under_test.provider.destroy
    for number in range(4):
        spec = VolumeSpec(name=f"vol{number}", size_bytes=16 << 20, own_key=True)
        under_test.call(alice, VolumeService.create, under_test.node.volumes, spec)

    def refuse(*_):
        raise ProviderDeniedError("no rule for it")

    with monkeypatch.context() as patched:
        patched.setattr(under_test.provider, "destroy", refuse)
        for number in range(4):
            delete(under_test, alice, f"vol{number}")
        first = Catalog(under_test.storage).leftover_keys()[0].name
        patched.setattr(
            under_test.provider, "destroy", lambda ref: (refuse if ref.name == first else destroy)(ref)
        )
        assert under_test.node.volumes.recover() == 3
    assert [note.name for note in Catalog(under_test.storage).leftover_keys()] == [first]
