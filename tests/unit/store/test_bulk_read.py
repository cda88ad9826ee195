"""Many secrets in one request: what each read alone would have shown, no more, and on record like that."""

import json

import pytest
from tests.support.collecting_sink import CollectingSink
from tests.support.local_store import StoreUnderTest
from tests.support.namespaces import In, create

from holdfast.store.bundle import MAX_BYTES, MAX_READS

CANARY = "canary-7f3a"
DENIED = {"status": 403, "data": None, "errors": ["1 error occurred:\n\t* permission denied\n\n"]}


@pytest.fixture
def sink():
    return CollectingSink()


@pytest.fixture
def store(sink):
    store = StoreUnderTest(sinks={"main": sink}).initialize()
    for path in ("plain", "team/kv"):
        assert store.vault("PUT", f"sys/mounts/{path}", {"type": "kv"}, token=store.root).status == 204
    for number in (1, 2):
        put(store, "secret/data/team/db", {"data": {"password": f"{CANARY}-{number}"}})
    put(store, "secret/data/gone", {"data": {"k": "v"}})
    store.vault("DELETE", "secret/data/gone", token=store.root)
    put(store, "plain/app", {"k": "v", "big": 2**63})
    put(store, "team/kv/app", {"k": "w"})
    sink.writes.clear()
    return store


def put(store, path, body):
    assert store.vault("PUT", path, body, token=store.root).status in {200, 204}


def ask(store, paths, *, token=None, **more):
    return store.vault("POST", "sys/kv/bulk-read", {"paths": paths, **more}, token=token or store.root)


def results(store, paths, **how):
    answer = ask(store, paths, **how)
    assert answer.status == 200, answer.body
    return answer.data["results"]


@pytest.mark.parametrize(
    "path",
    [
        "secret/data/team/db",
        "secret/data/gone",
        "secret/data/none",
        "secret/metadata/team/db",
        "secret/subkeys/team/db",
        "secret/config",
        "secret/nonsense",
        "secret/delete/team/db",
        "plain/app",
        "plain/none",
        "team/kv/app",
        "nowhere/app",
        "/plain//app/",
    ],
)
@pytest.mark.parametrize("may", ["everything", "nothing"])
def test_each_entry_is_what_a_request_of_its_own_would_have_been_told(store, path, may):
    token = store.root if may == "everything" else store.token(policies=["default"])
    alone = store.vault("GET", path, token=token)
    (together,) = results(store, [path], token=token)
    assert together["path"] == path
    assert together["status"] == alone.status
    assert together["data"] == alone.json.get("data")
    assert together["errors"] == alone.json.get("errors", [])
    assert together["warnings"] == alone.json.get("warnings")


def test_one_version_can_be_asked_for_by_number_or_text(store):
    wanted = [{"path": "secret/data/team/db", "version": version} for version in (1, "2", 0, 9, "x")]
    found = results(store, wanted)
    assert [entry["status"] for entry in found] == [200, 200, 200, 404, 400]
    assert [entry["data"]["metadata"]["version"] for entry in found[:3]] == [1, 2, 2]


def test_order_and_duplicates_are_kept_and_one_refusal_spoils_nothing(store):
    token = store.token_for({"plain/*": ["read"], "secret/data/team/*": ["read"]})
    paths = ["plain/app", "team/kv/app", "secret/data/team/db", "plain/app", "secret/data/gone"]
    found = results(store, paths, token=token)
    assert [entry["path"] for entry in found] == paths
    assert [entry["status"] for entry in found] == [200, 403, 200, 200, 403]


def test_what_may_not_be_read_reads_like_what_is_not_there(store):
    token = store.token_for({"plain/app": ["read"]})
    for path in ("secret/data/team/db", "secret/data/gone", "secret/data/none", "nowhere/x", "sys/mounts"):
        (entry,) = results(store, [path], token=token)
        assert entry == {"path": path, **DENIED, "warnings": None}


