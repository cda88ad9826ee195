"""Patterns with stars fit what they say, and cost no more than their length."""

import time

import pytest

from holdfast.store.auth.globs import matches, matches_any


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("", "", True),
        ("", "a", False),
        ("a", "a", True),
        ("a", "ab", False),
        ("*", "", True),
        ("*", "anything", True),
        ("team-*", "team-a", True),
        ("team-*", "my-team-a", False),
        ("*-prod", "a-prod", True),
        ("*-prod", "a-prod-b", False),
        ("a*b*c", "a-b-c", True),
        ("a*b*c", "abc", True),
        ("a*b*c", "ac", False),
        ("ab*ba", "aba", False),
        ("a**b", "ab", True),
        ("a?c", "abc", False),
        ("[ab]", "a", False),
        ("*a*", "bab", True),
        ("*a*", "bcb", False),
    ],
)
def test_a_pattern(pattern, text, fits):
    assert matches(pattern, text) is fits


def test_no_pattern_fits_nothing():
    assert not matches_any((), "")
    assert matches_any(("a", "b*"), "bc")


def test_many_stars_cost_little():
    begin = time.thread_time()
    assert not matches("*a" * 200 + "b", "a" * 10_000)
    assert time.thread_time() - begin < 1
