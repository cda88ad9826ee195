"""Who may use a resource, as truth tables, and properties that hold for every table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import InvalidInputError
from holdfast.model import Principal
from holdfast.model.principal import GUEST
from holdfast.policy.ownership import (
    AccessControl,
    AccessType,
    Ownership,
    decide_ownership,
    is_storage_administrator,
)

R, W, A = AccessType.READ, AccessType.WRITE, AccessType.ADMIN


def person(name: str, *groups: str) -> Principal:
    return Principal(name=name, subject=name, groups=groups)


def of_alice(**acls) -> Ownership:
    return Ownership(owner="alice", acls=AccessControl(**acls))


DEV_READS_OPS_WRITE = of_alice(groups={"dev": R, "ops": W})
BOB_READS_ANY_WRITE = of_alice(collaborators={"bob": R, "*": W})
DEV_READS_ANY_WRITE = of_alice(groups={"dev": R, "*": W})
ANYBODY_ADMIN = of_alice(collaborators={"*": A}, groups={"*": A})
PUBLIC_WRITE = of_alice(public=W)
OWNERLESS = Ownership()
OWNERLESS_WITH_LIST = Ownership(
    acls=AccessControl(groups={"dev": A, "*": A}, collaborators={"bob": A, "*": A}, public=A)
)


@pytest.mark.parametrize(
    ("ownership", "principal", "wanted", "allowed"),
    [
        pytest.param(of_alice(), person("alice"), A, True, id="the-owner-may-everything"),
        pytest.param(of_alice(), person("bob"), R, False, id="nobody-else-may-anything"),
        pytest.param(of_alice(), person("Alice"), R, False, id="names-are-exact"),
        pytest.param(of_alice(), person("alice "), R, False, id="names-are-not-trimmed"),
        pytest.param(of_alice(), GUEST, R, False, id="a-guest-is-nobody"),
        pytest.param(of_alice(), person("root", "*"), A, True, id="storage-administrator"),
        pytest.param(DEV_READS_OPS_WRITE, person("carol", "dev", "ops"), W, True, id="best-group-last"),
        pytest.param(DEV_READS_OPS_WRITE, person("carol", "ops", "dev"), W, True, id="best-group-first"),
        pytest.param(DEV_READS_OPS_WRITE, person("carol", "ops", "dev"), A, False, id="no-group-gives-more"),
        pytest.param(DEV_READS_OPS_WRITE, person("carol", "sales"), R, False, id="group-not-listed"),
        pytest.param(DEV_READS_OPS_WRITE, person("carol", "DEV"), R, False, id="groups-are-exact"),
        pytest.param(BOB_READS_ANY_WRITE, person("bob"), W, False, id="named-entry-gives-less-than-any"),
        pytest.param(BOB_READS_ANY_WRITE, person("bob"), R, True, id="named-entry-gives-what-it-says"),
        pytest.param(BOB_READS_ANY_WRITE, person("zed"), W, True, id="any-collaborator"),
        pytest.param(DEV_READS_ANY_WRITE, person("carol", "dev"), W, False, id="named-group-less-than-any"),
        pytest.param(DEV_READS_ANY_WRITE, person("carol"), W, True, id="any-group-without-groups"),
        pytest.param(DEV_READS_ANY_WRITE, person("carol", "sales"), W, True, id="any-group-with-another"),
        pytest.param(ANYBODY_ADMIN, person("zed"), A, True, id="any-is-every-principal"),
        pytest.param(ANYBODY_ADMIN, GUEST, R, False, id="any-is-never-a-guest"),
        pytest.param(PUBLIC_WRITE, GUEST, W, True, id="public-serves-guests"),
        pytest.param(PUBLIC_WRITE, GUEST, A, False, id="public-only-up-to-its-type"),
        pytest.param(PUBLIC_WRITE, person("zed"), W, True, id="public-serves-principals"),
        pytest.param(
            of_alice(groups={"dev": R}, collaborators={"bob": W}),
            person("bob", "dev"),
            W,
            True,
            id="name-gives-what-the-group-does-not",
        ),
        pytest.param(
            of_alice(groups={"dev": W}, collaborators={"bob": R}),
            person("bob", "dev"),
            W,
            True,
            id="group-gives-what-the-name-does-not",
        ),
        pytest.param(OWNERLESS, person("alice"), R, False, id="ownerless-is-closed-to-principals"),
        pytest.param(OWNERLESS, GUEST, R, False, id="ownerless-is-closed-to-guests"),
        pytest.param(OWNERLESS, person("root", "*"), A, True, id="ownerless-opens-for-administrators"),
        pytest.param(OWNERLESS_WITH_LIST, person("bob", "dev"), R, False, id="ownerless-ignores-its-list"),
    ],
)
def test_the_truth_table(ownership: Ownership, principal: Principal, wanted: AccessType, allowed: bool):
    assert bool(decide_ownership(principal, ownership, wanted)) is allowed


@pytest.mark.parametrize("wanted", AccessType)
@pytest.mark.parametrize("asking", [GUEST, person("bob")], ids=["guest", "principal"])
def test_only_the_migration_switch_opens_ownerless_resources(asking: Principal, wanted: AccessType):
    assert not decide_ownership(asking, OWNERLESS, wanted)
    assert decide_ownership(asking, OWNERLESS, wanted, ownerless_is_public=True)


def test_the_migration_switch_opens_nothing_that_has_an_owner():
    assert not decide_ownership(person("bob"), of_alice(), R, ownerless_is_public=True)


@pytest.mark.parametrize("groups", [(), ("*",)], ids=["plain", "claiming-every-group"])
def test_a_token_without_subject_owns_nothing(groups: tuple[str, ...]):
    nameless = Principal(name="", groups=groups)

    assert not decide_ownership(nameless, OWNERLESS, R)
    assert not decide_ownership(nameless, of_alice(), R)
    assert not is_storage_administrator(nameless)


@pytest.mark.parametrize("given_type", AccessType)
@pytest.mark.parametrize("wanted", AccessType)
def test_a_higher_access_type_includes_the_lower_ones(given_type: AccessType, wanted: AccessType):
    ownership = of_alice(collaborators={"bob": given_type})

    assert bool(decide_ownership(person("bob"), ownership, wanted)) is (given_type >= wanted)


@pytest.mark.parametrize(
    ("text", "access"),
    [("r", R), ("w", W), ("a", A), ("Read", R), ("write", W), ("ADMIN", A)],
)
def test_access_types_are_read_in_every_spelling_of_the_command_line(text: str, access: AccessType):
    assert AccessType.parse(text, field="access") is access


@pytest.mark.parametrize("text", ["", "x", "rw", "0", "readonly"])
def test_anything_else_is_no_access_type(text: str):
    with pytest.raises(InvalidInputError, match="access: expected"):
        AccessType.parse(text, field="access")


NAMES = st.sampled_from(["alice", "bob", "carol"])
GROUPS = st.sampled_from(["dev", "ops", "sales"])
KEYS = st.sampled_from(["dev", "ops", "bob", "carol", "*"])
ENTRIES = st.dictionaries(KEYS, st.sampled_from(AccessType))
LISTS = st.builds(
    AccessControl,
    groups=ENTRIES,
    collaborators=ENTRIES,
    public=st.none() | st.sampled_from(AccessType),
)
OWNERSHIPS = st.builds(Ownership, owner=st.sampled_from(["", "alice", "bob"]), acls=LISTS)
PEOPLE = st.builds(
    lambda name, groups: person(name, *groups), NAMES, st.lists(GROUPS, max_size=3, unique=True)
)


@given(PEOPLE, OWNERSHIPS)
def test_who_may_do_more_may_do_less(principal: Principal, ownership: Ownership):
    answers = [bool(decide_ownership(principal, ownership, wanted)) for wanted in AccessType]

    assert answers == sorted(answers, reverse=True)


@given(NAMES, st.permutations(["dev", "ops", "sales"]), OWNERSHIPS, st.sampled_from(AccessType))
def test_the_order_of_groups_in_a_token_changes_nothing(name, groups, ownership, wanted):
    assert bool(decide_ownership(person(name, *groups), ownership, wanted)) == bool(
        decide_ownership(person(name, *sorted(groups)), ownership, wanted)
    )


@given(PEOPLE, OWNERSHIPS, st.sampled_from(AccessType))
def test_a_guest_never_gets_what_a_principal_is_refused(principal, ownership, wanted):
    if decide_ownership(GUEST, ownership, wanted):
        assert decide_ownership(principal, ownership, wanted)
