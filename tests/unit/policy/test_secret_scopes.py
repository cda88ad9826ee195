"""Whoever names a secret as the key of a volume may do so only where a rule of an administrator says so."""

import pytest

from holdfast.errors import InvalidInputError
from holdfast.model import Principal
from holdfast.model.principal import GUEST
from holdfast.policy.secret_scopes import OWN, SecretScope, decide_namespace, decide_secret

ALICE = Principal(name="alice", roles=("system.user",), groups=("blue", "red"))
BOB = Principal(name="bob", roles=("system.user",))
ADMIN = Principal(name="root", roles=("system.admin",), groups=("*",))
TEAM = SecretScope(name="team", prefix="teams/{group}", groups=("blue",))
TENANT = SecretScope(name="tenant", prefix="", namespace="{group}")
NAMED = SecretScope(name="named", prefix="shared", users=("bob",))
SCOPES = (OWN, TEAM, TENANT, NAMED)


@pytest.mark.parametrize(
    ("who", "name", "namespace", "allowed"),
    [
        pytest.param(ALICE, "users/alice/k", "", True, id="own"),
        pytest.param(ALICE, "users/bob/k", "", False, id="anothers"),
        pytest.param(ALICE, "users/alice", "", False, id="the-prefix-itself"),
        pytest.param(ALICE, "users/alicex/k", "", False, id="longer-name"),
        pytest.param(ALICE, "users/alice/k", "blue", True, id="namespace-by-group"),
        pytest.param(ALICE, "anything/at/all", "red", True, id="whole-namespace"),
        pytest.param(ALICE, "anything", "green", False, id="namespace-of-a-foreign-group"),
        pytest.param(ALICE, "anything", "blue/", False, id="namespace-spelled-otherwise"),
        pytest.param(ALICE, "users/alice/k", "root", False, id="the-root-by-its-name"),
        pytest.param(ALICE, "teams/blue/k", "", True, id="group-of-the-scope"),
        pytest.param(ALICE, "teams/red/k", "", False, id="group-not-of-the-scope"),
        pytest.param(BOB, "teams/blue/k", "", False, id="not-in-the-group"),
        pytest.param(BOB, "shared/k", "", True, id="named-user"),
        pytest.param(ALICE, "shared/k", "", False, id="not-named"),
        pytest.param(ALICE, "cluster-key", "", True, id="cluster-wide-key"),
        pytest.param(ALICE, "cluster-key", "other", False, id="cluster-wide-key-elsewhere"),
        pytest.param(GUEST, "cluster-key", "", False, id="guest"),
        pytest.param(GUEST, "users//k", "", False, id="guest-own"),
        pytest.param(ALICE, "holdfast/volumes/1", "blue", False, id="the-nodes-own"),
        pytest.param(ADMIN, "holdfast/volumes/1", "x", True, id="storage-administrator"),
        pytest.param(ALICE, "", "", False, id="empty"),
    ],
)
def test_who_may_name_which_secret(who, name, namespace, allowed):
    decision = decide_secret(who, name, namespace, SCOPES, cluster_key=("cluster-key", ""))
    assert bool(decision) is allowed
    assert decision.rule if allowed else decision.reason


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("a/b", id="slash"),
        pytest.param("..", id="dot-dot"),
        pytest.param("auth0|a/../bob", id="path"),
        pytest.param("", id="empty"),
        pytest.param("*", id="star"),
        pytest.param("{user}", id="placeholder"),
        pytest.param("a" * 200, id="long"),
        pytest.param("a\nb", id="newline"),
    ],
)
def test_a_user_whose_name_is_no_plain_segment_has_no_prefix_of_his_own(name):
    principal = Principal(name=name, groups=(name,))
    for scope in (OWN, SecretScope(name="g", prefix="{group}")):
        assert list(scope.places(principal)) == []


def test_a_scope_for_certain_people_opens_nothing_to_a_group_of_the_same_name():
    scope = SecretScope(name="s", prefix="p", users=("blue",))
    assert not decide_secret(ALICE, "p/k", "", (scope,))


def test_keys_may_be_made_where_the_caller_has_a_scope():
    assert decide_namespace(ALICE, "", ())
    assert decide_namespace(ALICE, "blue", SCOPES)
    assert decide_namespace(ADMIN, "green", ())
    assert not decide_namespace(ALICE, "green", SCOPES)
    assert not decide_namespace(BOB, "blue", SCOPES)
    assert not decide_namespace(GUEST, "blue", SCOPES)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        pytest.param({"name": "A b", "prefix": "p"}, "name", id="name"),
        pytest.param({"name": "s", "prefix": "/p"}, "prefix", id="slash-first"),
        pytest.param({"name": "s", "prefix": "p/"}, "prefix", id="slash-last"),
        pytest.param({"name": "s", "prefix": "a/../b"}, "segment", id="dot-dot"),
        pytest.param({"name": "s", "prefix": "{users}"}, "braces", id="unknown-placeholder"),
        pytest.param({"name": "s", "prefix": "p", "namespace": "n/"}, "namespace", id="namespace"),
        pytest.param({"name": "s", "prefix": "p", "users": ("",)}, "users, groups", id="empty-user"),
        pytest.param({"name": "s", "prefix": "p", "groups": ("g",) * 300}, "at most", id="too-many"),
    ],
)
def test_a_scope_that_cannot_be_is_refused(fields, text):
    with pytest.raises(InvalidInputError, match=text):
        SecretScope(**fields).check()
