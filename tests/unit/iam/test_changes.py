"""Changes to users, groups and ACLs: what each demands, and that there is always a superuser left."""

import pytest
from tests.support.dict_transaction import DictTransaction

from holdfast.errors import ConflictError, InvalidInputError, TooLargeError
from holdfast.iam import changes, directory
from holdfast.iam.directory import SUPERUSERS, User
from holdfast.iam.errors import Code
from holdfast.iam.names import Action
from holdfast.iam.permissions import rights_of
from holdfast.iam.resource import SUPERUSER

RID = "dcos:secrets:default:/team/*"


@pytest.fixture
def tx():
    return DictTransaction()


def person(**changed):
    return User("", 0.0, changes.new_generation(), password="record", **changed)


def refused(code, change, *arguments):
    """Make a change that is refused, as a transaction does it: all of it or nothing."""
    tx = arguments[0]
    before = dict(tx.entries)
    with pytest.raises((ConflictError, InvalidInputError)) as error:
        change(*arguments)
    tx.entries = before
    assert error.value.reason == code


class TestUsers:
    def test_a_user_is_made_once(self, tx):
        changes.create_user(tx, "bob", person())
        refused(Code.USER_EXISTS, changes.create_user, tx, "bob", person())

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda tx: changes.change_user(tx, "eve", description="x"), id="change"),
            pytest.param(lambda tx: changes.remove_user(tx, "eve"), id="remove"),
            pytest.param(lambda tx: changes.revoke_tokens(tx, "eve"), id="revoke tokens"),
            pytest.param(lambda tx: changes.add_member(tx, SUPERUSERS, "eve"), id="put in a group"),
            pytest.param(lambda tx: changes.remove_member(tx, SUPERUSERS, "eve"), id="take out of one"),
            pytest.param(lambda tx: changes.grant_to_user(tx, SUPERUSER, "eve", Action.FULL), id="grant"),
            pytest.param(lambda tx: changes.revoke_from_user(tx, SUPERUSER, "eve", Action.FULL), id="revoke"),
        ],
    )
    def test_an_unknown_user_is_refused_by_every_change(self, tx, change):
        refused(Code.UNKNOWN_USER_ID, change, tx)

    @pytest.mark.parametrize(
        ("changed", "ends_tokens"),
        [
            pytest.param({"description": "x"}, False, id="description"),
            pytest.param({"password": "another"}, True, id="password"),
        ],
    )
    def test_what_a_user_proves_himself_with_ends_his_tokens_when_it_changes(self, tx, changed, ends_tokens):
        user = person()
        changes.create_user(tx, "bob", user)
        changes.change_user(tx, "bob", **changed)
        assert (directory.load_user(tx, "bob").generation != user.generation) is ends_tokens

    def test_a_new_key_ends_the_tokens_of_a_service_account(self, tx):
        service = User("", 0.0, changes.new_generation(), public_key="PEM")
        changes.create_user(tx, "svc", service)
        changes.change_user(tx, "svc", public_key="PEM2")
        assert directory.load_user(tx, "svc").generation != service.generation

    def test_a_person_gets_no_key_and_a_service_account_no_password(self, tx):
        changes.create_user(tx, "bob", person())
        changes.create_user(tx, "svc", User("", 0.0, "g", public_key="PEM"))
        with pytest.raises(InvalidInputError):
            changes.change_user(tx, "bob", public_key="PEM")
        with pytest.raises(InvalidInputError):
            changes.change_user(tx, "svc", password="record")

    def test_a_user_made_anew_has_another_generation(self, tx):
        changes.create_user(tx, "bob", first := person())
        changes.remove_user(tx, "bob")
        changes.create_user(tx, "bob", person())
        assert directory.load_user(tx, "bob").generation != first.generation

    def test_a_record_at_another_cost_ends_no_token_and_never_brings_an_old_password_back(self, tx):
        changes.create_user(tx, "bob", user := person())
        changes.renew_password_record(tx, "bob", old="record", new="dearer")
        renewed = directory.load_user(tx, "bob")
        assert (renewed.password, renewed.generation) == ("dearer", user.generation)
        changes.renew_password_record(tx, "bob", old="record", new="too late")
        assert directory.load_user(tx, "bob").password == "dearer"
        changes.renew_password_record(tx, "eve", old="", new="nobody")
        assert directory.load_user(tx, "eve") is None


