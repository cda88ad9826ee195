"""What is said of a mount is told again, word for word, so that nobody sees a drift where there is none."""

import pytest
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


@pytest.mark.parametrize(
    "config",
    [
        pytest.param({"listing_visibility": "all"}, id="visibility"),
        pytest.param({"passthrough_request_headers": ["x" * 5000]}, id="too-much"),
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
