"""Volumes from before there were owners: closed, public only while asked for, and named at each start."""

import msgspec
import pytest
from tests.support.node_under_test import new_node

from holdfast.errors import InvalidInputError
from holdfast.node.access.ownership_note import OwnershipNote
from holdfast.node.errors import OwnershipDeniedError
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.records import VolumeRecord, VolumeState
from holdfast.node.volume.volume_listing import VolumeFilter, VolumeListService
from holdfast.node.volume.volume_service import VolumeService
from holdfast.noded.ownerless import ownerless_report, read_ownerless
from holdfast.policy.ownership_change import AccessChange
from holdfast.storage.memory import MemoryStorage

OLD = VolumeRecord(
    id="100000000000000007",
    name="old",
    uuid="5f0c0d0a-0000-4000-8000-000000000001",
    size_bytes=16 << 20,
    file_system="ext4",
    state=VolumeState.READY,
    created_at=0,
    stored_ownership=OwnershipNote("", {}, {}, None),
    labels={},
    key=None,
)


def made(tmp_path, **settings):
    storage = MemoryStorage()
    Catalog(storage).insert(OLD)
    return new_node(tmp_path, attaching=False, storage=storage, **settings)


def inspect(node, token):
    return node.call(token, VolumeService.inspect, node.node.volumes, "old").record


@pytest.mark.parametrize("who", ["user", "guest"])
def test_nobody_but_the_administrator_reaches_it(tmp_path, who):
    node = made(tmp_path, guest_access=True)
    token = node.token("alice") if who == "user" else None
    with pytest.raises(OwnershipDeniedError):
        inspect(node, token)
    assert node.call(token, VolumeListService.enumerate, node.node.volume_lists).entries == ()
    assert inspect(node, node.admin) == OLD


def test_the_administrator_lists_such_volumes_and_gives_them_away(tmp_path):
    node = made(tmp_path)
    nobodys = VolumeFilter(ownerless=True)
    found = node.call(node.admin, VolumeListService.enumerate_with_filters, node.node.volume_lists, nobodys)
    assert found.entries == (OLD.id,)
    node.call(node.admin, VolumeService.update_access, node.node.volumes, "old", AccessChange(owner="alice"))
    assert inspect(node, node.token("alice")).ownership.owner == "alice"
    assert (
        node.call(
            node.admin, VolumeListService.enumerate_with_filters, node.node.volume_lists, nobodys
        ).entries
        == ()
    )


def test_while_a_migration_is_under_way_everybody_uses_it_and_nobody_takes_it(tmp_path):
    node = made(tmp_path, ownerless_is_public=True, guest_access=True)
    for token in (node.token("alice"), None):
        assert inspect(node, token) == OLD
        assert node.call(token, VolumeListService.enumerate, node.node.volume_lists).entries == (OLD.id,)
    uses = [line for line in node.sink.lines if line.get("kind") == "volume"]
    assert {line["rule"] for line in uses} == {"resource without owner, public during migration"}
    for change in (AccessChange(owner="alice"), AccessChange(remove_public=True)):
        with pytest.raises(Exception, match=r"only the (storage administrator|owner)"):
            node.call(node.token("alice"), VolumeService.update_access, node.node.volumes, "old", change)


@pytest.mark.parametrize(
    ("count", "is_public", "says"),
    [
        pytest.param(0, False, "", id="none"),
        pytest.param(0, True, "can go", id="none-any-more"),
        pytest.param(1, False, "1 volume has no owner, so only the storage administrator", id="one"),
        pytest.param(2, True, "2 volumes have no owner, so everybody may read, change and delete", id="open"),
    ],
)
def test_each_start_says_how_many_there_are_and_what_to_do(count, is_public, says):
    catalog = Catalog(MemoryStorage())
    for number in range(count):
        catalog.insert(msgspec.structs.replace(OLD, id=str(number + 1), name=f"old-{number}"))
    report = ownerless_report(catalog, is_public=is_public)
    assert report.startswith(says) or (says and says in report)
    assert bool(report) == bool(says)


@pytest.mark.parametrize("text", ["", "yes", "Public"])
def test_the_setting_takes_two_words(text):
    with pytest.raises(InvalidInputError, match="--ownerless-volumes"):
        read_ownerless(text)
