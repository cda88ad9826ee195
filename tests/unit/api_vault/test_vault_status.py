"""The paths that answer without a token, also while the store is sealed."""

import pytest
from tests.support.local_store import StoreUnderTest

from holdfast.version import API_VERSION


@pytest.fixture(params=["uninitialised", "sealed", "unsealed"])
def state(request):
    store = StoreUnderTest()
    if request.param != "uninitialised":
        store.initialize()
    if request.param == "sealed":
        store.seal()
    return request.param, store


def test_health_says_the_state_by_its_code(state):
    name, store = state
    answer = store.vault("GET", "sys/health")
    assert answer.status == {"uninitialised": 501, "sealed": 503, "unsealed": 200}[name]
    assert answer.json["initialized"] is (name != "uninitialised")
    assert answer.json["sealed"] is (name != "unsealed")
    assert answer.json["version"] == API_VERSION
    assert "errors" not in answer.json


@pytest.mark.parametrize("code", [200, 204, 299, 304, 429, 472, 599])
def test_health_answers_with_the_code_that_a_probe_asks_for(state, code):
    _, store = state
    query = f"activecode={code}&sealedcode={code}&uninitcode={code}&standbyok=true"
    answer = store.vault("GET", f"sys/health?{query}")
    assert answer.status == code
    assert bool(answer.body) is (code not in {204, 304})
    head = store.vault("HEAD", f"sys/health?{query}")
    assert (head.status, head.body) == (code, b"")


@pytest.mark.parametrize(
    "code", ["", "0", "99", "100", "199", "600", "5990", "05990", "-200", "2e2", "٢٠٠", "abc"]
)
def test_health_refuses_a_code_that_is_none(code):
    store = StoreUnderTest().initialize()
    encoded = "".join(f"%{byte:02x}" for byte in code.encode())
    assert store.vault("GET", f"sys/health?activecode={encoded}").status == 400


def test_leader_says_that_there_is_no_cluster(state):
    answer = state[1].vault("GET", "sys/leader")
    assert (answer.status, answer.json["ha_enabled"], answer.json["is_self"]) == (200, False, False)


def test_health_and_seal_status_show_the_cluster_only_while_open(state):
    name, store = state
    health = store.vault("GET", "sys/health").json
    shown = store.vault("GET", "sys/seal-status").json
    assert (shown["type"], shown["storage_type"], shown["version"]) == ("shamir", "inmem", API_VERSION)
    assert (shown["t"], shown["n"]) == ((0, 0) if name == "uninitialised" else (3, 5))
    for name_or_id in ("cluster_name", "cluster_id"):
        assert (name_or_id in shown) is (name == "unsealed")
        assert health.get(name_or_id) == shown.get(name_or_id)


def test_sealing_what_is_not_open_is_done_at_once_and_only_then_without_a_token(state):
    name, store = state
    for method in ("PUT", "POST"):
        assert store.vault(method, "sys/seal").status == (403 if name == "unsealed" else 204)
    assert store.vault("GET", "sys/seal", token=store.root).status == 405
    assert store.vault("GET", "sys/seal-status").json["sealed"] is (name != "unsealed")


def test_the_cluster_keeps_its_id(state):
    name, store = state
    if name == "unsealed":
        before = store.vault("GET", "sys/seal-status").json["cluster_id"]
        store.restart()
        assert store.vault("GET", "sys/seal-status").json["cluster_id"] == before


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("POST", "sys/health", id="write to health"),
        pytest.param("DELETE", "sys/seal-status", id="delete the seal status"),
        pytest.param("LIST", "sys/leader", id="list the leader"),
        pytest.param("GET", "sys/unseal", id="read unseal"),
        pytest.param("DELETE", "sys/init", id="delete init"),
        pytest.param("PATCH", "sys/unseal", id="patch unseal"),
    ],
)
def test_another_method_is_refused(state, method, path):
    answer = state[1].vault(method, path)
    assert (answer.status, answer.errors) == (405, ["1 error occurred:\n\t* unsupported operation\n\n"])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("sys/unseal", {}, id="neither key nor reset"),
        pytest.param("sys/unseal", {"key": "", "reset": False}, id="empty key"),
        pytest.param("sys/unseal", {"key": "0c" * 33, "migrate": True}, id="migration"),
        pytest.param("sys/unseal", {"reset": "perhaps"}, id="perhaps reset"),
        pytest.param(
            "sys/init", {"secret_shares": 1, "secret_threshold": 1, "pgp_keys": ["x"]}, id="OpenPGP"
        ),
        pytest.param(
            "sys/init",
            {"secret_shares": 1, "secret_threshold": 1, "recovery_shares": 1},
            id="recovery shares",
        ),
    ],
)
def test_a_control_that_is_not_offered_changes_nothing(path, body):
    store = StoreUnderTest()
    assert store.vault("PUT", path, body).status == 400
    assert store.storage.list("") == []


def test_head_is_a_get_without_its_body(state):
    _, store = state
    full, head = store.vault("GET", "sys/seal-status"), store.vault("HEAD", "sys/seal-status")
    assert (head.status, head.body) == (full.status, b"")
    assert head.headers["Content-Length"] == str(len(full.body))
