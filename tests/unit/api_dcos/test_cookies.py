"""The cookie of a login: good for the store's own pages, worth nothing in a request that others have sent."""

import pytest
from tests.support.iam import PASSWORD, token_of, user_with

from holdfast.api.credentials import AUTH_COOKIE

SECRET = "secret/default/a"
OWN = [
    pytest.param((), id="no-browser"),
    pytest.param(("Origin: http://store",), id="own-origin"),
    pytest.param(("Origin: https://store",), id="own-host-behind-a-proxy-with-tls"),
    pytest.param(("Sec-Fetch-Site: same-origin",), id="own-page"),
    pytest.param(("Sec-Fetch-Site: none",), id="typed-address"),
    pytest.param(("Sec-Fetch-Site: same-origin", "Origin: https://outside"), id="a-proxy-changed-the-host"),
]
FOREIGN = [
    pytest.param(("Origin: http://evil.example",), id="other-host"),
    pytest.param(("Origin: http://store:81",), id="other-port"),
    pytest.param(("Origin: http://store.evil.example",), id="longer-host"),
    pytest.param(("Origin: null",), id="sandboxed-frame"),
    pytest.param(("Origin:",), id="empty"),
    pytest.param(("Sec-Fetch-Site: cross-site",), id="other-site"),
    pytest.param(("Sec-Fetch-Site: same-site",), id="same-site-other-port"),
    pytest.param(("Sec-Fetch-Site: cross-site", "Origin: http://store"), id="both-and-one-is-foreign"),
    pytest.param(("Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"), id="said-twice"),
]


@pytest.fixture
def cookie(store):
    token = user_with(store, "ann", "dcos:secrets:default:/*")
    store.dcos("PUT", SECRET, {"value": "before"}, token=store.root)
    return f"Cookie: {AUTH_COOKIE}={token}"


@pytest.mark.parametrize("headers", OWN)
def test_a_request_of_the_own_page_counts(store, cookie, headers):
    assert store.dcos("GET", SECRET, headers=(cookie, *headers)).json == {"value": "before"}
    assert store.dcos("PATCH", SECRET, {"value": "after"}, headers=(cookie, *headers)).status == 204
    assert store.dcos("DELETE", SECRET, headers=(cookie, *headers)).status == 204


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_request_of_another_page_is_from_nobody(store, cookie, headers):
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        body = {"value": "forged"} if method in {"PUT", "PATCH"} else None
        assert store.dcos(method, SECRET, body, headers=(cookie, *headers)).status == 401
    assert store.dcos("PUT", "seal/default", headers=(cookie, *headers)).status == 401
    assert store.dcos("GET", SECRET, token=store.root).json == {"value": "before"}


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_token_in_a_header_counts_wherever_it_comes_from(store, cookie, headers):
    """No page can make a browser add that header unless it knows the token."""
    token = cookie.partition("=")[2]
    assert store.dcos("GET", SECRET, token=token, headers=headers).status == 200


@pytest.mark.parametrize("headers", FOREIGN)
def test_another_page_logs_nobody_in_or_out(store, cookie, headers):
    login = {"uid": "ann", "password": PASSWORD}
    for answer in (
        store.acs("POST", "auth/login", login, token="", headers=headers),
        store.acs("GET", "auth/logout", token="", headers=(cookie, *headers)),
    ):
        assert answer.status == 403
        assert "Set-Cookie" not in answer.headers
    assert store.dcos("GET", SECRET, headers=(cookie,)).status == 200
    assert token_of(store, "ann")


def test_a_form_of_another_page_cannot_use_the_cookie(store, cookie):
    """POST is the one changing method that a form can send; it has no use for the cookie from anywhere."""
    for path in ("auth/keys", "users/ann"):
        assert store.acs("POST", path, token="", headers=(cookie,)).status in {401, 405}