def test_only_secrets_can_be_asked_for(store):
    paths = ["sys/mounts", "sys/internal/ui/mounts", "auth/token/lookup-self", "cubbyhole/a"]
    for entry in results(store, paths):
        assert (entry["status"], entry["data"]) in {(400, None), (404, None)}


@pytest.mark.parametrize(
    "path", ["", "..", "a/../b", "a\\b", "x" * 256, "a\u202eb", " a", "a\0b", "/", "secret/data/../config"]
)
def test_a_path_that_is_none_is_an_entry_that_says_so(store, path):
    bad, good = results(store, [path, "plain/app"])
    assert bad["path"] == path
    assert bad["status"] in {400, 404, 413}
    assert bad["errors"]
    assert good["status"] == 200


def test_numbers_keep_their_digits(store):
    assert b'"big": 9223372036854775808' in ask(store, ["plain/app"]).body


@pytest.mark.parametrize(
    "paths",
    [
        pytest.param(None, id="none"),
        pytest.param([], id="empty"),
        pytest.param({}, id="object"),
        pytest.param(["plain/app", 7], id="number"),
        pytest.param([None], id="null"),
        pytest.param([["plain/app"]], id="nested"),
        pytest.param([{"version": 1}], id="no path"),
        pytest.param([{"path": 7}], id="path is a number"),
        pytest.param([{"path": "plain/app", "version": []}], id="version is a list"),
        pytest.param(["plain/app"] * (MAX_READS + 1), id="too many"),
    ],
)
def test_a_body_that_asks_for_nothing_sensible_is_refused(store, paths, sink):
    answer = ask(store, paths)
    assert answer.status == 400
    assert answer.errors[0].startswith(("paths:", "version:"))
    assert not any("plain/app" in json.loads(line)["request"]["path"] for line in sink.lines)


def test_a_list_in_one_text_is_fine_as_command_lines_send_it(store):
    assert [entry["status"] for entry in results(store, "plain/app, team/kv/app")] == [200, 200]


def test_as_many_as_promised_can_be_asked_for(store):
    found = results(store, [{"path": "plain/app", "version": 0}] * MAX_READS)
    assert len(found) == MAX_READS


def test_more_bytes_than_promised_are_refused_and_none_leaves(store, sink):
    put(store, "plain/large", {"k": "x" * 900_000})
    sink.writes.clear()
    answer = ask(store, ["plain/large"] * 100)
    assert answer.status == 400
    assert str(MAX_BYTES) in answer.errors[0]
    assert len(answer.body) < 200
    lines = [json.loads(line) for line in sink.lines]
    of_parts = [line for line in lines if line["request"]["path"] == "plain/large"]
    assert len(of_parts) == 2 * 5  # nor was more read than what was too much
    assert all("data" not in line.get("response", {}) for line in of_parts)


def test_each_read_has_two_lines_and_so_has_the_whole(store, sink):
    token = store.token_for({"secret/data/team/db": ["read"]})
    sink.writes.clear()
    answer = ask(store, ["secret/data/team/db", "plain/app", ".."], token=token)
    lines = [json.loads(line) for line in sink.lines]
    told = [
        (line["type"], line["request"]["operation"], line["request"]["path"], "error" in line)
        for line in lines
    ]
    assert told == [
        ("request", "update", "sys/kv/bulk-read", False),
        ("request", "read", "secret/data/team/db", False),
        ("response", "read", "secret/data/team/db", False),
        ("request", "read", "plain/app", True),
        ("response", "read", "plain/app", True),
        ("response", "update", "sys/kv/bulk-read", False),
    ]
    whole = answer.json["request_id"]
    assert [line["request"]["id"] for line in lines] == [
        whole,
        *[f"{whole}/1"] * 2,
        *[f"{whole}/2"] * 2,
        whole,
    ]
    assert lines[2]["response"]["data"]["data"]["password"].startswith("hmac-sha256:")
    assert lines[1]["request"]["mount_type"] == "kv"
    assert lines[3]["auth"]["policy_results"] == {"allowed": False}
    assert CANARY not in "".join(str(line) for line in lines)


