"""Rate-limit quotas: one address sends no more than its quota, and others do not notice."""

import fcntl
import os
import signal

import pytest
from tests.support.collecting_sink import CollectingSink
from tests.support.iam import PASSWORD
from tests.support.local_store import StoreUnderTest

from holdfast.store.quotas import buckets
from holdfast.store.quotas.buckets import Buckets
from holdfast.store.quotas.errors import QuotaExceededError
from holdfast.store.quotas.gate import Gate, QuotaTable
from holdfast.store.quotas.records import Quotas, RateLimit, Settings

HERE = "192.0.2.1:5000"


def limit(store, name="q", **said):
    answer = store.vault("POST", f"sys/quotas/rate-limit/{name}", said, token=store.root)
    assert answer.status == 204, answer.body


def is_let_in(a_gate, table, *, path="secret/data/a", peer=HERE, now=1000.0):
    try:
        a_gate.check(table, path, peer, now)
    except QuotaExceededError:
        return False
    return True


def table(*limits, **settings):
    return QuotaTable(Quotas(limits, Settings(**settings)))


def test_as_many_as_an_interval_allows_and_no_more(store):
    store.vault("PUT", "secret/data/a", {"data": {"k": "v"}}, token=store.root)
    limit(store, rate=3, path="secret")
    statuses = [store.vault("GET", "secret/data/a", token=store.root).status for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    assert store.vault("GET", "sys/mounts", token=store.root).status == 200
    store.clock.advance(1)
    assert store.vault("GET", "secret/data/a", token=store.root).status == 200


def test_the_refusal_says_how_long_to_wait_in_every_dialect(store):
    limit(store, rate=1, interval="60s", path="secret")
    store.vault("GET", "secret/data/a", token=store.root)
    answer = store.vault("GET", "secret/data/a", token=store.root)
    assert answer.status == 429
    assert answer.headers["Retry-After"] == answer.headers["X-Ratelimit-Reset"] == "60"
    assert (answer.headers["X-Ratelimit-Limit"], answer.headers["X-Ratelimit-Remaining"]) == ("1", "0")
    assert "rate limit quota exceeded" in answer.errors[0]
    answer = store.dcos("GET", "secret/default/a", token=store.root)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "60")


def test_it_comes_before_the_question_who_asks(store):
    """Guessing tokens is what a quota is for."""
    limit(store, rate=1, interval="60s")
    assert store.vault("GET", "secret/data/a", token="hvs.guess").status == 403
    for token in ("hvs.guess", "", store.root):
        assert store.vault("GET", "secret/data/a", token=token).status == 429


def test_logins_count_too(store):
    store.vault("PUT", "sys/auth/people", {"type": "userpass"}, token=store.root)
    store.vault("PUT", "auth/people/users/ann", {"password": PASSWORD}, token=store.root)
    store.acs("PUT", "users/bob", {"password": PASSWORD})
    limit(store, "people", rate=1, path="auth/people", interval="60s")
    limit(store, "users", rate=1, path="acs/", interval="60s")
    body = {"password": PASSWORD}
    assert store.vault("PUT", "auth/people/login/ann", body).status == 200
    assert store.vault("PUT", "auth/people/login/ann", body).status == 429
    log_in = {"uid": "bob", "password": PASSWORD}
    assert store.acs("POST", "auth/login", log_in, token="").status == 200
    assert store.acs("POST", "auth/login", log_in, token="").status == 429


def test_a_quota_is_written_read_listed_and_removed(store):
    assert store.vault("LIST", "sys/quotas/rate-limit", token=store.root).status == 404
    limit(store, "All", rate="2.5", interval="10s", block_interval=60)
    read = store.vault("GET", "sys/quotas/rate-limit/all", token=store.root)
    assert read.data == {
        "name": "all",
        "type": "rate-limit",
        "path": "",
        "rate": 2.5,
        "interval": 10,
        "block_interval": 60,
        "role": "",
        "inheritable": False,
    }
    limit(store, "all", rate=1000)
    assert store.vault("GET", "sys/quotas/rate-limit/all", token=store.root).data["interval"] == 10
    assert store.vault("LIST", "sys/quotas/rate-limit", token=store.root).data == {"keys": ["all"]}
    store.restart()
    assert store.vault("LIST", "sys/quotas/rate-limit", token=store.root).data == {"keys": ["all"]}
    assert store.vault("DELETE", "sys/quotas/rate-limit/all", token=store.root).status == 204
    assert store.vault("GET", "sys/quotas/rate-limit/all", token=store.root).status == 404


