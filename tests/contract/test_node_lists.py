"""Nodes that change volumes at once agree on who can read which, and on roles, on every storage engine."""

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from tests.contract.test_storage import ENGINES, make_engine

from holdfast.clock import ManualClock
from holdfast.errors import NotFoundError
from holdfast.model import Principal
from holdfast.node import apis
from holdfast.node.access.ownership_note import note_of
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.records import VolumeRecord, VolumeState, encode_record
from holdfast.node.roles.role_book import RoleBook
from holdfast.policy.ownership import AccessControl, AccessType, Ownership, decide_ownership
from holdfast.policy.roles import Role, Rule

WHO = ("alice", "bob", "carol")
CALLERS = [Principal(name=name, groups=(f"of-{name}",)) for name in WHO]


def ownership(chance):
    given = {f"of-{chance.choice(WHO)}": AccessType.READ} if chance.random() < 0.5 else {}
    return Ownership(owner=chance.choice((*WHO, "")), acls=AccessControl(groups=given))


def record(identity, chance):
    return VolumeRecord(
        id=identity,
        name=f"vol-{identity}",
        uuid="",
        size_bytes=1,
        file_system="ext4",
        state=VolumeState.READY,
        created_at=0,
        stored_ownership=note_of(ownership(chance)),
        labels={},
        key=None,
    )


@pytest.fixture(params=ENGINES)
def nodes(request, tmp_path):
    """Two nodes over one storage, which is one and the same where only one process can have it."""
    first = make_engine(request.param, tmp_path / "data", ManualClock())
    second = make_engine(request.param, tmp_path / "data", ManualClock()) if first.shared else first
    yield first, second
    for storage in {id(first): first, id(second): second}.values():
        storage.close()


def work(storage, number):
    """Make, give away and remove volumes, half of them the other node's."""
    chance, catalog = random.Random(number), Catalog(storage)
    catalog.index_ownership()
    for step in range(12):
        catalog.insert(record(f"{number}{step:02}", chance))
        for _ in range(2):
            picked = f"{chance.choice((1, 2))}{chance.randrange(step + 1):02}"
            storage.catch_up()
            with suppress(NotFoundError):  # removed meanwhile
                catalog.change_ownership(picked, lambda _: ownership(chance))
        if step % 4 == 3:
            catalog.remove(record(f"{number}{chance.randrange(step):02}", chance))


def test_lists_of_nodes_that_change_volumes_at_once_are_what_a_look_at_each_would_give(nodes):
    chance = random.Random(0)
    ids = [f"3{number:02}" for number in range(8)]
    from_before = {f"volumes/{each}": encode_record(record(each, chance)) for each in ids}
    nodes[0].write(lambda transaction: [transaction.put(*each) for each in from_before.items()])
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, nodes, (1, 2)))
    for storage in nodes:
        storage.catch_up()
        catalog = Catalog(storage)
        stored = list(catalog.enumerate())
        assert len(stored) > len(from_before)
        for caller in CALLERS:
            proposed = [each.id for each in catalog.candidates(caller, ownerless=False, page=3)]
            readable = [
                each.id for each in stored if decide_ownership(caller, each.ownership, AccessType.READ)
            ]
            assert proposed == readable


def test_a_role_that_one_node_changes_counts_at_the_other_with_the_next_call(nodes):
    one, other = (RoleBook(storage, guest_access=False) for storage in nodes)
    carol = Principal(name="carol", roles=("team",))

    def allows(method):
        nodes[1].catch_up()  # as a node does before each call
        return bool(other.decide(carol, method))

    one.create(Role("team", (Rule(("volume",), ("inspect",)),)))
    assert (allows(apis.VOLUME_INSPECT), allows(apis.VOLUME_DELETE)) == (True, False)
    one.replace(Role("team", (Rule(("volume",), ("!inspect", "*")),)))
    assert (allows(apis.VOLUME_INSPECT), allows(apis.VOLUME_DELETE)) == (False, True)
    one.remove("team")
    assert not allows(apis.VOLUME_DELETE)
