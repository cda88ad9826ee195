"""Where secrets go: names that the store refuses, and names that meet, are refused unread."""

import pytest

from holdfast.cli.errors import UsageError
from holdfast.cli.migrate.entry import Entry, holding
from holdfast.cli.migrate.plan import plan, prefix_of


def places(*names, into=""):
    return [(step.path, bool(step.problem)) for step in plan(map(unread, names), prefix=prefix_of(into))]


def unread(name):
    def read():
        raise AssertionError("nothing is read to plan")

    return Entry(name, read)


@pytest.mark.parametrize(
    ("into", "name", "path"),
    [
        pytest.param("", "a/b", "a/b", id="as-it-is"),
        pytest.param("", "/a/b", "a/b", id="leading-slash"),
        pytest.param("team", "a", "team/a", id="below-a-prefix"),
        pytest.param("/team/x/", "/a", "team/x/a", id="below-a-prefix-with-slashes"),
        pytest.param("", "tls.crt", "tls.crt", id="dot"),
        pytest.param("", "..data/x", "..data/x", id="dots-before-a-name"),
        pytest.param("", "a b", "a b", id="blank-inside"),
        pytest.param("", "__dcos_base64__key", "__dcos_base64__key", id="old-binary-name"),
        pytest.param("", "a%2Fb", "a%2Fb", id="percent-sign"),
    ],
)
def test_a_good_name_has_its_place(into, name, path):
    assert places(name, into=into) == [(path, False)]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("/", id="slash"),
        pytest.param("a/", id="directory"),
        pytest.param("a//b", id="empty-segment"),
        pytest.param("//a", id="two-leading-slashes"),
        pytest.param(".", id="dot"),
        pytest.param("a/../b", id="dot-dot"),
        pytest.param("../a", id="climbs"),
        pytest.param(" a", id="blank-before"),
        pytest.param("a ", id="blank-behind"),
        pytest.param("a\\b", id="backslash"),
        pytest.param("a\nb", id="newline"),
        pytest.param("a\x1b[2J", id="terminal-control"),
        pytest.param("\udcff", id="not-utf-8"),
        pytest.param("u\u0308", id="not-nfc"),
        pytest.param("a\u202eb", id="right-to-left-override"),
        pytest.param("x" * 256, id="long-segment"),
        pytest.param("/".join(["x" * 100] * 11), id="long"),
        pytest.param("/".join("x" * 65), id="deep"),
    ],
)
def test_a_name_that_the_store_refuses_is_refused_here(name):
    ((_, refused), other) = places(name, "good")
    assert refused
    assert other == ("good", False)


def test_a_prefix_counts_towards_the_length():
    assert places("x" * 200, into="/".join(["y" * 200] * 4)) == [
        ("/".join(["y" * 200] * 4 + ["x" * 200]), False)
    ]
    assert places("x" * 230, into="/".join(["y" * 200] * 4))[0][1]


def test_names_that_meet_are_all_refused():
    assert places("a/b", "c", "/a/b", "a/b") == [("a/b", True), ("c", False), ("a/b", True), ("a/b", True)]


def test_a_name_may_be_a_secret_and_a_directory():
    assert places("a", "a/b") == [("a", False), ("a/b", False)]


@pytest.mark.parametrize("into", ["..", "a/../b", "a//b", "\x00"])
def test_a_prefix_that_is_no_path_is_refused(into):
    with pytest.raises(UsageError, match="--into"):
        prefix_of(into)


def test_ten_thousand_names_are_planned():
    steps = plan([holding(f"n/{number}", b"") for number in range(10_000)], prefix="p/")
    assert not any(step.problem for step in steps)
