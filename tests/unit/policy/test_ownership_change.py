"""Ownership at birth, and who may change it afterwards."""

import pytest

from holdfast.errors import InvalidInputError, PermissionDeniedError
from holdfast.model import Principal
from holdfast.model.principal import GUEST
from holdfast.policy.ownership import AccessControl, AccessType, Ownership
from holdfast.policy.ownership_change import (
    MAX_ENTRIES,
    AccessChange,
    ownership_on_change,
    ownership_on_clone,
    ownership_on_create,
    ownership_on_snapshot,
    ownership_on_update,
)

ALICE = Principal(name="alice", subject="alice")
BOB = Principal(name="bob", subject="bob")
ADMINISTRATOR = Principal(name="root", subject="root", groups=("*",))

DEV_READS = AccessControl(groups={"dev": AccessType.READ})
BOB_READS = AccessControl(collaborators={"bob": AccessType.READ})
BOB_WRITES = AccessControl(collaborators={"bob": AccessType.WRITE})
BOB_ADMINISTERS = AccessControl(collaborators={"bob": AccessType.ADMIN})
NOBODY_ELSE = AccessControl()
PUBLIC_ADMIN = AccessControl(public=AccessType.ADMIN)


def test_whoever_creates_a_resource_owns_it():
    assert ownership_on_create(ALICE) == Ownership(owner="alice")
    assert ownership_on_create(ALICE, DEV_READS) == Ownership(owner="alice", acls=DEV_READS)


def test_a_guest_owns_nothing_and_gives_nothing_away():
    assert ownership_on_create(GUEST, PUBLIC_ADMIN) == Ownership()


@pytest.mark.parametrize(
    ("who", "acls"),
    [
        pytest.param(ALICE, NOBODY_ELSE, id="owner"),
        pytest.param(BOB, BOB_ADMINISTERS, id="admin-collaborator"),
        pytest.param(ADMINISTRATOR, NOBODY_ELSE, id="storage-administrator"),
    ],
)
def test_access_is_changed_by_those_with_admin_access(who: Principal, acls: AccessControl):
    current = Ownership(owner="alice", acls=acls)

    assert ownership_on_update(who, current, acls=DEV_READS) == Ownership(owner="alice", acls=DEV_READS)


@pytest.mark.parametrize(
    ("who", "current"),
    [
        pytest.param(BOB, Ownership(owner="alice"), id="stranger"),
        pytest.param(BOB, Ownership(owner="alice", acls=BOB_READS), id="reader"),
        pytest.param(BOB, Ownership(owner="alice", acls=BOB_WRITES), id="writer"),
        pytest.param(GUEST, Ownership(owner="alice"), id="guest"),
        pytest.param(BOB, Ownership(), id="ownerless-cannot-be-hijacked"),
        pytest.param(GUEST, Ownership(), id="ownerless-cannot-be-hijacked-by-guests"),
    ],
)
def test_nobody_else_changes_access(who: Principal, current: Ownership):
    with pytest.raises(PermissionDeniedError) as refusal:
        ownership_on_update(who, current, acls=BOB_ADMINISTERS)

    assert refusal.value.detail


@pytest.mark.parametrize("owner", ["bob", "alice", ""], ids=["another", "the-same", "none"])
@pytest.mark.parametrize(
    "who",
    [
        pytest.param(ALICE, id="owner"),
        pytest.param(BOB, id="admin-collaborator"),
        pytest.param(GUEST, id="guest"),
    ],
)
def test_only_the_storage_administrator_names_an_owner(who: Principal, owner: str):
    current = Ownership(owner="alice", acls=BOB_ADMINISTERS)

    with pytest.raises(PermissionDeniedError):
        ownership_on_update(who, current, owner=owner)


def test_the_storage_administrator_gives_a_resource_to_somebody_else():
    current = Ownership(owner="alice", acls=DEV_READS)

    assert ownership_on_update(ADMINISTRATOR, current, owner="bob") == Ownership(owner="bob", acls=DEV_READS)


def test_an_ownerless_resource_gets_an_owner_from_the_storage_administrator():
    assert ownership_on_update(ADMINISTRATOR, Ownership(), owner="bob") == Ownership(owner="bob")


def test_nobody_takes_an_owner_away():
    with pytest.raises(InvalidInputError, match="owner"):
        ownership_on_update(ADMINISTRATOR, Ownership(owner="alice"), owner="")


def test_a_part_left_out_of_an_update_stays():
    current = Ownership(owner="alice", acls=DEV_READS)

    assert ownership_on_update(ALICE, current) == current
    assert ownership_on_update(ALICE, current, acls=NOBODY_ELSE) == Ownership(owner="alice")


def test_a_refused_owner_refuses_the_access_beside_it():
    with pytest.raises(PermissionDeniedError):
        ownership_on_update(ALICE, Ownership(owner="alice"), owner="alice", acls=DEV_READS)


