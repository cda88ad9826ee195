"""Lists of volumes: what the caller may read, page by page, whatever was changed or crashed before."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.errors import InvalidInputError
from holdfast.model import Principal
from holdfast.model.principal import GUEST
from holdfast.node import apis
from holdfast.node.access.gate import Gate
from holdfast.node.access.ownership_note import note_of
from holdfast.node.api import Admission
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.records import VolumeRecord, VolumeState, encode_record
from holdfast.node.roles.role_book import RoleBook
from holdfast.node.volume.volume_listing import MAX_ENTRIES, Paging, VolumeFilter, VolumeListService
from holdfast.policy.ownership import AccessControl, AccessType, Ownership, decide_ownership
from holdfast.storage.errors import StorageBrokenError
from holdfast.storage.memory import MemoryStorage
from holdfast.storage.walk import walk

EVERYTHING = VolumeFilter()
ACCESS = st.sampled_from(AccessType)
OWNERSHIPS = st.builds(
    Ownership,
    owner=st.sampled_from(["", "alice", "bob", "dev"]),
    acls=st.builds(
        AccessControl,
        groups=st.dictionaries(st.sampled_from(["dev", "ops", "alice", "*"]), ACCESS, max_size=2),
        collaborators=st.dictionaries(st.sampled_from(["bob", "carol", "ops", "*"]), ACCESS, max_size=2),
        public=st.none() | ACCESS,
    ),
)
CALLERS = (
    GUEST,
    Principal(name="alice"),
    Principal(name="bob", groups=("dev", "ops")),
    Principal(name="carol", groups=("ops", "ops")),
    Principal(name="zed/ä\n" + "z" * 2000),
    Principal(name="admin", groups=("*",)),
)


def admission(principal):
    return Admission(principal, apis.VOLUME_ENUMERATE_WITH_FILTERS, "request", "peer")


def listing(storage, *, ownerless_is_public=False):
    roles = RoleBook(storage, guest_access=False)
    gate = Gate(
        verifier=None, roles=roles, log=None, secret_rules=None, ownerless_is_public=ownerless_is_public
    )
    return VolumeListService(gate=gate, catalog=Catalog(storage), devices=None)


def record(number, *, name="", ownership=None, **parts):
    return VolumeRecord(
        id=str(number),
        name=name or f"vol-{number}",
        uuid="",
        size_bytes=1,
        file_system="ext4",
        state=VolumeState.READY,
        created_at=0,
        stored_ownership=note_of(ownership or Ownership(owner="alice")),
        **{"labels": {}, "key": None, **parts},
    )


def page_of(storage, name, wanted=EVERYTHING, **paging):
    caller = admission(Principal(name=name))
    return listing(storage).enumerate_with_filters(caller, wanted, Paging(**paging))


def ids(page):
    return list(page.entries)


def all_pages(lists, principal, wanted, size):
    paging, found = Paging(max_entries=size), []
    while True:
        page = lists.enumerate_with_filters(admission(principal), wanted, paging)
        assert len(page.entries) <= size
        found += ids(page)
        if not page.next_token:
            return found
        paging = Paging(max_entries=size, token=page.next_token)


PICK = st.integers(0, 99)
STEPS = st.one_of(
    st.tuples(st.just("create"), OWNERSHIPS),
    st.tuples(st.just("change"), PICK, OWNERSHIPS),
    st.tuples(st.just("change"), PICK, OWNERSHIPS),
    st.tuples(st.just("remove"), PICK),
    st.tuples(st.just("lose_power_soon"), st.integers(1, 2), st.booleans()),
)


class Volumes:
    """A storage that crashes now and then, and changes to the volumes in it."""

    def __init__(self, from_before):
        self.storage = MemoryStorage()
        self.catalog = Catalog(self.storage)
        self.next_id = 0
        for ownership in from_before:
            self.next_id += 7
            stored = encode_record(record(self.next_id, ownership=ownership))
            self.storage.write(lambda transaction: transaction.put(f"volumes/{self.next_id}", stored))  # noqa: B023

    def create(self, ownership):
        self.next_id += 7
        self.catalog.insert(record(self.next_id, ownership=ownership))

    def change(self, pick, ownership):
        if stored := self.picked(pick):
            self.catalog.change_ownership(stored.id, lambda _: ownership)

    def remove(self, pick):
        if stored := self.picked(pick):
            self.catalog.remove(stored)

    def index(self):
        self.catalog.index_ownership()

    def lose_power_soon(self, commits, stored):
        self.storage.crash_at_commit(commits, stored=stored)

    def attempt(self, what, *args):
        try:
            getattr(self, what)(*args)
        except StorageBrokenError:
            self.storage = self.storage.survivor()
            self.catalog = Catalog(self.storage)

    def picked(self, number):
        present = list(self.catalog.enumerate())
        return present[number % len(present)] if present else None


def check_lists(volumes):
    stored = list(volumes.catalog.enumerate())
    for public in (False, True):
        lists = listing(volumes.storage, ownerless_is_public=public)
        for caller in CALLERS:
            expected = [
                each.id
                for each in stored
                if decide_ownership(caller, each.ownership, AccessType.READ, ownerless_is_public=public)
            ]
            assert ids(lists.enumerate_with_filters(admission(caller), EVERYTHING, Paging())) == expected
            assert all_pages(lists, caller, EVERYTHING, 2) == expected


@settings(max_examples=40, deadline=None)
@given(
    from_before=st.lists(OWNERSHIPS, max_size=4),
    unindexed=st.lists(STEPS, max_size=5),
    indexed=st.lists(STEPS, min_size=3, max_size=20),
)
def test_lists_agree_with_a_look_at_each_volume_whatever_happens(from_before, unindexed, indexed):
    volumes = Volumes(from_before)
    for step in (*unindexed, ("index",), *indexed, ("index",)):
        volumes.attempt(*step)
        check_lists(volumes)


@pytest.fixture
def storage():
    storage = MemoryStorage()
    Catalog(storage).index_ownership()
    return storage


def test_who_may_read_a_hundred_of_many_has_only_those_read(storage):
    catalog = Catalog(storage)
    for number in range(600):
        catalog.insert(record(number + 100_000, ownership=Ownership(owner=f"user-{number % 60}")))
    seen = []
    find = MemoryStorage.snapshot

    class Counting:
        def __init__(self, reader):
            self.reader = reader

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def list(self, *args, **kwargs):
            return self.reader.list(*args, **kwargs)

        def get(self, key):
            seen.append(key)
            return self.reader.get(key)

    storage.snapshot = lambda: Counting(find(storage))
    page = page_of(storage, "user-7")
    assert len(page.entries) == 10
    assert len(seen) == 10


def test_a_list_read_by_pages_has_what_was_there_all_the_time_once(storage):
    catalog, alice = Catalog(storage), Principal(name="alice")
    for number in range(100, 200, 10):
        catalog.insert(record(number))
    lists = listing(storage)
    first = lists.enumerate_with_filters(admission(alice), EVERYTHING, Paging(max_entries=4))
    catalog.insert(record(105))  # before the place where the next page begins
    catalog.insert(record(155))  # behind it
    catalog.remove(record(130))  # the very entry that the token stands on
    rest = lists.enumerate_with_filters(admission(alice), EVERYTHING, Paging(token=first.next_token))
    assert ids(first) == ["100", "110", "120", "130"]
    assert ids(rest) == ["140", "150", "155", "160", "170", "180", "190"]


def test_the_last_page_has_no_token_even_when_it_is_full(storage):
    catalog = Catalog(storage)
    for number in (100, 101, 102, 103):
        catalog.insert(record(number))
    assert all_pages(listing(storage), Principal(name="alice"), EVERYTHING, 2) == ["100", "101", "102", "103"]
    full = page_of(storage, "alice", max_entries=4)
    assert full.next_token == ""


@pytest.mark.parametrize(
    "token",
    ["x", "1.", "1.2a", "2.12", "1.2 ", "1.2\n", "1.../12", "1." + "9" * 21, "1.\uff11", "\0", "1.1" * 9999],
)
def test_a_token_that_was_never_given_is_refused(storage, token):
    with pytest.raises(InvalidInputError, match="token") as caught:
        page_of(storage, "alice", token=token)
    assert token not in caught.value.message or len(token) == 1


@pytest.mark.parametrize("size", [-1, MAX_ENTRIES + 1, 2**63])
def test_a_page_of_an_impossible_size_is_refused(storage, size):
    with pytest.raises(InvalidInputError, match="max_entries"):
        page_of(storage, "alice", max_entries=size)


def test_a_made_up_token_shows_nothing_that_the_list_without_it_does_not(storage):
    Catalog(storage).insert(record(100, ownership=Ownership(owner="bob")))
    page = page_of(storage, "alice", token="1.0")
    assert page.entries == ()


BOBS = Ownership(owner="bob", acls=AccessControl(groups={"dev": AccessType.READ}))
CAROLS = Ownership(owner="carol", acls=AccessControl(collaborators={"zed": AccessType.WRITE}))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        pytest.param(EVERYTHING, ["1", "2", "3", "4"], id="everything"),
        pytest.param(VolumeFilter(name="db"), ["2"], id="name"),
        pytest.param(VolumeFilter(name="2"), [], id="an-id-is-no-name"),
        pytest.param(VolumeFilter(name="nope"), [], id="no-such-name"),
        pytest.param(VolumeFilter(labels={"tier": "gold"}), ["1", "2"], id="label"),
        pytest.param(VolumeFilter(labels={"tier": "gold", "group": "g1"}), ["2"], id="both-labels"),
        pytest.param(VolumeFilter(labels={"tier": ""}), [], id="another-value"),
        pytest.param(VolumeFilter(group="g1"), ["2"], id="volume-group"),
        pytest.param(VolumeFilter(ownership=Ownership(owner="carol")), ["3"], id="owner"),
        pytest.param(
            VolumeFilter(ownership=Ownership(acls=AccessControl(groups={"dev": AccessType.ADMIN}))),
            ["2"],
            id="a-group-in-common-whatever-its-type",
        ),
        pytest.param(
            VolumeFilter(ownership=Ownership(acls=AccessControl(collaborators={"zed": AccessType.READ}))),
            ["3"],
            id="a-collaborator-in-common",
        ),
        pytest.param(
            VolumeFilter(
                ownership=Ownership(owner="bob", acls=AccessControl(collaborators={"zed": AccessType.READ}))
            ),
            ["2", "3"],
            id="any-of-the-three",
        ),
        pytest.param(VolumeFilter(ownership=Ownership()), ["1", "2", "3", "4"], id="of-nobody-asks-nothing"),
        pytest.param(VolumeFilter(ownerless=True), ["4"], id="ownerless"),
        pytest.param(VolumeFilter(ownerless=True, name="db"), [], id="ownerless-of-a-name"),
    ],
)
def test_filters(storage, wanted, found):
    catalog = Catalog(storage)
    catalog.insert(record(1, labels={"tier": "gold"}))
    catalog.insert(record(2, name="db", ownership=BOBS, labels={"tier": "gold", "group": "g1"}))
    catalog.insert(record(3, ownership=CAROLS))
    catalog.insert(record(4, ownership=Ownership()))
    administrator = Principal(name="admin", groups=("*",))
    assert ids(listing(storage).enumerate_with_filters(admission(administrator), wanted, Paging())) == found
    assert all_pages(listing(storage), administrator, wanted, 1) == found


def test_a_filter_by_name_shows_nothing_of_a_volume_that_is_not_readable(storage):
    Catalog(storage).insert(record(1, name="db"))
    page = page_of(storage, "bob", VolumeFilter(name="db"))
    assert page.entries == ()


def test_a_record_that_cannot_be_read_does_not_keep_the_index_from_being_made():
    storage = MemoryStorage()
    storage.write(lambda transaction: transaction.put("volumes/5", b"no record"))
    storage.write(lambda transaction: transaction.put("volumes/6", encode_record(record(6))))
    Catalog(storage).index_ownership()
    assert ids(page_of(storage, "alice")) == ["6"]


def test_nothing_of_a_volume_stays_in_the_index(storage):
    catalog = Catalog(storage)
    catalog.insert(record(1, ownership=BOBS))
    catalog.change_ownership("1", lambda _: CAROLS)
    catalog.remove(record(1))
    assert list(walk(storage, "owned/")) == []
