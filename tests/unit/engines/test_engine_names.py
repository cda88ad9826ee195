"""Names and listings of a KV mount: one level, any depth, no way into a secret's older versions."""

import pytest

from holdfast.engines import kv1, kv2
from holdfast.engines.names import list_names, older_version_key, secret_key, walk
from holdfast.errors import InvalidInputError

PATHS = ["a", "a!", "a/b", "a/b/c", "a/é", "b", "dir/only/deep", "z z"]


@pytest.fixture
def filled(mount):
    for path in PATHS:
        kv1.write(mount, path, b'{"k":"v"}')
    return mount


def test_a_name_that_is_a_secret_and_a_directory_is_listed_as_both(filled):
    assert list_names(filled, "") == ["a", "a!", "a/", "b", "dir/", "z z"]
    assert list_names(filled, "a/") == ["b", "b/", "é"]


def test_an_empty_directory_lists_nothing(filled):
    assert list_names(filled, "nothing/") == []


def test_older_versions_never_appear_in_a_listing(mount):
    for number in range(1, 6):
        kv2.write(mount, "a/b", b"{}", now=number)
        kv2.write(mount, "a/b/c", b"{}", now=number)
    assert len(mount.entries) == 10
    assert list_names(mount, "") == ["a/"]
    assert list_names(mount, "a/") == ["b", "b/"]
    assert list_names(mount, "a/b/") == ["c"]
    assert list(walk(mount, "")) == ["a/b", "a/b/c"]


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_paging_visits_every_name_once_in_order(mount, limit):
    for path in PATHS:
        kv2.write(mount, path, b"{}", now=1.0)
        kv2.write(mount, path, b"{}", now=2.0)  # an older version beside each
    names, after = [], ""
    while page := list_names(mount, "", after=after, limit=limit):
        assert len(page) <= limit
        names += page
        after = page[-1]
    assert names == ["a", "a!", "a/", "b", "dir/", "z z"]


def test_a_walk_visits_every_path_below_in_byte_order(filled):
    assert list(walk(filled, "")) == sorted(PATHS, key=str.encode)
    assert list(walk(filled, "a/")) == ["b", "b/c", "é"]


@pytest.mark.parametrize("after", [*PATHS, "", "a/", "a/b/", "dir/zzz", "gone/in/between", "~"])
def test_a_walk_resumes_behind_any_place(filled, after):
    expected = [path for path in sorted(PATHS, key=str.encode) if path.encode() > after.encode()]
    assert list(walk(filled, "", after=after)) == expected


def test_a_walk_goes_on_beyond_one_page_of_names(mount):
    paths = [f"d{i // 300}/n{i:04}" for i in range(700)]
    for path in paths:
        kv1.write(mount, path, b'{"k":1}')
    assert list(walk(mount, "")) == paths


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("", id="empty"),
        pytest.param("a/", id="directory"),
        pytest.param("a\x01/1", id="a version of another secret"),
    ],
)
def test_a_key_is_made_only_from_the_name_of_a_secret(path):
    with pytest.raises(InvalidInputError):
        secret_key(path)
    with pytest.raises(InvalidInputError):
        older_version_key(path, 1)


@pytest.mark.parametrize(
    "directory", [pytest.param("a", id="no slash"), pytest.param("a\x01/", id="versions")]
)
def test_only_directories_are_listed(filled, directory):
    with pytest.raises(InvalidInputError):
        list_names(filled, directory)


def test_a_page_of_no_names_is_refused(filled):
    with pytest.raises(InvalidInputError):
        list_names(filled, "", limit=0)
