"""From permissions to paths: each action opens its own part of a mount; a space is that of the space rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.iam.permissions import WILDCARD_COVERS_ITS_FOLDER, rights_of
from holdfast.iam.resource import canonical_rid
from holdfast.model import parse_path
from holdfast.policy.acl import Capability
from holdfast.policy.grant_table import GrantTable
from holdfast.policy.space import decide_space
from holdfast.store.iam.path_grants import path_grants

MOUNTS = {"default": "secret/", "second": "kv/two/"}
READ, LIST = Capability.READ, Capability.LIST


def table(*grants):
    """Return the table of somebody with these grants: pairs of rid and action."""
    given_to_him = [{canonical_rid(rid): (action,)} for rid, action in grants]
    return GrantTable(path_grants(rights_of(given_to_him), MOUNTS))


def capabilities(grants, path):
    found = table(*grants).capabilities(path)
    return set() if found == ("deny",) else set(found)


@pytest.mark.parametrize(
    ("action", "section", "expected"),
    [
        pytest.param("create", "data", {"create"}, id="create"),
        pytest.param("read", "data", {"read"}, id="read"),
        pytest.param("update", "data", {"update", "patch"}, id="update"),
        pytest.param("delete", "data", {"delete"}, id="delete"),
        pytest.param("full", "data", {"create", "read", "update", "patch", "delete"}, id="full"),
        pytest.param("create", "metadata", {"create"}, id="create-metadata"),
        pytest.param("read", "metadata", {"read"}, id="read-metadata"),
        pytest.param("update", "metadata", {"update", "patch"}, id="update-metadata"),
        pytest.param("delete", "metadata", {"delete"}, id="delete-metadata"),
        pytest.param("full", "metadata", {"create", "read", "update", "patch", "delete"}, id="full-metadata"),
        pytest.param("read", "subkeys", {"read"}, id="read-subkeys"),
        pytest.param("read", "undelete", set(), id="a reader brings nothing back"),
        pytest.param("update", "undelete", {"update"}, id="update-undelete"),
        pytest.param("update", "destroy", set(), id="an updater destroys nothing"),
        pytest.param("delete", "destroy", {"update"}, id="delete-destroy"),
        pytest.param("delete", "delete", {"update"}, id="delete-versions"),
        pytest.param("full", "config", set(), id="nobody but a superuser configures"),
    ],
)
@pytest.mark.parametrize("rid", ["dcos:secrets:default:/a/b", "dcos:secrets:default:/a/*"])
def test_what_each_action_opens(rid, action, section, expected):
    assert capabilities([(rid, action)], f"secret/{section}/a/b") == expected


def test_full_is_exactly_the_four_actions():
    rid = "dcos:secrets:default:/a/b"
    four = [(rid, action) for action in ("create", "read", "update", "delete")]
    for section in ("data", "metadata", "subkeys", "delete", "undelete", "destroy", "config"):
        path = f"secret/{section}/a/b"
        assert capabilities(four, path) == capabilities([(rid, "full")], path)


@pytest.mark.parametrize(
    ("rid", "path", "expected"),
    [
        pytest.param("dcos:secrets:default:/a/*", "secret/data/a", WILDCARD_COVERS_ITS_FOLDER, id="folder"),
        pytest.param("dcos:secrets:default:/a/*", "secret/data/ab", False, id="begins alike"),
        pytest.param("dcos:secrets:default:/a/*", "secret/data/ab/c", False, id="folder begins alike"),
        pytest.param("dcos:secrets:default:/*", "secret/data/a", True, id="everything"),
        pytest.param("dcos:secrets:default:/*", "secret/data", False, id="not the mount's own paths"),
        pytest.param("dcos:secrets:default:/*", "kv/two/data/a", False, id="not another mount"),
        pytest.param("dcos:secrets:default:/*", "sys/mounts", False, id="not the system"),
        pytest.param("dcos:secrets:second:/a", "kv/two/data/a", True, id="another store"),
        pytest.param("dcos:secrets:second:/a", "secret/data/a", False, id="and only that"),
        pytest.param("dcos:secrets:third:/*", "secret/data/a", False, id="a store that there is none of"),
        pytest.param("dcos:secrets:default:/a*", "secret/data/ab", False, id="star behind a name"),
        pytest.param("dcos:secrets:default:/*/b", "secret/data/a/b", False, id="star in front"),
        pytest.param("dcos:secrets:default:/a/*/c", "secret/data/a/b/c", False, id="star in the middle"),
        pytest.param("dcos:secrets:default:/a/**", "secret/data/a/b", False, id="two stars"),
        pytest.param("dcos:secrets:default:/+/b", "secret/data/a/b", False, id="plus"),
        pytest.param("dcos:secrets:default:/+/*", "secret/data/a/b", False, id="plus before the star"),
        pytest.param("dcos:secrets:default:/+/*", "secret/data/+/b", True, id="a folder named plus"),
        pytest.param("dcos:secrets:default:/a%2F*", "secret/data/a/b", False, id="encoded slash"),
        pytest.param("dcos:superuse", "secret/data/a", False, id="nearly superuser"),
        pytest.param("dcos:adminrouter:secrets", "secret/data/a", False, id="a door"),
    ],
)
def test_how_far_a_right_reaches(rid, path, expected):
    assert bool(table((rid, "full")).decide(path, READ)) is expected


@pytest.mark.parametrize(
    ("rid", "folder", "expected"),
    [
        pytest.param("dcos:secrets:list:default:/", "", True, id="all names"),
        pytest.param("dcos:secrets:list:default:/", "a/b/", True, id="all names below"),
        pytest.param("dcos:secrets:list:default:/a", "a/", True, id="a folder"),
        pytest.param("dcos:secrets:list:default:/a", "a/b/", True, id="a folder in it"),
        pytest.param("dcos:secrets:list:default:/a/*", "a/", True, id="a folder with a star"),
        pytest.param("dcos:secrets:list:default:/a", "", False, id="not what is above"),
        pytest.param("dcos:secrets:list:default:/a", "ab/", False, id="not what begins alike"),
        pytest.param("dcos:secrets:default:/*", "", False, id="values are no names"),
    ],
)
def test_names_need_a_right_of_their_own(rid, folder, expected):
    assert bool(table((rid, "full")).decide(f"secret/metadata/{folder}", LIST)) is expected


@pytest.mark.parametrize("action", ["create", "update", "delete"])
def test_of_the_actions_only_read_and_full_show_names(action):
    assert not table(("dcos:secrets:list:default:/", action)).decide("secret/metadata/", LIST)
    assert table(("dcos:secrets:list:default:/", "read")).decide("secret/metadata/", LIST)


def test_a_right_to_names_shows_no_value():
    assert capabilities([("dcos:secrets:list:default:/", "full")], "secret/data/a") == set()
    assert capabilities([("dcos:secrets:list:default:/", "full")], "secret/metadata/a") == {"list"}


SPACES = [
    pytest.param("pw", "any/service", True, id="outside every space"),
    pytest.param("group/pw", "marathon-user/svc", False, id="another group"),
    pytest.param("group/pw", "group/hdfs/svc", True, id="own group"),
    pytest.param("group/hdfs/pw", "group/spark/svc", False, id="the neighbour's"),
    pytest.param("hdfs/pw", "hdfs", True, id="own id"),
    pytest.param("secret-svc/P1", "user", False, id="somebody else's"),
    pytest.param("secret-svc/P1", "secret-svc", True, id="its own"),
    pytest.param("secret-svc/P1", "secret-svc/dev1", True, id="its child's"),
    pytest.param("secret-svc/P1", "secret-svc/a/b/c/dev3", True, id="far below"),
    pytest.param("secret-svc/instance1/P2", "secret-svc", False, id="its child's space is not its own"),
    pytest.param("secret-svc/instance1/P2", "secret-svc/dev1", False, id="nor that of a sibling"),
    pytest.param("secret-svc/instance1/P2", "secret-svc/instance1", True, id="instance"),
    pytest.param("secret-svc/instance1/P2", "secret-svc/instance1/someDir/dev3", True, id="in the instance"),
    pytest.param("team/pw", "team-two/svc", False, id="begins alike"),
]


@pytest.mark.parametrize(("secret", "service", "expected"), SPACES)
def test_a_space_opens_what_the_rule_says(secret, service, expected):
    space = table((f"dcos:secrets:space:default:/{service}", "read"))
    assert bool(space.decide(f"secret/data/{secret}", READ)) is expected
    assert bool(decide_space(parse_path(secret), parse_path(service))) is expected


PATHS = st.lists(st.sampled_from(["a", "b", "ab", "*", "+"]), min_size=1, max_size=4).map("/".join)


@given(secret=PATHS, service=PATHS)
def test_a_space_and_the_rule_never_differ(secret, service):
    space = table((f"dcos:secrets:space:default:/{service}", "read"))
    expected = bool(decide_space(parse_path(secret), parse_path(service)))
    assert bool(space.decide(f"secret/data/{secret}", READ)) is expected


@given(granted=PATHS, asked=PATHS)
def test_no_character_of_a_path_stands_for_another(granted, asked):
    """A rid for one secret opens that one, however its name looks, unless it ends in the one wildcard."""
    is_wildcard = granted == "*" or granted.endswith("/*")
    is_below = asked.startswith(granted[:-1]) and asked != granted[:-1]
    rights = table((f"dcos:secrets:default:/{granted}", "read"))
    assert bool(rights.decide(f"secret/data/{asked}", READ)) is (
        is_below if is_wildcard else asked == granted
    )
