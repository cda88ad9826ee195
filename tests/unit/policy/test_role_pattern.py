"""The pattern grammar of roles, and the refusal of patterns that could never match."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import InvalidInputError
from holdfast.policy.role_pattern import MAX_LENGTH, parse_role_pattern

NAMES = st.text("abcz.-_09", min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        pytest.param("volume", "volume", True, id="equal"),
        pytest.param("volume", "volumes", False, id="equal-not-prefix"),
        pytest.param("volume", "avolume", False, id="equal-not-suffix"),
        pytest.param("*", "anything", True, id="star"),
        pytest.param("****", "anything", True, id="many-stars"),
        pytest.param("inspect*", "inspect", True, id="prefix-of-itself"),
        pytest.param("inspect*", "inspectcurrent", True, id="prefix"),
        pytest.param("inspect*", "defaultinspect", False, id="prefix-not-inside"),
        pytest.param("*inspect", "defaultinspect", True, id="suffix"),
        pytest.param("*inspect", "inspectcurrent", False, id="suffix-not-prefix"),
        pytest.param("*enumerate*", "snapshotenumeratewithfilters", True, id="contains"),
        pytest.param("*enumerate*", "inspect", False, id="contains-not"),
        pytest.param("!create", "create", True, id="denial-matches-what-it-denies"),
        pytest.param("!*", "anything", True, id="denial-of-all"),
        pytest.param("a.b", "axb", False, id="a-dot-is-no-wildcard"),
    ],
)
def test_a_pattern_matches_what_its_form_says(pattern: str, name: str, expected: bool):
    compiled = parse_role_pattern(pattern)

    assert compiled.matches(name) is expected
    assert compiled.denies is pattern.startswith("!")


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("", id="empty"),
        pytest.param("!", id="only-the-mark"),
        pytest.param("!!create", id="doubled-mark"),
        pytest.param("create!", id="mark-behind"),
        pytest.param("a*b", id="inner-star"),
        pytest.param("snap*shot*", id="inner-and-outer-star"),
        pytest.param("**abc", id="doubled-outer-star"),
        pytest.param(" volume", id="leading-blank"),
        pytest.param("volume ", id="trailing-blank"),
        pytest.param("Volume", id="capitals-reach-it-folded-or-not-at-all"),
        pytest.param("volume\n", id="newline"),
        pytest.param("vol[ua]me", id="regular-expression"),
        pytest.param("völume", id="not-ascii"),
        pytest.param("a" * (MAX_LENGTH + 1), id="huge"),
        pytest.param("*" * (MAX_LENGTH + 1), id="many-stars-over-the-limit"),
    ],
)
def test_a_pattern_that_could_never_match_is_refused(pattern: str):
    with pytest.raises(InvalidInputError):
        parse_role_pattern(pattern)


@given(literal=NAMES, before=NAMES | st.just(""), after=NAMES | st.just(""))
def test_a_pattern_agrees_with_the_plain_text_tests(literal: str, before: str, after: str):
    name = before + literal + after

    assert parse_role_pattern(f"*{literal}*").matches(name)
    assert parse_role_pattern(f"{literal}*").matches(name) == name.startswith(literal)
    assert parse_role_pattern(f"*{literal}").matches(name) == name.endswith(literal)
    assert parse_role_pattern(literal).matches(name) == (name == literal)