def test_a_line_of_a_read_equals_the_line_of_a_request_of_its_own(store, sink):
    def line_of(kind):
        (found,) = [
            entry
            for entry in map(json.loads, sink.lines)
            if (entry["type"], entry["request"]["path"]) == (kind, "secret/data/team/db")
        ]
        for name in ("time", "chain", "seq", "mac"):
            found.pop(name, None)
        found["request"].pop("id")
        return found

    store.vault("GET", "secret/data/team/db", token=store.root)
    alone = line_of("request"), line_of("response")
    sink.writes.clear()
    ask(store, ["secret/data/team/db"])
    assert (line_of("request"), line_of("response")) == alone


def test_without_audit_nothing_is_told(store, sink):
    sink.refuses = True
    answer = ask(store, ["secret/data/team/db"])
    assert answer.status == 500
    assert CANARY.encode() not in answer.body


def test_all_reads_are_of_one_state(store, monkeypatch):
    """A write in the middle is not seen, by older versions neither."""
    from holdfast.engines import kv2

    read = kv2.read

    def and_then_write(*arguments, **options):
        found = read(*arguments, **options)
        put(store, "secret/data/team/db", {"data": {"password": "later"}})
        return found

    monkeypatch.setattr("holdfast.engines.kv2.read", and_then_write)
    wanted = ["secret/data/team/db", {"path": "secret/data/team/db", "version": 3}, "secret/data/team/db"]
    found = results(store, wanted)
    assert [entry["status"] for entry in found] == [200, 404, 200]
    assert [found[n]["data"]["metadata"]["version"] for n in (0, 2)] == [2, 2]
    assert results(store, ["secret/metadata/team/db"])[0]["data"]["current_version"] > 2


def test_a_token_with_few_uses_reads_path_by_path(store):
    token = store.token(num_uses=2)
    answer = ask(store, ["plain/app"], token=token)
    assert answer.status == 400
    assert "uses" in answer.errors[0]
    assert store.vault("GET", "plain/app", token=token).status == 200


def test_many_answers_are_not_wrapped_and_a_rule_that_demands_wrapping_is_kept(store):
    assert ask(store, ["plain/app"]).status == 200
    body = {"paths": ["plain/app"]}
    wrapped = store.vault(
        "POST", "sys/kv/bulk-read", body, token=store.root, headers=["X-Vault-Wrap-TTL: 60"]
    )
    assert wrapped.status == 400
    rule = 'path "plain/app" { capabilities = ["read"]\n min_wrapping_ttl = "1s" }'
    token = store.token(policies=[store.policy("wrap", rule)])
    assert results(store, ["plain/app"], token=token)[0]["status"] == 403


def test_every_read_counts_for_a_quota(store):
    quota = {"rate": 3, "interval": 60, "path": "plain/"}
    assert store.vault("PUT", "sys/quotas/rate-limit/q", quota, token=store.root).status == 204
    statuses = [entry["status"] for entry in results(store, ["plain/app"] * 5 + ["team/kv/app"])]
    assert statuses == [200, 200, 200, 429, 429, 200]


def test_users_of_the_other_dialect_may_ask_too(store):
    answer = store.dcos("PUT", "secret/default/shared/app", {"value": "v"}, token=store.root)
    assert answer.status == 201
    (entry,) = results(store, ["secret/data/shared/app"])
    assert entry["data"]["data"] == {"value": "v"}


def test_a_namespace_has_its_own(store):
    create(store, "inner")
    inside = In(store, "inner")
    inside.ask("PUT", "secret/data/a", {"data": {"k": "inner"}})
    put(store, "secret/data/a", {"data": {"k": "outer"}})
    for where, value in ((inside, "inner"), (In(store, ""), "outer")):
        read = where.ask("POST", "sys/kv/bulk-read", {"paths": ["secret/data/a", "plain/app"]})
        entry, other = read.data["results"]
        assert entry["data"]["data"]["k"] == value
        assert other["status"] == (404 if where is inside else 200)
    names = [entry["name"] for entry in inside.ask("POST", "sys/kv/search", {}).data["results"]]
    assert names == ["a"]