@pytest.mark.parametrize(
    ("who", "parent", "clone"),
    [
        pytest.param(
            ALICE,
            Ownership(owner="alice", acls=DEV_READS),
            Ownership(owner="alice", acls=DEV_READS),
            id="by-the-owner-keeps-the-list",
        ),
        pytest.param(
            BOB, Ownership(owner="alice", acls=BOB_READS), Ownership(owner="bob"), id="by-another-is-private"
        ),
        pytest.param(
            ADMINISTRATOR, Ownership(owner="alice"), Ownership(owner="root"), id="by-the-administrator"
        ),
        pytest.param(
            GUEST,
            Ownership(owner="alice", acls=PUBLIC_ADMIN),
            Ownership(owner="alice", acls=PUBLIC_ADMIN),
            id="by-a-guest-stays-with-the-owner",
        ),
        pytest.param(BOB, Ownership(acls=PUBLIC_ADMIN), Ownership(owner="bob"), id="of-an-ownerless-one"),
    ],
)
def test_ownership_of_a_clone(who: Principal, parent: Ownership, clone: Ownership):
    assert ownership_on_clone(who, parent) == clone


def test_a_snapshot_belongs_to_whom_its_parent_belongs():
    parent = Ownership(owner="alice", acls=BOB_READS)

    assert ownership_on_snapshot(parent) == parent


ALICES = Ownership(
    owner="alice",
    acls=AccessControl(
        groups={"dev": AccessType.READ}, collaborators={"bob": AccessType.ADMIN}, public=AccessType.READ
    ),
)


def acls(**parts) -> AccessControl:
    whole = {"groups": ALICES.acls.groups, "collaborators": ALICES.acls.collaborators}
    return AccessControl(**{**whole, "public": ALICES.acls.public, **parts})


@pytest.mark.parametrize(
    ("change", "after"),
    [
        pytest.param(AccessChange(), acls(), id="nothing"),
        pytest.param(
            AccessChange(add=AccessControl(groups={"ops": AccessType.WRITE})),
            acls(groups={"dev": AccessType.READ, "ops": AccessType.WRITE}),
            id="add-a-group",
        ),
        pytest.param(
            AccessChange(add=AccessControl(groups={"dev": AccessType.ADMIN})),
            acls(groups={"dev": AccessType.ADMIN}),
            id="another-type-for-a-group",
        ),
        pytest.param(
            AccessChange(add=AccessControl(collaborators={"*": AccessType.READ})),
            acls(collaborators={"bob": AccessType.ADMIN, "*": AccessType.READ}),
            id="add-everybody",
        ),
        pytest.param(AccessChange(remove_groups=frozenset({"dev"})), acls(groups={}), id="remove-a-group"),
        pytest.param(AccessChange(remove_groups=frozenset({"gone"})), acls(), id="remove-what-is-not-there"),
        pytest.param(
            AccessChange(remove_collaborators=frozenset({"bob"})),
            acls(collaborators={}),
            id="remove-somebody",
        ),
        pytest.param(AccessChange(remove_public=True), acls(public=None), id="remove-the-public"),
        pytest.param(
            AccessChange(add=AccessControl(public=AccessType.WRITE)),
            acls(public=AccessType.WRITE),
            id="public-writes",
        ),
        pytest.param(AccessChange(replace=NOBODY_ELSE), NOBODY_ELSE, id="replace"),
    ],
)
def test_a_change_leaves_alone_what_it_does_not_name(change: AccessChange, after: AccessControl):
    assert ownership_on_change(ALICE, ALICES, change) == Ownership(owner="alice", acls=after)


def test_a_new_owner_takes_the_list_over():
    changed = ownership_on_change(ADMINISTRATOR, ALICES, AccessChange(owner="carol"))

    assert changed == Ownership(owner="carol", acls=ALICES.acls)


TOO_MANY = {f"group-{number}": AccessType.READ for number in range(MAX_ENTRIES)}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param(AccessChange(add=AccessControl(groups={"": AccessType.READ})), "groups", id="no-name"),
        pytest.param(
            AccessChange(add=AccessControl(collaborators={"a\n": AccessType.READ})),
            "collaborators",
            id="newline",
        ),
        pytest.param(
            AccessChange(add=AccessControl(groups={"g" * 257: AccessType.READ})), "groups", id="long"
        ),
        pytest.param(
            AccessChange(replace=AccessControl(groups={"": AccessType.READ})), "groups", id="in-a-whole-list"
        ),
        pytest.param(AccessChange(remove_groups=frozenset({""})), "remove_groups", id="removed-no-name"),
        pytest.param(
            AccessChange(add=AccessControl(groups=TOO_MANY)), "groups", id="more-than-there-is-room-for"
        ),
        pytest.param(
            AccessChange(replace=NOBODY_ELSE, remove_public=True), "acls", id="whole-and-single-entries"
        ),
        pytest.param(
            AccessChange(
                add=AccessControl(groups={"dev": AccessType.READ}), remove_groups=frozenset({"dev"})
            ),
            "acls",
            id="added-and-removed",
        ),
        pytest.param(
            AccessChange(add=AccessControl(public=AccessType.READ), remove_public=True),
            "acls",
            id="public-added-and-removed",
        ),
    ],
)
def test_a_change_that_cannot_be_meant_is_refused(change: AccessChange, field: str):
    with pytest.raises(InvalidInputError, match=field):
        ownership_on_change(ALICE, ALICES, change)


def test_a_new_resource_comes_with_no_list_that_could_not_be_set_later():
    with pytest.raises(InvalidInputError, match="groups"):
        ownership_on_create(ALICE, AccessControl(groups={"": AccessType.READ}))
