"""Grants that add up: what each reach speaks for, and that no character in a path is anything but itself."""

import pytest

from holdfast.policy.acl import Capability
from holdfast.policy.grant_table import GrantTable, PathGrant, Reach

READ = frozenset({Capability.READ})


def table(*grants):
    return GrantTable(PathGrant(path, reach, READ, "test") for path, reach in grants)


@pytest.mark.parametrize(
    ("grant", "path", "expected"),
    [
        pytest.param(("a/b", Reach.PATH), "a/b", True, id="the path"),
        pytest.param(("a/b", Reach.PATH), "a/b/", False, id="not with a slash"),
        pytest.param(("a/b", Reach.PATH), "a/b/c", False, id="not below"),
        pytest.param(("a/b", Reach.PATH), "a/bc", False, id="not what begins alike"),
        pytest.param(("a/", Reach.WITHIN), "a/b", True, id="within"),
        pytest.param(("a/", Reach.WITHIN), "a/b/", True, id="a directory within"),
        pytest.param(("a/", Reach.WITHIN), "a/b/c", False, id="not deeper"),
        pytest.param(("a/", Reach.WITHIN), "a/", False, id="not the directory"),
        pytest.param(("a/", Reach.WITHIN), "a", False, id="not its name"),
        pytest.param(("", Reach.WITHIN), "a", True, id="within the top"),
        pytest.param(("", Reach.WITHIN), "a/b", False, id="not below the top"),
        pytest.param(("a/", Reach.BELOW), "a/b", True, id="below"),
        pytest.param(("a/", Reach.BELOW), "a/b/c", True, id="far below"),
        pytest.param(("a/", Reach.BELOW), "a/b/c/", True, id="a directory below"),
        pytest.param(("a/", Reach.BELOW), "a/", False, id="not itself"),
        pytest.param(("a/", Reach.BELOW), "a", False, id="not its own name"),
        pytest.param(("a/", Reach.BELOW), "ab/c", False, id="not a directory that begins alike"),
        pytest.param(("", Reach.BELOW), "a/b", True, id="below the top"),
        pytest.param(("a/*", Reach.PATH), "a/b", False, id="a star is a star"),
        pytest.param(("a/*", Reach.PATH), "a/*", True, id="and nothing else"),
        pytest.param(("a*", Reach.PATH), "ab", False, id="also behind a name"),
        pytest.param(("*/", Reach.BELOW), "a/b", False, id="also as a directory"),
        pytest.param(("+/b", Reach.PATH), "a/b", False, id="a plus is a plus"),
        pytest.param(("+/", Reach.BELOW), "a/b", False, id="also as a directory with a plus"),
    ],
)
def test_the_table(grant, path, expected):
    assert bool(table(grant).decide(path, Capability.READ)) is expected


def test_no_grant_allows_nothing():
    nothing = GrantTable()
    assert not nothing.decide("a", Capability.READ)
    assert nothing.capabilities("a") == ("deny",)
    assert not nothing.may_touch_below("")


def test_grants_add_up_where_a_policy_would_choose_one():
    grants = GrantTable(
        [
            PathGrant("a/", Reach.BELOW, frozenset({Capability.UPDATE}), "wide"),
            PathGrant("a/b", Reach.PATH, READ, "narrow"),
            PathGrant("a/b", Reach.PATH, frozenset({Capability.DELETE}), "narrow too"),
        ]
    )
    assert grants.capabilities("a/b") == ("read", "update", "delete")
    decision = grants.decide("a/b", Capability.UPDATE)
    assert decision
    assert decision.rule == "wide"


def test_a_root_is_allowed_everything():
    root = GrantTable(is_root=True)
    assert root.decide("sys/seal", Capability.SUDO)
    assert root.capabilities("x") == ("root",)
    assert root.may_touch_below("x/")


@pytest.mark.parametrize(
    ("grant", "prefix", "expected"),
    [
        pytest.param(("secret/data/a", Reach.PATH), "secret/", True, id="a path in it"),
        pytest.param(("secret/data/", Reach.BELOW), "secret/", True, id="a directory in it"),
        pytest.param(("secret/", Reach.BELOW), "secret/data/", True, id="all around it"),
        pytest.param(("secret/data/a", Reach.PATH), "other/", False, id="elsewhere"),
        pytest.param(("secret/data/a", Reach.PATH), "sec/", False, id="begins alike"),
    ],
)
def test_whether_anything_is_allowed_below(grant, prefix, expected):
    assert table(grant).may_touch_below(prefix) is expected
