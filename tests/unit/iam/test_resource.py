"""Resource ids: every spelling comes down to one, and what only looks like a wildcard is none."""

import pytest

from holdfast.errors import InvalidInputError
from holdfast.iam.errors import Code
from holdfast.iam.resource import Scope, SecretResource, canonical_rid, secret_resource


@pytest.mark.parametrize(
    ("sent", "canonical"),
    [
        pytest.param("dcos:secrets:default:/a/b", "dcos:secrets:default:/a/b", id="secret"),
        pytest.param("dcos:secrets:default:a/b", "dcos:secrets:default:/a/b", id="secret without slash"),
        pytest.param("dcos:secrets:default:/a/*", "dcos:secrets:default:/a/*", id="below"),
        pytest.param("dcos:secrets:default:a/*", "dcos:secrets:default:/a/*", id="below without slash"),
        pytest.param("dcos:secrets:default:/*", "dcos:secrets:default:/*", id="everything"),
        pytest.param("dcos:secrets:default:*", "dcos:secrets:default:/*", id="everything without slash"),
        pytest.param("dcos:secrets:list:default:/", "dcos:secrets:list:default:/", id="all names"),
        pytest.param("dcos:secrets:list:default:", "dcos:secrets:list:default:/", id="all names, no slash"),
        pytest.param("dcos:secrets:list:default:/*", "dcos:secrets:list:default:/", id="all names, star"),
        pytest.param("dcos:secrets:list:default:/a", "dcos:secrets:list:default:/a", id="names"),
        pytest.param("dcos:secrets:list:default:/a/", "dcos:secrets:list:default:/a", id="names, slash"),
        pytest.param("dcos:secrets:list:default:a/*", "dcos:secrets:list:default:/a", id="names, star"),
        pytest.param("dcos:secrets:space:default:g/svc", "dcos:secrets:space:default:/g/svc", id="space"),
        pytest.param("dcos:secrets:default:/a:b@c", "dcos:secrets:default:/a:b@c", id="colon in a name"),
        pytest.param("dcos:secrets:other:/a", "dcos:secrets:other:/a", id="another store"),
        pytest.param("dcos:superuser", "dcos:superuser", id="superuser"),
        pytest.param(
            "dcos:service:marathon:marathon:services:/",
            "dcos:service:marathon:marathon:services:/",
            id="something else is kept as it is",
        ),
    ],
)
def test_one_spelling_for_each(sent, canonical):
    assert canonical_rid(sent) == canonical
    assert canonical_rid(canonical) == canonical


@pytest.mark.parametrize(
    "rid",
    [
        pytest.param("", id="empty"),
        pytest.param("dcos:secrets:", id="no store"),
        pytest.param("dcos:secrets:default", id="no path"),
        pytest.param("dcos:secrets:default:", id="empty path"),
        pytest.param("dcos:secrets:default:/", id="the top is no secret"),
        pytest.param("dcos:secrets:default:/a/", id="a folder is no secret"),
        pytest.param("dcos:secrets:default://a", id="empty segment in front"),
        pytest.param("dcos:secrets:default:/a//b", id="empty segment"),
        pytest.param("dcos:secrets:default://*", id="empty segment before the star"),
        pytest.param("dcos:secrets:list:default://", id="empty segment in a list"),
        pytest.param("dcos:secrets:default:/a/../b", id="dots"),
        pytest.param("dcos:secrets:default:/../*", id="dots before the star"),
        pytest.param("dcos:secrets:default:/./a", id="dot"),
        pytest.param("dcos:secrets:default:/a\0", id="NUL"),
        pytest.param("dcos:secrets:default:/a\nb", id="line feed"),
        pytest.param("dcos:secrets:default:/e\u0301", id="not normalised"),
        pytest.param("dcos:secrets:default:/" + "x" * 256, id="overlong segment"),
        pytest.param("dcos:secrets:default:/" + "x/" * 600 + "x", id="overlong path"),
        pytest.param("dcos:secrets:a/b:/c", id="slash in the store"),
        pytest.param("dcos:secrets:space:default:/", id="a space of no service"),
        pytest.param("dcos:secrets:list:/a", id="a list of no store"),
        pytest.param("with blank", id="blank"),
        pytest.param("caf\u00e9", id="not ASCII"),
        pytest.param("x" * 513, id="overlong"),
    ],
)
def test_what_cannot_be_a_rid_is_refused(rid):
    with pytest.raises(InvalidInputError) as refused:
        canonical_rid(rid)
    assert refused.value.reason == Code.INVALID_RESOURCE_ID
    assert len(rid) < 20 or rid not in refused.value.message


@pytest.mark.parametrize(
    ("rid", "scope", "path"),
    [
        pytest.param("dcos:secrets:default:/a/b", Scope.SECRET, "a/b", id="secret"),
        pytest.param("dcos:secrets:default:/a/*", Scope.BELOW, "a", id="below"),
        pytest.param("dcos:secrets:default:/*", Scope.BELOW, "", id="everything"),
        pytest.param("dcos:secrets:list:default:/a", Scope.NAMES, "a", id="names"),
        pytest.param("dcos:secrets:list:default:/", Scope.NAMES, "", id="all names"),
        pytest.param("dcos:secrets:space:default:/g/s", Scope.SPACE, "g/s", id="space"),
        pytest.param("dcos:secrets:default:/a*", Scope.SECRET, "a*", id="star behind a name"),
        pytest.param("dcos:secrets:default:/*/a", Scope.SECRET, "*/a", id="star in front"),
        pytest.param("dcos:secrets:default:/a/*/b", Scope.SECRET, "a/*/b", id="star in the middle"),
        pytest.param("dcos:secrets:default:/a/**", Scope.SECRET, "a/**", id="two stars"),
        pytest.param("dcos:secrets:default:/+/b", Scope.SECRET, "+/b", id="plus"),
        pytest.param("dcos:secrets:default:/a/?", Scope.SECRET, "a/?", id="question mark"),
        pytest.param("dcos:secrets:default:/a%2F*", Scope.SECRET, "a%2F*", id="encoded slash"),
        pytest.param("dcos:secrets:space:default:/g/*", Scope.SPACE, "g/*", id="star in a service"),
    ],
)
def test_what_a_rid_says_of_secrets(rid, scope, path):
    assert secret_resource(canonical_rid(rid)) == SecretResource("default", scope, path)


@pytest.mark.parametrize("rid", ["dcos:superuser", "dcos:secret:default:/a", "dcos:adminrouter:secrets"])
def test_other_rids_say_nothing_of_secrets(rid):
    assert secret_resource(canonical_rid(rid)) is None
