"""Access to a resource is changed entry by entry on the server, by who may, at once, and on the record."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from holdfast.errors import InvalidInputError, PermissionDeniedError
from holdfast.node.credentials.credential_records import NfsExport
from holdfast.node.credentials.credentials_service import CredentialSpec, CredentialsService
from holdfast.node.errors import OwnershipDeniedError
from holdfast.node.policies.policy_service import PolicyService, PolicySpec
from holdfast.node.policies.volume_rules import VolumeRules
from holdfast.node.volume.volume_listing import VolumeListService
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.policy.ownership import AccessControl, AccessType, Ownership
from holdfast.policy.ownership_change import AccessChange

MIB = 1 << 20
DEV_READS = AccessChange(add=AccessControl(groups={"dev": AccessType.READ}))


@pytest.fixture
def alices(under_test):
    spec = VolumeSpec(name="vol1", size_bytes=16 * MIB)
    return under_test.call(under_test.token("alice"), VolumeService.create, under_test.node.volumes, spec)


def change(under_test, token, wanted):
    return under_test.call(token, VolumeService.update_access, under_test.node.volumes, "vol1", wanted)


def readable_by(under_test, token):
    page = under_test.call(token, VolumeListService.enumerate, under_test.node.volume_lists)
    return list(page.entries)


def test_a_group_that_was_let_in_reads_at_once_and_one_that_was_put_out_does_not(under_test, alices):
    alice, carol = under_test.token("alice"), under_test.token("carol", groups=("dev",))
    assert readable_by(under_test, carol) == []
    change(under_test, alice, DEV_READS)
    assert readable_by(under_test, carol) == [alices.id]
    change(under_test, alice, AccessChange(remove_groups=frozenset({"dev"})))
    assert readable_by(under_test, carol) == []


def test_people_who_change_a_list_at_once_do_not_undo_each_other(under_test, alices):
    alice = under_test.token("alice")
    names = [f"user-{number}" for number in range(24)]

    def let_in(name):
        change(under_test, alice, AccessChange(add=AccessControl(collaborators={name: AccessType.READ})))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(let_in, names))
    record = under_test.call(alice, VolumeService.inspect, under_test.node.volumes, "vol1").record
    assert sorted(record.ownership.acls.collaborators) == sorted(names)


def test_the_administrator_gives_a_volume_away_and_the_list_stays(under_test, alices):
    change(under_test, under_test.token("alice"), DEV_READS)
    changed = change(under_test, under_test.admin, AccessChange(owner="bob"))
    assert changed.ownership == Ownership(owner="bob", acls=AccessControl(groups={"dev": AccessType.READ}))
    with pytest.raises(OwnershipDeniedError):
        change(under_test, under_test.token("alice"), DEV_READS)


@pytest.mark.parametrize("owner", ["alice", "bob"])
def test_an_owner_cannot_name_an_owner_not_even_himself(under_test, alices, owner):
    with pytest.raises(PermissionDeniedError, match="only the storage administrator"):
        change(under_test, under_test.token("alice"), AccessChange(owner=owner))


def test_who_has_less_than_admin_access_changes_nothing(under_test, alices):
    change(
        under_test,
        under_test.token("alice"),
        AccessChange(add=AccessControl(collaborators={"bob": AccessType.WRITE})),
    )
    with pytest.raises(OwnershipDeniedError):
        change(under_test, under_test.token("bob"), DEV_READS)


def test_a_change_that_contradicts_itself_changes_nothing(under_test, alices):
    both = AccessChange(add=DEV_READS.add, remove_groups=frozenset({"dev"}))
    with pytest.raises(InvalidInputError):
        change(under_test, under_test.token("alice"), both)
    assert readable_by(under_test, under_test.token("carol", groups=("dev",))) == []


def test_the_audit_log_says_what_access_was_and_what_it_is(under_test, alices):
    change(under_test, under_test.token("alice"), DEV_READS)
    line = under_test.sink.lines[-1]
    assert (line["decision"], line["resource"], line["user"]) == ("done", alices.id, "alice")
    assert line["before"]["groups"] == {}
    assert line["after"] == {"owner": "alice", "groups": {"dev": "Read"}, "collaborators": {}, "public": None}


def test_an_update_that_is_about_access_too_says_so_and_another_does_not(under_test, alices):
    alice, volumes = under_test.token("alice"), under_test.node.volumes
    created = under_test.sink.lines[-1]
    assert created["after"]["owner"] == "alice"
    under_test.call(alice, VolumeService.update, volumes, "vol1", labels={"a": "b"})
    assert "after" not in under_test.sink.lines[-1]
    shared = AccessControl(public=AccessType.READ)
    under_test.call(alice, VolumeService.update, volumes, "vol1", acls=shared)
    line = under_test.sink.lines[-1]
    assert (line["before"]["public"], line["after"]["public"]) == (None, "Read")


SHARED = AccessControl(public=AccessType.READ)
# How to make one of each other kind, change something of it, and share it by an update.
OTHER_KINDS = {
    "policy": lambda node: (
        (PolicyService.create, node.policies, PolicySpec(name="gold", rules=VolumeRules(encrypted=True))),
        (PolicyService.update, node.policies, PolicySpec(name="gold", rules=VolumeRules())),
        (PolicyService.update, node.policies, PolicySpec(name="gold", acls=SHARED)),
    ),
    "credential": lambda node: (
        (
            CredentialsService.create,
            node.credentials,
            CredentialSpec(name="nfs", account=NfsExport(server="nfs.example.com", sub_path="backups")),
        ),
        (CredentialsService.update, node.credentials, "nfs", CredentialSpec(name="nfs")),
        (CredentialsService.update, node.credentials, "nfs", CredentialSpec(acls=SHARED)),
    ),
}


@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_so_does_an_update_of_every_other_kind(under_test, kind):
    alice = under_test.token("alice", roles=("system.admin",))
    create, update, share = OTHER_KINDS[kind](under_test.node)
    under_test.call(alice, *create)
    assert under_test.sink.lines[-1]["after"]["owner"] == "alice"
    under_test.call(alice, *update)
    assert "after" not in under_test.sink.lines[-1]
    under_test.call(alice, *share)
    line = under_test.sink.lines[-1]
    assert (line["before"]["public"], line["after"]["public"]) == (None, "Read")
