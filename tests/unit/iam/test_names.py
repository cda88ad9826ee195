"""Names of users and groups: one spelling, nothing that could be a step in a path, nothing reserved."""

import pytest

from holdfast.errors import InvalidInputError
from holdfast.iam.errors import Code
from holdfast.iam.names import Action, check_action, check_gid, check_uid


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("a", id="one letter"),
        pytest.param("bob@example.com", id="mail address"),
        pytest.param("svc_1-a.b", id="every sign"),
        pytest.param("-", id="a sign alone"),
        pytest.param("..a", id="dots and more"),
        pytest.param("x" * 96, id="longest"),
    ],
)
def test_a_name_is_a_name(name):
    assert check_uid(name) == check_gid(name) == name


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("x" * 97, id="too long"),
        pytest.param(".", id="dot"),
        pytest.param("..", id="dots"),
        pytest.param("a/b", id="slash"),
        pytest.param("a%2Fb", id="encoded slash"),
        pytest.param("a b", id="blank"),
        pytest.param("a\n", id="line feed at the end"),
        pytest.param("a\0", id="NUL"),
        pytest.param("é", id="accent"),
        pytest.param("\uff41", id="wide letter"),
        pytest.param("a:b", id="colon"),
        pytest.param("*", id="star"),
    ],
)
def test_anything_else_is_refused_with_its_word(name):
    with pytest.raises(InvalidInputError) as user:
        check_uid(name)
    with pytest.raises(InvalidInputError) as group:
        check_gid(name)
    assert (user.value.reason, group.value.reason) == (Code.INVALID_USER_ID, Code.INVALID_GROUP_ID)
    assert len(name) < 3 or name not in user.value.message


def test_the_name_of_nobody_is_reserved():
    with pytest.raises(InvalidInputError, match="reserved"):
        check_uid("anonymous")
    assert check_gid("anonymous") == "anonymous"


@pytest.mark.parametrize("word", ["", "Full", "FULL", "write", "full ", "*", "create,read"])
def test_only_the_five_actions_are_actions(word):
    assert check_action("full") is Action.FULL
    with pytest.raises(InvalidInputError) as refused:
        check_action(word)
    assert refused.value.reason == Code.INVALID_ACTION
