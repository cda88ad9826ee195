"""What grants allow together: nothing by default, and never more than was said."""

import pytest

from holdfast.iam.names import Action
from holdfast.iam.permissions import WILDCARD_COVERS_ITS_FOLDER, is_allowed, rights_of
from holdfast.iam.resource import canonical_rid

SECRETS = "dcos:secrets:default:"
NAMES = "dcos:secrets:list:default:"


def allowed(grants, rid, action):
    grants = [{canonical_rid(known): actions for known, actions in some.items()} for some in grants]
    return is_allowed(grants, canonical_rid(rid), Action(action))


@pytest.mark.parametrize(
    ("grants", "rid", "action", "expected"),
    [
        pytest.param([], SECRETS + "/a", "read", False, id="nothing granted"),
        pytest.param([{}], SECRETS + "/a", "read", False, id="an empty grant"),
        pytest.param([{SECRETS + "/a": ()}], SECRETS + "/a", "read", False, id="no action"),
        pytest.param([{SECRETS + "/a": ("read",)}], SECRETS + "/a", "read", True, id="as granted"),
        pytest.param([{SECRETS + "/a": ("read",)}], SECRETS + "/a", "update", False, id="another action"),
        pytest.param([{SECRETS + "/a": ("read",)}], SECRETS + "/b", "read", False, id="another secret"),
        pytest.param([{SECRETS + "/a": ("read",)}], SECRETS + "/a/b", "read", False, id="below a secret"),
        pytest.param([{SECRETS + "a": ("read",)}], SECRETS + "/a", "read", True, id="without the slash"),
        pytest.param([{SECRETS + "/a": ("full",)}], SECRETS + "/a", "delete", True, id="full is all"),
        pytest.param([{SECRETS + "/a": ("read",)}], SECRETS + "/a", "full", False, id="one is not full"),
        pytest.param(
            [{SECRETS + "/a": ("create", "read")}, {SECRETS + "/a": ("update", "delete")}],
            SECRETS + "/a",
            "full",
            True,
            id="all four are full, whoever granted them",
        ),
        pytest.param([{SECRETS + "/a/*": ("read",)}], SECRETS + "/a/b", "read", True, id="below"),
        pytest.param([{SECRETS + "/a/*": ("read",)}], SECRETS + "/a/b/c", "read", True, id="any depth"),
        pytest.param(
            [{SECRETS + "/a/*": ("read",)}],
            SECRETS + "/a",
            "read",
            WILDCARD_COVERS_ITS_FOLDER,
            id="not the folder's own name",
        ),
        pytest.param([{SECRETS + "/a/*": ("read",)}], SECRETS + "/ab", "read", False, id="begins alike"),
        pytest.param([{SECRETS + "/a/*": ("read",)}], SECRETS + "/ab/c", "read", False, id="folder alike"),
        pytest.param([{SECRETS + "/a/*": ("read",)}], SECRETS + "/a/b/*", "read", True, id="less of it"),
        pytest.param([{SECRETS + "/a/b/*": ("read",)}], SECRETS + "/a/*", "read", False, id="more of it"),
        pytest.param([{SECRETS + "/*": ("read",)}], SECRETS + "/a", "read", True, id="everything"),
        pytest.param([{SECRETS + "/*": ("full",)}], NAMES + "/", "read", False, id="values are no names"),
        pytest.param([{NAMES + "/": ("full",)}], SECRETS + "/a", "read", False, id="names are no values"),
        pytest.param([{NAMES + "/": ("read",)}], NAMES + "/a/b", "read", True, id="all names"),
        pytest.param([{NAMES + "/a": ("read",)}], NAMES + "/a/b", "read", True, id="names below"),
        pytest.param([{NAMES + "/a/*": ("full",)}], NAMES + "/a", "read", True, id="names with a star"),
        pytest.param([{NAMES + "/a/b": ("read",)}], NAMES + "/a", "read", False, id="names above"),
        pytest.param(
            [{"dcos:secrets:other:/*": ("full",)}], SECRETS + "/a", "read", False, id="another store"
        ),
        pytest.param([{"dcos:superuser": ("read",)}], SECRETS + "/a", "delete", True, id="superuser"),
        pytest.param([{"dcos:superuser": ()}], SECRETS + "/a", "read", False, id="superuser of nothing"),
        pytest.param([{"dcos:adminrouter:secrets": ("full",)}], SECRETS + "/a", "read", False, id="a door"),
        pytest.param(
            [{"dcos:adminrouter:acs": ("full",)}], "dcos:adminrouter:acs", "read", True, id="the door itself"
        ),
        pytest.param(
            [{"dcos:adminrouter:*": ("full",)}], "dcos:adminrouter:acs", "read", False, id="no star"
        ),
    ],
)
def test_the_table(grants, rid, action, expected):
    assert allowed(grants, rid, action) is expected


def test_a_door_opens_nothing_here():
    rights = rights_of([{"dcos:adminrouter:secrets": ("full",), "dcos:adminrouter:acs": ("full",)}])
    assert (rights.is_superuser, rights.secrets) == (False, ())
