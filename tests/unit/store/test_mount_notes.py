"""What is said of a mount is told again, word for word, so that nobody sees a drift where there is none."""

import json

import pytest
from tests.support.collecting_sink import CollectingSink
from tests.support.local_store import StoreUnderTest

SAID = {
    "audit_non_hmac_request_keys": ["a", "b"],
    "audit_non_hmac_response_keys": ["c"],
    "passthrough_request_headers": ["X-Sent"],
    "allowed_response_headers": ["X-Answered"],
    "listing_visibility": "unauth",
}


@pytest.fixture
def store():
    store = StoreUnderTest()
    store.initialize()
    return store


@pytest.fixture(params=[("sys/mounts/m", "kv"), ("sys/auth/m", "userpass")], ids=["secrets", "auth"])
def mount(store, request):
    path, kind = request.param
    body = {"type": kind, "local": True, "seal_wrap": "true", "config": SAID | {"default_lease_ttl": "1h"}}
    assert store.vault("POST", path, body, token=store.root).status == 204
    return path


def test_what_was_said_is_told(store, mount):
    told = store.vault("GET", mount, token=store.root).data
    assert (told["local"], told["seal_wrap"], told["external_entropy_access"]) == (True, True, False)
    assert SAID.items() <= told["config"].items()
    tuned = store.vault("GET", f"{mount}/tune", token=store.root).data
    assert SAID.items() <= tuned.items()


def test_tuning_changes_what_it_names_and_nothing_else(store, mount):
    change = {"listing_visibility": "hidden", "audit_non_hmac_request_keys": "x,y", "max_lease_ttl": "3h"}
    assert store.vault("POST", f"{mount}/tune", change, token=store.root).status == 204
    # Clients that have nothing to say of a TTL send an empty text.
    rest = {"default_lease_ttl": "system", "max_lease_ttl": ""}
    assert store.vault("POST", f"{mount}/tune", rest, token=store.root).status == 204
    tuned = store.vault("GET", f"{mount}/tune", token=store.root).data
    assert tuned["audit_non_hmac_request_keys"] == ["x", "y"]
    assert tuned["listing_visibility"] == "hidden"
    assert tuned["passthrough_request_headers"] == ["X-Sent"]
    assert tuned["max_lease_ttl"] == 3 * 3600


def test_an_empty_list_takes_back_what_was_said(store, mount):
    assert (
        store.vault("POST", f"{mount}/tune", {"allowed_response_headers": []}, token=store.root).status == 204
    )
    assert "allowed_response_headers" not in store.vault("GET", f"{mount}/tune", token=store.root).data


def test_it_goes_with_the_mount_and_survives_a_restart(store):
    store.vault("POST", "sys/mounts/m", {"type": "kv", "config": SAID}, token=store.root)
    assert store.vault("POST", "sys/remount", {"from": "m", "to": "n"}, token=store.root).status == 200
    store.restart()
    store.unseal()
    assert SAID.items() <= store.vault("GET", "sys/mounts/n", token=store.root).data["config"].items()


def test_anybody_may_know_of_a_mount_that_says_so(store):
    body = {"type": "kv", "config": {"listing_visibility": "unauth"}}
    store.vault("POST", "sys/mounts/m", body, token=store.root)
    token = store.token(policies=["no-such-policy"], no_default_policy=True)
    listed = store.vault("GET", "sys/internal/ui/mounts", token=token).data["secret"]
    assert list(listed) == ["m/"]


def test_without_a_token_one_sees_only_what_anybody_may_see(store):
    for path, kind, visibility in (
        ("sys/mounts/m", "kv", "unauth"),
        ("sys/mounts/n", "kv", "hidden"),
        ("sys/auth/people", "userpass", "unauth"),
        ("sys/auth/others", "userpass", ""),
    ):
        body = {"type": kind, "description": "d", "config": {"listing_visibility": visibility}}
        assert store.vault("POST", path, body, token=store.root).status == 204
    seen = store.vault("GET", "sys/internal/ui/mounts").data
    assert seen == {
        "secret": {"m/": {"type": "kv", "description": "d", "options": {"version": "1"}}},
        "auth": {"people/": {"type": "userpass", "description": "d", "options": None}},
    }
    assert store.vault("GET", "sys/internal/ui/mounts/m").status == 403
    assert store.vault("GET", "sys/internal/ui/mounts", token="hvs.forged").status == 403


def test_audit_lines_show_in_clear_what_a_mount_says_and_nothing_else():
    sink = CollectingSink()
    store = StoreUnderTest(sinks={"main": sink}).initialize()
    config = {"audit_non_hmac_request_keys": ["ticket"], "audit_non_hmac_response_keys": ["ticket", "data"]}
    for path, kind, said in (("one", "kv-v1", config), ("two", "kv-v2", config), ("not", "kv-v1", {})):
        store.vault("POST", f"sys/mounts/{path}", {"type": kind, "config": said}, token=store.root)

    def lines_of(method, path, body=None):
        sink.writes.clear()
        assert store.vault(method, path, body, token=store.root).status < 300
        request, response = map(json.loads, sink.lines)
        return request["request"].get("data"), response["response"].get("data")

    asked, _ = lines_of(
        "PUT", "one/a", {"ticket": "OPS-1", "password": "s3cret", "deep": {"ticket": "OPS-2"}}
    )
    assert asked["ticket"] == "OPS-1"
    assert "s3cret" not in str(asked)
    assert "OPS-2" not in str(asked)  # only members of the data itself are named
    _, answered = lines_of("GET", "one/a")
    assert (answered["ticket"], "s3cret" in str(answered)) == ("OPS-1", False)
    asked, _ = lines_of("PUT", "two/data/a", {"data": {"ticket": "OPS-3"}})
    assert "OPS-3" not in str(asked)
    _, answered = lines_of("GET", "two/data/a")
    assert answered["data"] == {"ticket": "OPS-3"}
    asked, _ = lines_of("PUT", "not/a", {"ticket": "OPS-4"})
    assert "OPS-4" not in str(asked)
    store.vault("POST", "sys/mounts/one/tune", {"audit_non_hmac_request_keys": []}, token=store.root)
    asked, _ = lines_of("PUT", "one/a", {"ticket": "OPS-5"})
    assert "OPS-5" not in str(asked)


@pytest.mark.parametrize(
    "config",
    [
        pytest.param({"listing_visibility": "all"}, id="visibility"),
        pytest.param({"audit_non_hmac_request_keys": ["x" * 5000]}, id="too-much"),
        pytest.param({"passthrough_request_headers": ["a b"]}, id="no-header"),
        pytest.param({"passthrough_request_headers": ["X-Vault-Token"]}, id="credential"),
        pytest.param({"allowed_response_headers": ["X\r\nSet-Cookie: a"]}, id="split"),
        pytest.param({"allowed_response_headers": [{"a": 1}]}, id="no-texts"),
        pytest.param({"force_no_cache": "maybe"}, id="no-switch"),
    ],
)
@pytest.mark.parametrize("path", ["sys/mounts/m", "sys/auth/m"])
def test_what_cannot_be_said_is_refused(store, path, config):
    kind = "kv" if "mounts" in path else "userpass"
    answer = store.vault("POST", path, {"type": kind, "config": config}, token=store.root)
    assert answer.status == 400
    assert next(iter(config)) in answer.errors[0] or "config" in answer.errors[0]