class TestGroups:
    def test_a_member_is_put_in_and_taken_out_once(self, tx):
        changes.create_user(tx, "bob", person())
        changes.create_group(tx, "team", "")
        changes.add_member(tx, "team", "bob")
        refused(Code.USER_ALREADY_IN_GROUP, changes.add_member, tx, "team", "bob")
        changes.remove_member(tx, "team", "bob")
        refused(Code.USER_NOT_IN_GROUP, changes.remove_member, tx, "team", "bob")

    def test_a_group_made_later_under_the_name_of_a_removed_one_is_empty(self, tx):
        changes.create_user(tx, "bob", person())
        changes.create_group(tx, "team", "")
        changes.add_member(tx, "team", "bob")
        changes.remove_group(tx, "team")
        changes.create_group(tx, "team", "")
        assert directory.load_user(tx, "bob").groups == ()

    def test_unknown_and_known_groups(self, tx):
        changes.create_user(tx, "bob", person())
        for change, *arguments in (
            (changes.add_member, "team", "bob"),
            (changes.remove_member, "team", "bob"),
            (changes.remove_group, "team"),
            (changes.describe_group, "team", ""),
        ):
            refused(Code.UNKNOWN_GROUP_ID, change, tx, *arguments)
        refused(Code.GROUP_EXISTS, changes.create_group, tx, SUPERUSERS, "")

    def test_groups_of_one_user_are_bounded(self, tx, monkeypatch):
        monkeypatch.setattr(changes, "MAX_GROUPS", 2)
        changes.create_user(tx, "bob", person())
        for gid in ("a", "b", "c"):
            changes.create_group(tx, gid, "")
        changes.add_member(tx, "a", "bob")
        changes.add_member(tx, "b", "bob")
        with pytest.raises(TooLargeError):
            changes.add_member(tx, "c", "bob")


class TestPermissions:
    def test_an_action_is_granted_and_revoked_once(self, tx):
        changes.create_user(tx, "bob", person())
        refused(Code.UNKNOWN_RESOURCE_ID, changes.grant_to_user, tx, RID, "bob", Action.READ)
        changes.create_acl(tx, RID, "")
        refused(Code.ACL_EXISTS, changes.create_acl, tx, RID, "")
        refused(Code.USER_NOT_IN_ACL, changes.revoke_from_user, tx, RID, "bob", Action.READ)
        changes.grant_to_user(tx, RID, "bob", Action.READ)
        refused(Code.PERMISSION_EXISTS, changes.grant_to_user, tx, RID, "bob", Action.READ)
        refused(Code.ACTION_NOT_YET_STORED, changes.revoke_from_user, tx, RID, "bob", Action.UPDATE)
        changes.revoke_from_user(tx, RID, "bob", Action.READ)
        assert directory.load_user(tx, "bob").grants == {}

    def test_the_same_for_groups(self, tx):
        changes.create_group(tx, "team", "")
        changes.create_acl(tx, RID, "")
        refused(Code.UNKNOWN_GROUP_ID, changes.grant_to_group, tx, RID, "crew", Action.READ)
        refused(Code.GROUP_NOT_IN_ACL, changes.revoke_from_group, tx, RID, "team", Action.READ)
        changes.grant_to_group(tx, RID, "team", Action.READ)
        refused(Code.PERMISSION_EXISTS, changes.grant_to_group, tx, RID, "team", Action.READ)
        changes.revoke_from_group(tx, RID, "team", Action.READ)
        assert directory.load_group(tx, "team").grants == {}

    def test_a_resource_made_later_under_a_removed_rid_is_granted_to_nobody(self, tx):
        changes.create_user(tx, "bob", person())
        changes.create_group(tx, "team", "")
        changes.create_acl(tx, RID, "")
        changes.grant_to_user(tx, RID, "bob", Action.READ)
        changes.grant_to_group(tx, RID, "team", Action.READ)
        changes.remove_acl(tx, RID)
        changes.create_acl(tx, RID, "")
        assert (directory.load_user(tx, "bob").grants, directory.load_group(tx, "team").grants) == ({}, {})

    def test_resources_of_one_user_are_bounded(self, tx, monkeypatch):
        monkeypatch.setattr(changes, "MAX_GRANTS", 1)
        changes.create_user(tx, "bob", person())
        for rid in (RID, SUPERUSER[:-1]):
            changes.create_acl(tx, rid, "")
        changes.grant_to_user(tx, RID, "bob", Action.READ)
        changes.grant_to_user(tx, RID, "bob", Action.UPDATE)
        with pytest.raises(TooLargeError):
            changes.grant_to_user(tx, SUPERUSER[:-1], "bob", Action.READ)


