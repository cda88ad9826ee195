"""Text and bytes as DC/OS clients send and ask for them."""

import base64
import json

import pytest
from tests.support.local_store import StoreUnderTest

EVERY_BYTE = bytes(range(256))
BINARY = "Content-Type: application/octet-stream"


@pytest.fixture
def store():
    return StoreUnderTest().initialize()


@pytest.fixture
def ask(store):
    def ask(method, path, *, raw=None, body=None, headers=()):
        return store.dcos(method, f"secret/default/{path}", body, token=store.root, raw=raw, headers=headers)

    return ask


def kind(answer):
    return answer.headers.get("Content-Type")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(EVERY_BYTE, id="every-byte"),
        pytest.param(b"\0", id="nul"),
        pytest.param(b"plain text", id="text"),
        pytest.param(b'{"value":"x"}', id="looks-like-json"),
        pytest.param(EVERY_BYTE * 3072, id="786-kib"),
    ],
)
def test_bytes_come_back_as_they_went(ask, value):
    assert ask("PUT", "a", raw=value, headers=[BINARY]).status == 201
    for accept in ((), ("Accept: */*",), ("Accept: application/octet-stream",)):
        answer = ask("GET", "a", headers=accept)
        assert (answer.status, kind(answer), answer.body) == (200, "application/octet-stream", value)


def test_empty_bytes_are_a_value(store):
    head = ["Content-Type: application/octet-stream", "Content-Length: 0"]
    assert store.dcos("PUT", "secret/default/a", token=store.root, headers=head).status == 201
    answer = store.dcos("GET", "secret/default/a", token=store.root)
    assert (answer.status, kind(answer), answer.body) == (200, "application/octet-stream", b"")


def test_bytes_are_not_given_as_json(ask):
    ask("PUT", "a", raw=EVERY_BYTE, headers=[BINARY])
    answer = ask("GET", "a", headers=["Accept: application/json"])
    assert (answer.status, "binary" in answer.json["description"]) == (400, True)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        pytest.param((), ("application/json", b'{"value":"\xc3\xa4"}'), id="none"),
        pytest.param(("Accept: */*",), ("application/json", b'{"value":"\xc3\xa4"}'), id="anything"),
        pytest.param(("Accept: application/json",), ("application/json", b'{"value":"\xc3\xa4"}'), id="json"),
        pytest.param(
            ("Accept: application/octet-stream",), ("application/octet-stream", b"\xc3\xa4"), id="bytes"
        ),
    ],
)
def test_text_comes_in_the_form_that_is_asked_for(ask, accept, expected):
    ask("PUT", "a", body={"value": "ä"})
    answer = ask("GET", "a", headers=accept)
    assert (kind(answer), answer.body) == expected


def test_text_is_not_given_as_anything_else(ask):
    ask("PUT", "a", body={"value": "x"})
    assert ask("GET", "a", headers=["Accept: text/html"]).status == 400


def test_a_write_does_not_look_at_accept(ask):
    headers = [BINARY, "Accept: application/json"]
    assert ask("PUT", "a", raw=b"\xff", headers=headers).status == 201
    assert ask("PATCH", "a", raw=b"\xfe", headers=headers).status == 204
    assert ask("GET", "a").body == b"\xfe"


def test_an_update_may_change_the_kind(ask):
    ask("PUT", "a", body={"value": "text"})
    assert ask("PATCH", "a", raw=EVERY_BYTE, headers=[BINARY]).status == 204
    assert ask("GET", "a").body == EVERY_BYTE
    assert ask("PATCH", "a", body={"value": "text"}).status == 204
    assert ask("GET", "a").json == {"value": "text"}


def test_the_vault_dialect_sees_bytes_as_base64(store, ask):
    ask("PUT", "a", raw=EVERY_BYTE, headers=[BINARY])
    entry = store.vault("GET", "secret/data/a", token=store.root).json["data"]["data"]
    assert entry == {"value_base64": base64.b64encode(EVERY_BYTE).decode()}


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param({"user": "u", "password": "p"}, id="several-members"),
        pytest.param({"value": 5}, id="a-number"),
        pytest.param({"value_base64": "not base64!"}, id="no-base64"),
        pytest.param({"value_base64": "AA==", "other": 1}, id="base64-and-more"),
    ],
)
def test_other_entries_read_as_their_json(store, ask, entry):
    store.vault("PUT", "secret/data/a", {"data": entry}, token=store.root)
    answer = ask("GET", "a")
    assert kind(answer) == "application/json"
    assert json.loads(answer.json["value"]) == entry


@pytest.mark.parametrize(
    ("size", "status"),
    [
        pytest.param(1024 * 1024, 201, id="one-mebibyte"),
        pytest.param(1024 * 1024 + 1, 413, id="one-byte-more"),
    ],
)
def test_the_limit_counts_what_the_client_sent(ask, size, status):
    for body in ({"raw": b"x" * size, "headers": [BINARY]}, {"body": {"value": "x" * size}}):
        answer = ask("PUT", "a", **body)
        assert answer.status == status
        if status == 413:
            assert "1048576" in answer.json["description"]
        else:
            assert ask("DELETE", "a").status == 204
