"""A path explains itself to whoever may see it: what it is for, what it takes; a mount lists its paths."""

import pytest
from tests.support.local_store import StoreUnderTest


@pytest.fixture
def store():
    store = StoreUnderTest()
    store.initialize()
    return store


def ask(store, path, token=None):
    return store.vault("GET", f"{path}?help=1", token=store.root if token is None else token)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        pytest.param("sys/mounts/some/where", ["sys/mounts/{name}", "## WRITE"], id="own-path"),
        pytest.param("sys/health", ["sys/health", "Needs no token"], id="path-that-works-while-sealed"),
        pytest.param("auth/token/create", ["auth/token/create"], id="token-path"),
        pytest.param("secret/data/team/db", ["secret/data/{path}", "## DELETE"], id="path-of-an-engine"),
        pytest.param("secret/", ["## PATHS", "secret/metadata/{path}"], id="mount"),
        pytest.param("sys", ["## PATHS", "sys/seal-status"], id="all-of-sys"),
    ],
)
def test_a_path_explains_itself(store, path, words):
    answer = ask(store, path)
    assert answer.status == 200
    assert set(answer.json) == {"help", "see_also", "openapi"}
    assert [word for word in words if word not in answer.json["help"]] == []
    assert answer.json["openapi"]["paths"]


def test_nothing_is_done_at_the_path(store):
    store.vault("PUT", "secret/data/a", {"data": {"k": "hidden-value"}}, token=store.root)
    assert b"hidden-value" not in ask(store, "secret/data/a").body


def test_a_caller_reads_of_mounts_that_his_policies_reach_and_of_no_others(store):
    store.vault("PUT", "sys/mounts/other", {"type": "kv"}, token=store.root)
    token = store.token_for({"secret/data/team/*": ["read"]})
    assert ask(store, "secret/data/x", token).status == 200
    assert ask(store, "other", token).status == 404
    assert ask(store, "nowhere", token).status == 404
    assert ask(store, "other").status == 200


@pytest.mark.parametrize("token", [pytest.param("", id="none"), pytest.param("hvs.nobody", id="unknown")])
def test_a_token_is_needed(store, token):
    assert ask(store, "sys/mounts", token).status == 403
