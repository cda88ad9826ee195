"""Keys of volumes that are gone, left over because they could not be destroyed then: each has its turn."""

from threading import Event

import pytest

from holdfast.node.inventory.catalog import LEFTOVER_KEYS, Catalog
from holdfast.node.inventory.records import KeyNote, KeyOrigin
from holdfast.node.keys.leftover_keys import LOT
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.providers import ProviderDeniedError, ProviderUnavailableError, SecretNotFoundError, SecretRef

MANY = 5 * LOT + 7


class Site:
    """A node, its notes of leftover keys, and what its provider is asked to destroy."""

    def __init__(self, under_test, monkeypatch):
        self.t, self.catalog = under_test, Catalog(under_test.storage)
        self.refusals, self.tried = {}, []
        real = under_test.provider.destroy

        def destroy(ref):
            self.tried.append(ref.name)
            refusal = self.refusals.get(ref.name, self.refusals.get("all"))
            if refusal is not None:
                raise refusal
            real(ref)

        monkeypatch.setattr(under_test.provider, "destroy", destroy)

    def leave(self, *names, kind=None):
        for name in names:
            note = KeyNote(kind or self.t.provider.kind, name, "", 1, KeyOrigin.OWN)
            self.catalog.note_leftover_key(note)

    def left(self):
        return [name for name, _ in self.catalog.leftover_keys(limit=10_000)]

    def names(self):
        return [note.name for _, note in self.catalog.leftover_keys(limit=10_000) if note is not None]

    def look(self):
        """Look once; return how many keys were destroyed, and how many were tried."""
        self.tried.clear()
        return self.t.node.destroy_leftover_keys(Event()), len(self.tried)


@pytest.fixture
def site(under_test, monkeypatch):
    return Site(under_test, monkeypatch)


def looks(count):
    """So many looks go through that many notes, and begin again."""
    return -(-count // LOT) + 1


def test_a_key_that_could_not_be_destroyed_is_destroyed_later(site):
    alice, service = site.t.token("alice"), site.t.node.volumes
    spec = VolumeSpec(name="vol1", size_bytes=16 << 20, own_key=True)
    key = site.t.call(alice, VolumeService.create, service, spec).key
    site.refusals["all"] = ProviderUnavailableError("it is sealed")
    report = site.t.call(alice, VolumeService.delete, service, "vol1")
    assert report.own_key_destroyed is False
    assert "the node destroys it once it can" in report.remarks[0]
    assert site.look() == (0, 1)
    site.t.provider.get(SecretRef(key.name)).value.wipe()
    site.refusals.clear()
    assert site.look() == (1, 1)
    with pytest.raises(SecretNotFoundError):
        site.t.provider.get(SecretRef(key.name))
    assert site.look() == (0, 0)
    assert site.left() == []


def test_more_than_any_page_that_may_not_be_destroyed_keep_no_other_from_it(site):
    names = [f"key{number}" for number in range(MANY)]
    site.leave(*names)
    may = site.names()[-1]  # the last of all
    site.refusals.update({name: ProviderDeniedError("no rule for it") for name in names if name != may})
    seen = [site.look() for _ in range(looks(MANY))]
    assert sum(destroyed for destroyed, _ in seen) == 1
    assert max(tried for _, tried in seen) <= LOT
    assert may not in site.names()
    assert len(site.left()) == MANY - 1
    site.refusals.clear()  # and those that were refused have their turn again
    for _ in range(looks(MANY)):
        site.look()
    assert site.left() == []


def test_keys_of_another_provider_and_notes_that_cannot_be_read_are_no_obstacle(site, caplog):
    site.leave(*(f"other{number}" for number in range(LOT + 1)), kind="elsewhere")
    site.leave("mine")
    broken = [f"{number:032x}" for number in range(LOT + 1)]
    for name in broken:
        site.t.storage.write(lambda transaction, name=name: transaction.put(LEFTOVER_KEYS + name, b"canary"))
    for _ in range(2 * looks(len(site.left()))):
        site.look()
    assert len(site.left()) == 2 * (LOT + 1)
    assert "mine" not in site.names()
    told = [record.getMessage() for record in caplog.records if "cannot be read" in record.getMessage()]
    assert 1 <= len(told) <= looks(len(broken))  # each lot of them once, whatever the number of rounds
    assert not [line for line in told if "canary" in line]


def test_a_provider_that_is_away_is_asked_once_a_look_and_for_another_key_each_time(site, caplog):
    site.leave("key0", "key1", "key2")
    site.refusals["all"] = ProviderUnavailableError("it is sealed")
    asked = []
    for _ in range(4):
        assert site.look() == (0, 1)
        asked += site.tried
    assert sorted(asked[:3]) == ["key0", "key1", "key2"]
    assert asked[3] == asked[0]
    assert len([record for record in caplog.records if "it is sealed" in record.getMessage()]) == 1
    site.refusals.clear()
    assert sum(site.look()[0] for _ in range(2)) == 3


def test_one_key_for_which_the_provider_fails_each_time_starves_none(site):
    site.leave(*(f"key{number}" for number in range(5)))
    bad = site.names()[0]
    site.refusals[bad] = ProviderUnavailableError("it broke")
    for _ in range(2):
        site.look()
    assert site.names() == [bad]


def test_a_node_that_stops_begins_with_none(site):
    site.leave("key0")
    over = Event()
    over.set()
    assert site.t.node.destroy_leftover_keys(over) == 0
    assert site.names() == ["key0"]
