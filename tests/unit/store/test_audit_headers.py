"""Headers of requests are in audit lines where operators want them, hashed or not, and never otherwise."""

import json

import pytest
from tests.support.collecting_sink import CollectingSink
from tests.support.local_store import StoreUnderTest

PATH = "sys/config/auditing/request-headers"
SENT = ["X-Forwarded-For: 192.0.2.7", "X-Secret: canary-7f3a"]


@pytest.fixture
def sink():
    return CollectingSink()


@pytest.fixture
def store(sink):
    return StoreUnderTest(sinks={"main": sink}).initialize()


def headers_in_lines(store, sink, method="GET", path="sys/mounts", token=None, body=None):
    sink.writes.clear()
    store.vault(method, path, body, token=store.root if token is None else token, headers=SENT)
    shown = [json.loads(line)["request"].get("headers") for line in sink.lines]
    assert len(shown) == 2
    assert shown[0] == shown[1]
    return shown[0]


def show(store, name, **said):
    return store.vault("PUT", f"{PATH}/{name}", said, token=store.root)


def test_none_is_shown_unless_it_is_wanted(store, sink):
    assert headers_in_lines(store, sink) is None


def test_what_is_wanted_is_shown_hashed_or_not_and_to_whoever_asks(store, sink):
    assert show(store, "X-Forwarded-For").status == 204
    assert show(store, "X-Secret", hmac=True).status == 204
    assert show(store, "X-Absent").status == 204
    hashed = store.vault("PUT", "sys/audit-hash/main", {"input": "canary-7f3a"}, token=store.root).data[
        "hash"
    ]
    expected = {"x-forwarded-for": ["192.0.2.7"], "x-secret": [hashed]}
    assert headers_in_lines(store, sink) == expected
    assert headers_in_lines(store, sink, token="hvs.forged") == expected
    store.vault("PUT", "sys/auth/people", {"type": "userpass"}, token=store.root)
    assert headers_in_lines(store, sink, "PUT", "auth/people/login/x", "", {"password": "p"}) == expected


def test_it_is_read_listed_removed_and_kept_over_a_restart(store, sink):
    show(store, "X-Forwarded-For")
    show(store, "X-Secret", hmac="true")
    listed = store.vault("GET", PATH, token=store.root)
    expected = {"x-forwarded-for": {"hmac": False}, "x-secret": {"hmac": True}}
    assert listed.data == {"headers": expected}
    assert listed.json["headers"] == expected  # old clients look beside the envelope
    store.restart()
    assert store.vault("GET", f"{PATH}/x-SECRET", token=store.root).data == {"x-secret": {"hmac": True}}
    assert store.vault("DELETE", f"{PATH}/X-Secret", token=store.root).status == 204
    assert store.vault("GET", f"{PATH}/x-secret", token=store.root).status == 400
    assert headers_in_lines(store, sink) == {"x-forwarded-for": ["192.0.2.7"]}


@pytest.mark.parametrize("name", ["X-Vault-Token", "authorization", "Cookie", "a%20b", "x" * 200])
def test_what_is_no_header_or_a_credential_is_refused(store, name):
    answer = show(store, name, hmac=True)
    assert answer.status == 400
    assert answer.errors[0].startswith("header: ")
