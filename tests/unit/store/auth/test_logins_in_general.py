"""What holds for every login, whatever the method: nodes, one-time answers, record, trouble of the store."""

import json

import pytest
from tests.support.auth import about, enable, logged_in, login, write
from tests.support.collecting_sink import CollectingSink
from tests.support.iam import PASSWORD
from tests.support.local_store import StoreUnderTest

from holdfast.storage.memory import MemoryStorage

LOGIN = "userpass/login/ann"


def with_ann(store, **fields):
    enable(store, "userpass")
    write(store, "userpass/users/ann", password=PASSWORD, **fields)
    return store


@pytest.fixture
def recorded():
    sink = CollectingSink()
    return with_ann(StoreUnderTest(sinks={"main": sink}).initialize()), sink


def lines_of(sink):
    return [json.loads(line) for line in sink.lines]


class TestNodes:
    @pytest.fixture
    def nodes(self):
        storage = MemoryStorage(shared=True)
        first, second = (StoreUnderTest(storage=storage, node_id=f"node-{n}") for n in (1, 2))
        first.initialize(shares=1, threshold=1)
        second.root, second.shares, second.threshold = first.root, first.shares, 1
        second.unseal()
        return first, second

    def test_a_mount_and_its_users_are_there_for_all(self, nodes):
        first, second = nodes
        with_ann(first)
        assert logged_in(second, LOGIN, password=PASSWORD)

    def test_a_batch_token_under_a_newer_key_is_known_to_all(self, nodes):
        first, second = nodes
        with_ann(first, token_type="batch")
        assert second.vault("PUT", "sys/rotate", token=second.root).status < 300
        token = logged_in(second, LOGIN, password=PASSWORD)["client_token"]
        assert about(first, token)["type"] == "batch"

    def test_unmounting_at_one_ends_the_tokens_at_all(self, nodes):
        first, second = nodes
        with_ann(first, token_type="batch")
        token = logged_in(first, LOGIN, password=PASSWORD)["client_token"]
        assert second.is_live(token)
        assert first.vault("DELETE", "sys/auth/userpass", token=first.root).status == 204
        assert not second.is_live(token)
        assert login(second, LOGIN, password=PASSWORD).status == 403


class TestOneTimeAnswers:
    def test_a_login_s_token_can_wait_for_whoever_shows_the_one_time_token(self, store):
        with_ann(store)
        answer = store.vault(
            "POST", f"auth/{LOGIN}", {"password": PASSWORD}, headers=("X-Vault-Wrap-TTL: 60",)
        )
        assert answer.status == 200, answer.body
        assert answer.json["auth"] is None
        wrapping = answer.json["wrap_info"]["token"]
        unwrapped = store.vault("POST", "sys/wrapping/unwrap", token=wrapping)
        assert about(store, unwrapped.auth["client_token"])["display_name"] == "userpass-ann"
        assert store.vault("POST", "sys/wrapping/unwrap", token=wrapping).status == 400

    def test_so_can_a_secret_id(self, store):
        enable(store, "approle")
        write(store, "approle/role/web")
        answer = store.vault(
            "POST", "auth/approle/role/web/secret-id", token=store.root, headers=("X-Vault-Wrap-TTL: 60",)
        )
        wrapping = answer.json["wrap_info"]["token"]
        assert "secret_id" not in (answer.json["data"] or {})
        unwrapped = store.vault("POST", "sys/wrapping/unwrap", token=wrapping).data
        assert unwrapped["secret_id"]


class TestRecord:
    def test_a_login_leaves_two_lines_with_where_it_was(self, recorded):
        store, sink = recorded
        before = len(sink.lines)
        token = logged_in(store, LOGIN, password=PASSWORD)
        request, response = lines_of(sink)[before:]
        assert (request["type"], response["type"]) == ("request", "response")
        assert request["request"]["path"] == "auth/userpass/login/ann"
        assert request["request"]["mount_point"] == "auth/userpass/"
        assert request["request"]["mount_type"] == "userpass"
        assert token["client_token"] not in json.dumps(response)
        assert response["response"]["auth"]["token_type"] == "service"

    def test_a_refusal_says_more_there_than_to_the_client(self, recorded):
        store, sink = recorded
        enable(store, "approle")
        write(store, "approle/role/web")
        answer = login(store, "approle/login", role_id="x", secret_id="y")
        assert answer.errors == ["invalid role or secret ID"]
        assert lines_of(sink)[-1]["error"] == "invalid role or secret ID (no such role id)"

    def test_no_line_no_token_and_no_change(self, recorded):
        store, sink = recorded
        accessors = len(store.vault("LIST", "auth/token/accessors", token=store.root).data["keys"])
        write(store, "userpass/users/bob", password=PASSWORD, token_type="batch")
        sink.refuses = True
        for name in ("ann", "bob"):
            assert login(store, f"userpass/login/{name}", password=PASSWORD).status == 500
        sink.refuses = False
        now = store.vault("LIST", "auth/token/accessors", token=store.root).data["keys"]
        assert len(now) == accessors


def test_a_token_that_is_sent_along_makes_no_difference(store):
    with_ann(store)
    for token in ("", "hvs.forged", store.root):
        assert store.vault("POST", f"auth/{LOGIN}", {"password": PASSWORD}, token=token).status == 200


def test_a_mount_that_goes_while_somebody_logs_in(store, monkeypatch):
    """The password was right, but there is nothing any more that the token could come from."""
    with_ann(store)
    passwords = store.local.store.opened.users.passwords
    verify = type(passwords).verify

    def meanwhile(self, *given):
        store.vault("DELETE", "sys/auth/userpass", token=store.root)
        return verify(self, *given)

    monkeypatch.setattr(type(passwords), "verify", meanwhile)
    assert login(store, LOGIN, password=PASSWORD).status == 400


def test_a_store_that_is_sealed_while_somebody_logs_in(store, monkeypatch):
    with_ann(store)
    passwords = store.local.store.opened.users.passwords
    verify = type(passwords).verify

    def meanwhile(self, *given):
        store.seal()
        return verify(self, *given)

    monkeypatch.setattr(type(passwords), "verify", meanwhile)
    assert login(store, LOGIN, password=PASSWORD).status == 503


def test_a_defect_lets_nobody_in(store, monkeypatch, caplog):
    with_ann(store)
    passwords = store.local.store.opened.users.passwords

    def fail(*_):
        raise KeyError("canary-7f3a")

    monkeypatch.setattr(type(passwords), "verify", fail)
    answer = login(store, LOGIN, password=PASSWORD)
    assert answer.status == 500
    assert "canary" not in answer.errors[0] + caplog.text
