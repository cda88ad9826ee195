"""A transcript that does not match fails; these are the ways in which it could wrongly pass."""

import pytest
from tests.support.transcript import play

SESSION = """\
# a session
$ echo one $WHO; echo two
one {who}
two

$ echo {who} again >&2; false
{who} again
[exit 1]
"""


def test_a_session_that_matches_passes_and_gives_its_holes(tmp_path):
    assert play(SESSION, directory=tmp_path, environment={"WHO": "somebody"}) == {"who": "somebody"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("$ echo one\ntwo\n", id="other-text"),
        pytest.param("$ echo one; echo two\none\n", id="more-printed-than-expected"),
        pytest.param("$ echo one\none\ntwo\n", id="less-printed-than-expected"),
        pytest.param("$ echo one\n", id="silence-expected"),
        pytest.param("$ false\n", id="exit-code-of-failure"),
        pytest.param("$ true\n[exit 1]\n", id="failure-expected"),
        pytest.param("$ echo a.c\nabc\n", id="text-is-no-pattern"),
        pytest.param("$ echo one\n{x}\n$ echo two\n{x}\n", id="hole-changed-later"),
        pytest.param("$ echo one two\n{x} {x}\n", id="hole-changed-in-one-output"),
        pytest.param("$ printf 'a\\nb\\n'\n{*}\n", id="hole-over-two-lines"),
    ],
)
def test_a_session_that_differs_fails(tmp_path, text):
    with pytest.raises(AssertionError):
        play(text, directory=tmp_path, environment={})
