"""A path of the DC/OS APIs that is asked with a wrong method says which ones it knows, and does nothing."""

import pytest
from tests.support.local_store import StoreUnderTest, request

SECRETS, IAM = "/secrets/v1/", "/acs/api/v1/"


@pytest.fixture
def store():
    return StoreUnderTest().initialize()


METHODS = ("GET", "PUT", "PATCH", "DELETE", "POST", "HEAD", "LIST", "SCAN")
ALLOWED = {
    SECRETS + "secret/default/a": "GET, PUT, PATCH, DELETE",
    SECRETS + "seal-status/default": "GET",
    SECRETS + "seal/default": "PUT",
    SECRETS + "init/default": "GET, PUT",
    SECRETS + "store/default": "GET, PUT, DELETE",
    SECRETS + "renew/default/a": "PUT",
    SECRETS + "openapi.json": "GET",
    IAM + "users/ada": "GET, PUT, PATCH, DELETE",
    IAM + "groups/g/users/ada": "PUT, DELETE",
    IAM + "acls/a/users/ada/read": "GET, PUT, DELETE",
    IAM + "auth/login": "POST",
    IAM + "auth/jwks": "GET",
    IAM + "openapi.json": "GET",
}


@pytest.mark.parametrize(
    ("method", "target", "allowed"),
    [
        pytest.param(method, target, allowed, id=f"{method}-{target}")
        for target, allowed in ALLOWED.items()
        for method in METHODS
        if method not in allowed.split(", ")
    ],
)
def test_the_answer_says_which(store, method, target, allowed):
    answer = store.send(request(method, target, headers=(f"Authorization: token={store.root}",)))
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)
    if method == "HEAD":
        assert (answer.body, int(answer.headers["Content-Length"]) > 0) == (b"", True)
    else:
        assert answer.json["title"] == "Method Not Allowed"
        assert allowed in answer.json["description"]


@pytest.mark.parametrize("target", [SECRETS + "secret/default/a", IAM + "users"])
@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "CONNECT", "PROPFIND"])
def test_a_method_that_nothing_knows_ends_the_connection(store, target, method):
    answer = store.send(request(method, target, headers=("Origin: https://elsewhere.example",)))
    assert answer.status in {400, 405}
    assert answer.headers["Connection"] == "close"
    assert not [name for name in answer.headers if name.startswith("Access-Control")]
    assert answer.json["title"]