def superuser_by_group(tx):
    changes.create_user(tx, "root", person())
    changes.add_member(tx, SUPERUSERS, "root")


def superuser_by_grant(tx):
    changes.create_user(tx, "root", person())
    changes.grant_to_user(tx, SUPERUSER, "root", Action.FULL)


def superuser_by_group_with_grant(tx):
    changes.create_user(tx, "root", person())
    changes.create_group(tx, "ops", "")
    changes.add_member(tx, "ops", "root")
    changes.grant_to_group(tx, SUPERUSER, "ops", Action.READ)


LAST_STEPS = [
    pytest.param(superuser_by_group, lambda tx: changes.remove_user(tx, "root"), id="remove the user"),
    pytest.param(
        superuser_by_group, lambda tx: changes.remove_member(tx, SUPERUSERS, "root"), id="out of the group"
    ),
    pytest.param(
        superuser_by_grant,
        lambda tx: changes.revoke_from_user(tx, SUPERUSER, "root", Action.FULL),
        id="revoke from the user",
    ),
    pytest.param(
        superuser_by_group_with_grant,
        lambda tx: changes.revoke_from_group(tx, SUPERUSER, "ops", Action.READ),
        id="revoke from his group",
    ),
    pytest.param(
        superuser_by_group_with_grant, lambda tx: changes.remove_group(tx, "ops"), id="remove his group"
    ),
    pytest.param(
        superuser_by_group_with_grant,
        lambda tx: changes.remove_member(tx, "ops", "root"),
        id="out of the group with the grant",
    ),
]


@pytest.mark.parametrize(("make", "last_step"), LAST_STEPS)
def test_the_last_superuser_stays(tx, make, last_step):
    make(tx)
    assert directory.has_superuser(tx)
    refused(Code.NO_MORE_SUPERUSERS, last_step, tx)
    changes.create_user(tx, "second", person(groups=(SUPERUSERS,)))
    last_step(tx)
    assert directory.has_superuser(tx)


def test_what_makes_superusers_stays(tx):
    superuser_by_group(tx)
    refused(Code.IS_SUPERUSER_GROUP, changes.remove_group, tx, SUPERUSERS)
    refused(Code.IS_SUPERUSER_ACL, changes.remove_acl, tx, SUPERUSER)
    refused(Code.IS_SUPERUSER_GROUP, changes.revoke_from_group, tx, SUPERUSER, SUPERUSERS, Action.FULL)


def test_without_a_superuser_ordinary_users_can_be_removed(tx):
    changes.create_user(tx, "bob", person())
    changes.remove_user(tx, "bob")
    assert directory.load_user(tx, "bob") is None


def test_a_group_that_does_not_exist_grants_nothing(tx):
    changes.create_user(tx, "bob", person(groups=("ghosts",)))
    user = directory.load_user(tx, "bob")
    assert rights_of(directory.grants_of(tx, user)) == rights_of([])


def test_records_show_nothing_of_what_they_hold():
    assert repr(person()) == "User(...)"