@pytest.mark.parametrize(
    ("said", "field"),
    [
        pytest.param({}, "rate", id="no rate"),
        pytest.param({"rate": 0}, "rate", id="none at all"),
        pytest.param({"rate": -1}, "rate", id="negative"),
        pytest.param({"rate": "nan"}, "rate", id="not a number"),
        pytest.param({"rate": "inf"}, "rate", id="infinite"),
        pytest.param({"rate": True}, "rate", id="a truth"),
        pytest.param({"rate": [1]}, "rate", id="a list"),
        pytest.param({"rate": 10**400}, "rate", id="huge"),
        pytest.param({"rate": 1, "path": "absent"}, "path", id="no mount"),
        pytest.param({"rate": 1, "path": "sec*"}, "path", id="across mounts"),
        pytest.param({"rate": 1, "path": "secret/../sys"}, "path", id="a way out"),
        pytest.param({"rate": 1, "role": "canary-7f3a"}, "role", id="by role"),
        pytest.param({"rate": 1, "type": "lease-count"}, "type", id="another kind"),
        pytest.param({"rate": 1, "interval": "25h"}, "interval", id="a long interval"),
        pytest.param({"rate": 1, "block_interval": "x"}, "block_interval", id="no duration"),
    ],
)
def test_what_is_no_quota_is_refused(store, said, field):
    answer = store.vault("POST", "sys/quotas/rate-limit/q", said, token=store.root)
    assert answer.status == 400
    assert field in answer.errors[0]
    assert b"canary" not in answer.body


def test_a_path_has_one_quota(store):
    limit(store, "a", rate=1, path="secret/")
    answer = store.vault("POST", "sys/quotas/rate-limit/b", {"rate": 1, "path": "secret"}, token=store.root)
    assert answer.status == 400
    limit(store, "a", rate=100, path="secret")


ALL, MOUNT = RateLimit("all", "", 1.0), RateLimit("mount", "secret/", 1.0)
BELOW, EXACT = RateLimit("below", "secret/data/a*", 1.0), RateLimit("exact", "secret/data/ab", 1.0)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("secret/data/ab", EXACT),
        ("secret/data/abc", BELOW),
        ("secret/data/x", MOUNT),
        ("secret", ALL),
        ("sys/mounts", ALL),
    ],
)
def test_the_most_specific_quota_counts(path, found):
    assert table(ALL, MOUNT, BELOW, EXACT).find(path) == found


def test_exempt_paths_are_never_counted():
    rules = table(ALL, exempt=("sys/x", "sys/quotas/*"))
    assert [rules.find(path) for path in ("sys/x", "sys/quotas/config")] == [None, None]
    assert rules.find("sys/xy") is ALL


def test_every_address_has_its_own_count():
    rules, a_gate = table(ALL), Gate()
    peers = ["192.0.2.1:1", "192.0.2.2:1", "[2001:db8::1]:1", "[2001:db8:0:1::1]:1", ""]
    assert all(is_let_in(a_gate, rules, peer=peer) for peer in peers)
    same = ["192.0.2.1:99", "[::ffff:192.0.2.1]:5", "[2001:db8::ffff]:1", "[2001:db8:0:1:2::]:7", ""]
    assert not any(is_let_in(a_gate, rules, peer=peer) for peer in same)


def test_a_bucket_fills_up_evenly_and_no_further_than_full():
    rules, a_gate = table(RateLimit("q", "", 10.0, interval_seconds=5)), Gate()
    assert [is_let_in(a_gate, rules) for _ in range(11)] == [True] * 10 + [False]
    assert [is_let_in(a_gate, rules, now=1001.0) for _ in range(3)] == [True, True, False]
    assert [is_let_in(a_gate, rules, now=2000.0) for _ in range(11)] == [True] * 10 + [False]


def test_a_rate_below_one_lets_one_in_at_a_time():
    rules, a_gate = table(RateLimit("q", "", 0.1)), Gate()
    moments = (0, 5, 9, 10, 11, 20.5)
    assert [is_let_in(a_gate, rules, now=1000 + at) for at in moments] == [
        True,
        False,
        False,
        True,
        False,
        True,
    ]


