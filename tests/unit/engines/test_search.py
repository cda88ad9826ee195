"""A search finds what may be found, in order, and does no more at a time than it was told to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.dict_transaction import DictTransaction

from holdfast.engines import kv1, kv2
from holdfast.engines.search import COST_OF_A_LIST, Effort, search
from holdfast.errors import InvalidInputError

PATHS = ["a", "a/b", "a/c/d", "b", "p/q/r", "p/q/s", "p/x", "t"]


def mount_with(paths):
    mount = DictTransaction()
    for path in paths:
        kv1.write(mount, path, b'{"k":1}')
    return mount


def everything(_name):
    return True


def pages(mount, directory="", *, may_enter=everything, is_wanted=everything, effort=10_000, limit=1000):
    """Return all that a search finds, and how many pages it took."""
    names, after, count = [], "", 0
    while after is not None:
        page = search(
            mount,
            directory,
            may_enter=may_enter,
            is_wanted=is_wanted,
            effort=Effort(effort),
            after=after,
            limit=limit,
        )
        names += page.names
        after, count = page.after, count + 1
        assert count < 10_000
    return names, count


def test_everything_below_is_found_in_order():
    assert pages(mount_with(PATHS)) == (PATHS, 1)
    assert pages(mount_with(PATHS), "p/q/") == (["r", "s"], 1)
    assert pages(mount_with(PATHS), "none/") == ([], 1)


@pytest.mark.parametrize("limit", [1, 2, 3, 8])
@pytest.mark.parametrize("effort", [1, 2, 5, COST_OF_A_LIST + 3, 10_000])
def test_pages_of_any_size_add_up(limit, effort):
    assert pages(mount_with(PATHS), limit=limit, effort=effort)[0] == PATHS


def test_a_page_ends_when_its_effort_is_spent_even_if_nothing_was_found():
    mount = mount_with([f"n{number:04}" for number in range(500)] + ["z"])
    effort = Effort(100)
    page = search(mount, "", may_enter=everything, is_wanted=lambda name: name == "z", effort=effort)
    assert page.names == []
    assert page.after is not None
    assert effort.left >= -2 * COST_OF_A_LIST
    assert pages(mount, is_wanted=lambda name: name == "z", effort=100)[0] == ["z"]


def test_a_directory_that_may_not_be_entered_is_not_looked_into():
    asked = []

    def may_enter(directory):
        asked.append(directory)
        return directory != "p/"

    names, _ = pages(mount_with(PATHS), may_enter=may_enter)
    assert names == ["a", "a/b", "a/c/d", "b", "t"]
    assert "p/q/" not in asked


@pytest.mark.parametrize("after", ["p/q/r", "p/", "p/q/", "p/zzz/a"])
def test_a_place_to_go_on_from_opens_no_door(after):
    page = search(
        mount_with(PATHS),
        "",
        may_enter=lambda directory: directory != "p/",
        is_wanted=everything,
        effort=Effort(1000),
        after=after,
    )
    assert page.names == ["t"]


def test_older_versions_are_not_names():
    mount = DictTransaction()
    for _ in range(3):
        kv2.write(mount, "a", b"{}", now=1.0)
    assert pages(mount) == (["a"], 1)


@pytest.mark.parametrize(("directory", "limit"), [("a", 1), ("", 0)])
def test_a_search_that_is_none_is_refused(directory, limit):
    with pytest.raises(InvalidInputError):
        pages(DictTransaction(), directory, limit=limit)


segments = st.text("ab!~é", min_size=1, max_size=2)
trees = st.lists(st.lists(segments, min_size=1, max_size=4).map("/".join), max_size=12, unique=True)


@given(paths=trees, closed=st.sets(st.sampled_from(["a/", "b/", "a/a/", "a/b/"])), limit=st.integers(1, 4))
def test_what_is_found_is_what_could_be_listed_level_by_level(paths, closed, limit):
    def ways(path):
        parts = path.split("/")[:-1]
        return {"/".join(parts[: depth + 1]) + "/" for depth in range(len(parts))}

    reachable = {path for path in paths if not ways(path) & closed}
    names, _ = pages(
        mount_with(paths), may_enter=lambda directory: directory not in closed, limit=limit, effort=20
    )
    assert len(names) == len(set(names))
    assert set(names) == reachable
