"""Reading many and searching, as a client sees it: all pages, in order, and nothing of a strange server."""

import pytest

from holdfast.client import VaultClient
from holdfast.client.errors import RemoteUnavailableError
from holdfast.client.vault_across import MOST_AT_ONCE, read_many, search

CANARY = "canary-7f3a"


class Scripted(VaultClient):
    """Answers from a list, and keeps what was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def request(self, method, path, body=None, **_):
        self.asked.append((method, path, body))
        return self.answers.pop(0)


def results(paths, **more):
    return {
        "data": {"results": [{"path": path, "status": 200, "data": {"k": CANARY}, **more} for path in paths]}
    }


def test_more_paths_than_fit_into_one_request_make_several():
    paths = [f"secret/data/{number}" for number in range(MOST_AT_ONCE + 2)]
    client = Scripted(results(paths[:MOST_AT_ONCE]), results(paths[MOST_AT_ONCE:], errors=["no"]))
    found = list(read_many(client, paths))
    assert [result.path for result in found] == paths
    assert (found[0].status, found[0].data, found[0].errors) == (200, {"k": CANARY}, ())
    assert found[-1].errors == ("no",)
    assert [len(body["paths"]) for _, _, body in client.asked] == [MOST_AT_ONCE, 2]
    assert CANARY not in repr(found[0])


def test_nothing_is_asked_for_no_paths():
    assert list(read_many(Scripted(), [])) == []


def test_pages_are_fetched_as_they_are_taken():
    entry = {"mount": "secret/", "name": "a", "path": "secret/data/a"}
    client = Scripted(
        {"data": {"results": [entry], "after": "secret/a"}},
        {"data": {"results": [], "after": "secret/b"}},
        {"data": {"results": [entry], "after": None}},
    )
    found = search(client, {"contains": "a"})
    assert next(found).path == "secret/data/a"
    assert len(client.asked) == 1
    assert [secret.name for secret in found] == ["a"]
    assert [body.get("after") for _, _, body in client.asked] == [None, "secret/a", "secret/b"]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"data": None},
        {"data": {"results": None}},
        {"data": {"results": ["text"]}},
        {"data": {"results": []}},
        {"data": {"results": [{"path": "a"}, {"path": "b"}]}},
    ],
)
def test_an_answer_of_another_shape_is_none(answer):
    with pytest.raises(RemoteUnavailableError):
        list(read_many(Scripted(answer), ["secret/data/a"]))


@pytest.mark.parametrize("after", ["", 7, "again"])
def test_a_search_that_does_not_come_on_ends(after):
    page = {"data": {"results": [], "after": after}}
    with pytest.raises(RemoteUnavailableError):
        list(search(Scripted(page, page, page), {}))