def test_who_was_refused_stays_refused_as_long_as_the_quota_says():
    rules, a_gate = table(RateLimit("q", "", 5.0, block_seconds=30)), Gate()
    assert sum(is_let_in(a_gate, rules) for _ in range(6)) == 5
    assert not is_let_in(a_gate, rules, now=1029.0)
    assert is_let_in(a_gate, rules, peer="192.0.2.2:1", now=1029.0)
    assert is_let_in(a_gate, rules, now=1030.0)


def test_a_clock_that_is_put_back_fills_nothing_and_stops_nothing_for_long():
    rules, a_gate = table(RateLimit("q", "", 1.0)), Gate()
    assert is_let_in(a_gate, rules, now=1000.0)
    assert not is_let_in(a_gate, rules, now=10.0)
    assert is_let_in(a_gate, rules, now=11.0)


def test_who_comes_from_everywhere_cannot_have_a_pause_of_somebody_else_forgotten(monkeypatch):
    """Memory is fixed: where it is full, buckets that are fullest go first."""
    monkeypatch.setattr(buckets, "ROWS", 4)
    rules, a_gate = table(RateLimit("q", "", 5.0, block_seconds=600)), Gate()
    assert sum(is_let_in(a_gate, rules) for _ in range(6)) == 5
    for number in range(2000):
        is_let_in(a_gate, rules, peer=f"10.{number // 250}.0.{number % 250}:1")
    assert not is_let_in(a_gate, rules)


def test_processes_that_share_a_table_let_in_no_more_together_than_one_would(monkeypatch):
    monkeypatch.setattr(buckets, "PATIENCE_SECONDS", 60.0)  # a busy machine keeps a process off for long
    shared, rules = Buckets(is_shared=True), table(RateLimit("q", "", 500.0, interval_seconds=3600))
    start, readers, children = os.pipe(), [], []
    for _ in range(4):
        reader, writer = os.pipe()
        readers.append(reader)
        if not (child := os.fork()):
            a_gate = Gate(shared)
            os.read(start[0], 1)  # all at once
            let_in = sum(is_let_in(a_gate, rules) for _ in range(400))
            os.write(writer, let_in.to_bytes(4, "little"))
            os._exit(0)
        os.close(writer)
        children.append(child)
    os.write(start[1], b"x" * 4)
    counts = [int.from_bytes(os.read(reader, 4), "little") for reader in readers]
    for descriptor in (*start, *readers):
        os.close(descriptor)
    for child in children:
        os.waitpid(child, 0)
    assert sum(counts) == 500
    assert not is_let_in(Gate(shared), rules)


def test_a_process_that_dies_in_its_turn_stops_nobody():
    shared, rules = Buckets(is_shared=True), table(ALL)
    if not (child := os.fork()):
        fcntl.lockf(shared._file, fcntl.LOCK_EX)  # every row
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert is_let_in(Gate(shared), rules)
    assert not is_let_in(Gate(shared), rules)


def test_a_process_that_stands_still_in_its_turn_stops_nobody():
    shared, rules = Buckets(is_shared=True), table(ALL)
    locked, done = os.pipe(), os.pipe()
    if not (child := os.fork()):
        fcntl.lockf(shared._file, fcntl.LOCK_EX)  # every row
        os.write(locked[1], b"x")
        os.read(done[0], 1)
        os._exit(0)
    os.read(locked[0], 1)
    assert is_let_in(Gate(shared), rules)
    os.write(done[1], b"x")
    os.waitpid(child, 0)
    for descriptor in (*locked, *done):
        os.close(descriptor)


@pytest.mark.parametrize("audits", [False, True])
def test_a_flood_of_refusals_is_on_record_only_if_wanted(audits):
    sink = CollectingSink()
    store = StoreUnderTest(sinks={"file": sink}).initialize()
    body = {"enable_rate_limit_audit_logging": audits, "rate_limit_exempt_paths": "sys/quotas/*"}
    assert store.vault("POST", "sys/quotas/config", body, token=store.root).status == 204
    config = store.vault("GET", "sys/quotas/config", token=store.root).data
    assert config["enable_rate_limit_audit_logging"] is audits
    assert config["rate_limit_exempt_paths"] == ["sys/quotas/*"]
    limit(store, rate=1, interval="1h")
    store.vault("GET", "sys/mounts", token=store.root)
    before = len(sink.lines)
    assert store.vault("GET", "sys/mounts", token=store.root).status == 429
    assert len(sink.lines) - before == (2 if audits else 0)
    assert store.vault("DELETE", "sys/quotas/rate-limit/q", token=store.root).status == 204
