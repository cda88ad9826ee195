"""One ownership table for every kind of resource: made, listed, shown, changed, given away, deleted."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.support.credentials import nfs_spec
from tests.support.node_under_test import new_node

from holdfast.errors import HoldfastError, PermissionDeniedError
from holdfast.model.schedule import read_schedule
from holdfast.node.credentials.credentials_service import CredentialSpec, CredentialsService
from holdfast.node.errors import OwnershipDeniedError
from holdfast.node.policies.policy_service import PolicyService, PolicySpec
from holdfast.node.policies.volume_rules import VolumeRules
from holdfast.node.schedules.schedule_policy_service import SchedulePolicyService
from holdfast.node.volume.volume_listing import VolumeListService
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.policy.ownership import AccessControl, AccessType
from holdfast.policy.ownership_change import AccessChange

R, W, A = AccessType.READ, AccessType.WRITE, AccessType.ADMIN
NAME = "thing"
RULES = VolumeRules(labels={"a": "b"})


@dataclass(frozen=True)
class Kind:
    """How a kind of resource is worked with.

    Attributes:
        service: the class, and by which attribute the node has it.
        word: what refusals call it.
        create: the arguments for one with this list.
        update: the arguments for a change that is not about access.
        update_needs: what that needs.
        ownership_of: whom the answer of ``inspect`` names.
        lists: class and attribute of the service that lists them, if that is another one.
    """

    service: Any
    attribute: str
    word: str
    create: Any
    update: Any
    update_needs: AccessType
    ownership_of: Any = field(default=lambda shown: shown.ownership)
    lists: tuple[Any, str] | None = None


KINDS = {
    "volume": Kind(
        VolumeService,
        "volumes",
        "volume",
        lambda acls: (VolumeSpec(name=NAME, size_bytes=1 << 24, acls=acls),),
        lambda: (NAME, {"labels": {"x": "y"}}),
        W,
        lambda shown: shown.record.ownership,
        (VolumeListService, "volume_lists"),
    ),
    "credential": Kind(
        CredentialsService,
        "credentials",
        "credential",
        lambda acls: (replace(nfs_spec(NAME), acls=acls),),
        lambda: (NAME, CredentialSpec(bucket="other")),
        A,
    ),
    "storage-policy": Kind(
        PolicyService,
        "policies",
        "storage policy",
        lambda acls: (PolicySpec(name=NAME, rules=RULES, acls=acls),),
        lambda: (PolicySpec(name=NAME, rules=RULES),),
        W,
        lambda shown: shown.record.ownership,
    ),
    "schedule-policy": Kind(
        SchedulePolicyService,
        "schedule_policies",
        "schedule policy",
        lambda acls: (NAME, [read_schedule("daily=12:00,7")], {"acls": acls}),
        lambda: (NAME, [read_schedule("daily=13:00,7")]),
        W,
    ),
}

# the list of alice's resource, who asks (name/group/...), what he has: None, or an access type
TABLE = {
    "owner": ({}, "alice", A),
    "stranger": ({}, "bob", None),
    "administrator": ({}, "root/*", A),
    "admin-role-is-no-access": ({}, "roleadmin", None),
    "reader": ({"collaborators": {"bob": R}}, "bob", R),
    "writer": ({"collaborators": {"bob": W}}, "bob", W),
    "co-administrator": ({"collaborators": {"bob": A}}, "bob", A),
    "group-reader": ({"groups": {"dev": R}}, "bob/dev", R),
    "best-of-two-groups": ({"groups": {"dev": R, "ops": W}}, "bob/dev/ops", W),
    "best-in-any-order": ({"groups": {"dev": R, "ops": W}}, "bob/ops/dev", W),
    "named-less-than-any": ({"collaborators": {"bob": R, "*": W}}, "bob", R),
    "any": ({"collaborators": {"*": W}}, "zed", W),
    "any-group": ({"groups": {"*": R}}, "zed", R),
    "public-reader": ({"public": R}, "zed", R),
    "public-writer": ({"public": W}, "zed", W),
    "case-counts": ({"collaborators": {"Bob": A}}, "bob", None),
}


@pytest.fixture
def made(tmp_path):
    return new_node(tmp_path, attaching=False)


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


def call(made, kind, who, operation, *args):
    name, *groups = who.split("/")
    token = made.token(name, roles=("system.admin",), groups=tuple(groups))
    *args, keywords = args if args and isinstance(args[-1], dict) else (*args, {})
    of, attribute = (
        (kind.lists or (kind.service, kind.attribute))
        if operation == "enumerate"
        else (
            kind.service,
            kind.attribute,
        )
    )
    return made.call(token, getattr(of, operation), getattr(made.node, attribute), *args, **keywords)


def sees(made, kind, who):
    found = call(made, kind, who, "enumerate")
    return bool(found if isinstance(found, list) else found.entries)


def allowed(made, kind, who, operation, *args):
    try:
        call(made, kind, who, operation, *args)
    except OwnershipDeniedError as error:
        if error.message != f"Access denied to {kind.word} {NAME}":
            raise
        return False
    return True


@pytest.mark.parametrize("row", TABLE)
def test_the_table(made, kind, row):
    acls, who, access = TABLE[row]
    call(made, kind, "alice", "create", *kind.create(AccessControl(**acls)))
    level = -1 if access is None else int(access)
    assert sees(made, kind, who) is (level >= R)
    assert allowed(made, kind, who, "inspect", NAME) is (level >= R)
    assert allowed(made, kind, who, "update", *kind.update()) is (level >= kind.update_needs)
    change = AccessChange(add=AccessControl(collaborators={"carol": R}))
    assert allowed(made, kind, who, "update_access", NAME, change) is (level >= A)
    assert allowed(made, kind, who, "delete", NAME) is (level >= A)


def test_a_new_resource_belongs_to_its_maker_with_the_list_that_he_gave(made, kind):
    call(made, kind, "alice", "create", *kind.create(AccessControl(groups={"dev": W})))
    ownership = kind.ownership_of(call(made, kind, "alice", "inspect", NAME))
    assert (ownership.owner, dict(ownership.acls.groups)) == ("alice", {"dev": W})


def test_ownership_is_changed_by_the_same_verbs(made, kind):
    call(made, kind, "alice", "create", *kind.create(AccessControl(collaborators={"bob": A})))
    call(made, kind, "bob", "update_access", NAME, AccessChange(add=AccessControl(groups={"dev": R})))
    call(made, kind, "alice", "update_access", NAME, AccessChange(remove_collaborators=frozenset({"bob"})))
    with pytest.raises(PermissionDeniedError):
        call(made, kind, "bob", "update_access", NAME, AccessChange(add=AccessControl(public=A)))
    with pytest.raises(PermissionDeniedError, match="only the storage administrator"):
        call(made, kind, "alice", "update_access", NAME, AccessChange(owner="bob"))
    call(made, kind, "root/*", "update_access", NAME, AccessChange(owner="carol"))
    ownership = kind.ownership_of(call(made, kind, "carol", "inspect", NAME))
    assert (ownership.owner, dict(ownership.acls.groups), dict(ownership.acls.collaborators)) == (
        "carol", {"dev": R}, {},
    )  # fmt: skip
    assert not allowed(made, kind, "alice", "inspect", NAME)


def test_what_is_not_there_and_what_is_somebody_elses_look_the_same(made, kind):
    refusals = []
    for _ in range(2):
        for operation, args in (("inspect", (NAME,)), ("delete", (NAME,)), ("update", kind.update())):
            with pytest.raises(HoldfastError) as caught:
                call(made, kind, "bob", operation, *args)
            refusals.append((type(caught.value), caught.value.message))
        call(made, kind, "alice", "create", *kind.create(None)) if len(refusals) == 3 else None
    assert refusals[:3] == refusals[3:]
    assert {refusal[0] for refusal in refusals} == {OwnershipDeniedError}


def test_a_change_of_access_is_in_the_audit_log_with_before_and_after(made, kind):
    call(made, kind, "alice", "create", *kind.create(None))
    call(made, kind, "alice", "update_access", NAME, AccessChange(add=AccessControl(public=R)))
    line = made.sink.lines[-1]
    assert (line["before"]["public"], line["after"]["public"]) == (None, "Read")
