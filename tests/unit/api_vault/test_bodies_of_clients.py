"""What clients written in Go put into requests where they have nothing to say, taken as that."""

import pytest
from tests.support.local_store import StoreUnderTest


@pytest.fixture
def store():
    store = StoreUnderTest()
    store.initialize()
    return store


@pytest.mark.parametrize("body", [pytest.param(b"null\n", id="null"), pytest.param(b"", id="empty")])
def test_null_is_a_body_without_fields(store, body):
    assert store.vault("PUT", "auth/token/tidy", raw=body, token=store.root).status == 202
    assert store.vault("PUT", "sys/rotate", raw=body, token=store.root).status == 204
    refused = store.vault("PUT", "secret/data/a", raw=body, token=store.root)
    assert (refused.status, refused.errors) == (400, ["no data provided"])


def test_null_works_where_no_token_is_needed():
    sealed = StoreUnderTest()
    assert sealed.vault("PUT", "sys/unseal", raw=b"null").status == 400
    assert "'key' must be specified" in sealed.vault("PUT", "sys/unseal", raw=b"null").errors[0]


@pytest.mark.parametrize("path", ["secret/metadata", "sys/policies/acl"])
def test_a_limit_of_minus_one_is_no_limit(store, path):
    for name in ("a", "b", "c"):
        store.vault("PUT", f"secret/data/{name}", {"data": {"k": "v"}}, token=store.root)
    limited = store.vault("GET", f"{path}?list=true&after=a&limit=-1", token=store.root)
    assert limited.status == 200
    assert limited.data["keys"][-2:] == store.vault("LIST", path, token=store.root).data["keys"][-2:]
