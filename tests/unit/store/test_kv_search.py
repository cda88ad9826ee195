"""Secrets by name across mounts: what the caller could have listed his way to, a bounded page at a time."""

import json

import pytest
from tests.support.collecting_sink import CollectingSink
from tests.support.local_store import StoreUnderTest

from holdfast.engines.search import COST_OF_A_LIST
from holdfast.store.kv.search import EFFORT, MAX_LIMIT, MAX_PATTERN_BYTES

SECRETS = ["app/db", "app/web/Stripe-Key", "team/a/stripe", "team/b/db", "top"]


@pytest.fixture
def sink():
    return CollectingSink()


@pytest.fixture
def store(sink):
    store = StoreUnderTest(sinks={"main": sink}).initialize()
    store.vault("PUT", "sys/mounts/plain", {"type": "kv"}, token=store.root)
    store.vault("PUT", "sys/mounts/teams/x", {"type": "kv-v2"}, token=store.root)
    for name in SECRETS:
        store.vault("PUT", f"secret/data/{name}", {"data": {"k": "v"}}, token=store.root)
    store.vault("PUT", "plain/db", {"k": "v"}, token=store.root)
    store.vault("PUT", "teams/x/data/db", {"data": {"k": "v"}}, token=store.root)
    sink.writes.clear()
    return store


def ask(store, *, token=None, **what):
    return store.vault("POST", "sys/kv/search", what, token=token or store.root)


def found(store, **how):
    """Return what a search finds on all pages, as people write it: mount and name."""
    names, after = [], ""
    while after is not None:
        answer = ask(store, **how, **({"after": after} if after else {}))
        assert answer.status == 200, answer.body
        names += [entry["mount"] + entry["name"] for entry in answer.data["results"]]
        after = answer.data["after"]
    return names


@pytest.mark.parametrize(
    ("what", "names"),
    [
        pytest.param({}, ["plain/db", *(f"secret/{name}" for name in SECRETS), "teams/x/db"], id="all"),
        pytest.param({"below": "secret"}, [f"secret/{name}" for name in SECRETS], id="one mount"),
        pytest.param(
            {"below": "/secret/team/"}, ["secret/team/a/stripe", "secret/team/b/db"], id="directory"
        ),
        pytest.param({"below": "teams"}, ["teams/x/db"], id="above a mount"),
        pytest.param({"below": "secret/nothing/here"}, [], id="empty directory"),
        pytest.param(
            {"contains": "STRIPE"}, ["secret/app/web/Stripe-Key", "secret/team/a/stripe"], id="contains"
        ),
        pytest.param({"contains": "team/a"}, ["secret/team/a/stripe"], id="contains, over a slash"),
        pytest.param(
            {"prefix": "team/", "below": "secret"}, ["secret/team/a/stripe", "secret/team/b/db"], id="prefix"
        ),
        pytest.param({"prefix": "Team/"}, [], id="prefix is exact"),
        pytest.param(
            {"glob": "db"}, ["plain/db", "secret/app/db", "secret/team/b/db", "teams/x/db"], id="last part"
        ),
        pytest.param({"glob": "team/*/db"}, ["secret/team/b/db"], id="glob of the whole name"),
        pytest.param(
            {"glob": "[st]*", "contains": "t"}, [f"secret/{n}" for n in SECRETS[2:3]] + ["secret/top"]
        ),
        pytest.param({"glob": "?op", "prefix": "t"}, ["secret/top"], id="all of them at once"),
        pytest.param({"contains": "nothing has this"}, [], id="nothing"),
        pytest.param({"glob": "(", "contains": ".*"}, [], id="no pattern language but the promised"),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 1000])
def test_what_is_searched_for_is_found_on_pages_of_any_size(store, what, names, limit):
    assert sorted(found(store, **what, limit=limit)) == sorted(names)


def test_what_is_found_says_how_to_read_it(store):
    assert ask(store, contains="db").data == {
        "results": [
            {"mount": "plain/", "name": "db", "path": "plain/db"},
            {"mount": "secret/", "name": "app/db", "path": "secret/data/app/db"},
            {"mount": "secret/", "name": "team/b/db", "path": "secret/data/team/b/db"},
            {"mount": "teams/x/", "name": "db", "path": "teams/x/data/db"},
        ],
        "after": None,
    }
    paths = [entry["path"] for entry in ask(store).data["results"]]
    read = store.vault("POST", "sys/kv/bulk-read", {"paths": paths}, token=store.root)
    assert {entry["status"] for entry in read.data["results"]} == {200}


def test_deleted_secrets_are_found_as_a_listing_names_them(store):
    store.vault("DELETE", "secret/data/top", token=store.root)
    assert found(store, glob="top") == ["secret/top"]
    store.vault("DELETE", "secret/metadata/top", token=store.root)
    assert found(store, glob="top") == []


@pytest.mark.parametrize(
    ("rules", "names"),
    [
        pytest.param({"secret/metadata/*": ["list"]}, SECRETS, id="everything"),
        pytest.param({"secret/metadata/": ["list"]}, ["top"], id="one level"),
        pytest.param(
            {"secret/metadata/*": ["list"], "secret/metadata/team/*": ["deny"]},
            ["app/db", "app/web/Stripe-Key", "top"],
            id="all but one directory",
        ),
        pytest.param(
            {
                "secret/metadata/*": ["list"],
                "secret/metadata/team/": ["deny"],
                "secret/metadata/team/a/": ["list"],
            },
            ["app/db", "app/web/Stripe-Key", "top"],
            id="a gap on the way",
        ),
        pytest.param({"secret/data/*": ["read"]}, [], id="reading is not listing"),
        pytest.param({"secret/metadata/*": ["read"]}, [], id="nor is reading metadata"),
    ],
)
def test_only_what_could_be_listed_level_by_level_is_found(store, rules, names):
    token = store.token_for(rules)
    assert sorted(found(store, token=token)) == [f"secret/{name}" for name in names]


def test_a_gap_above_the_place_that_is_searched_does_not_matter(store):
    token = store.token_for({"secret/metadata/team/a/*": ["list"]})
    assert found(store, token=token) == []
    assert found(store, token=token, below="secret/team/a") == ["secret/team/a/stripe"]


def test_a_place_to_go_on_from_opens_no_door(store):
    token = store.token_for({"secret/metadata/*": ["list"], "secret/metadata/team/*": ["deny"]})
    for after in ("secret/team/a/", "secret/team/a/a", "secret/team/", "plain/a"):
        answer = ask(store, token=token, after=after)
        assert "team" not in str(answer.data["results"])
        assert not any(entry["mount"] == "plain/" for entry in answer.data["results"])


@pytest.mark.parametrize("below", ["secret/hidden", "plain", "nowhere", "teams", "cubbyhole", "sys"])
def test_a_place_that_may_not_be_searched_reads_like_none(store, below):
    token = store.token_for({"secret/metadata/team/*": ["list"]})
    answer = ask(store, token=token, below=below)
    assert (answer.status, answer.errors) == (403, ["1 error occurred:\n\t* permission denied\n\n"])


def test_who_may_know_is_told_that_nothing_is_mounted_there(store):
    assert ask(store, below="nowhere/at/all").status == 404


def test_notes_are_searched_where_metadata_may_be_read(store):
    for name, owner in {"app/db": "payments", "team/b/db": "people"}.items():
        notes = {"custom_metadata": {"owner": owner, "tier": "1"}}
        assert store.vault("PUT", f"secret/metadata/{name}", notes, token=store.root).status == 204
    assert found(store, custom_metadata={"owner": "pay*"}) == ["secret/app/db"]
    assert found(store, custom_metadata={"owner": "*", "tier": 1}) == ["secret/app/db", "secret/team/b/db"]
    assert found(store, custom_metadata={"owner": "*", "tier": "2"}) == []
    assert found(store, custom_metadata={"none": "*"}) == []
    rules = {"secret/metadata/+/": ["list"], "secret/metadata/": ["list"], "secret/metadata/app/*": ["list"]}
    assert found(store, token=store.token_for(rules), custom_metadata={"owner": "*"}) == []
    rules["secret/metadata/app/db"] = ["read"]
    assert found(store, token=store.token_for(rules), custom_metadata={"owner": "*"}) == ["secret/app/db"]


@pytest.mark.parametrize(
    "what",
    [
        {"below": ".."},
        {"below": "a\\b"},
        {"below": []},
        {"below": {}},
        {"after": "../x"},
        {"after": "a\u0001/b"},
        {"after": "plain/a", "below": "secret"},
        {"limit": MAX_LIMIT + 1},
        {"limit": -1},
        {"limit": "many"},
        {"contains": ["a"]},
        {"glob": "x" * (MAX_PATTERN_BYTES + 1)},
        {"custom_metadata": "owner"},
        {"custom_metadata": {"owner": ["x"]}},
        {"custom_metadata": {str(number): "x" for number in range(17)}},
    ],
)
def test_a_search_that_is_none_is_refused_and_names_the_field(store, what):
    answer = ask(store, **what)
    assert answer.status == 400
    assert answer.errors[0].partition(":")[0] in what


@pytest.mark.parametrize("glob", ["*" * 500, "[" * 500, "*a" * 250, "[!" * 250, "[a-z", "\\", "[]]"])
def test_a_hostile_pattern_costs_no_more_than_others(store, glob):
    store.vault("PUT", f"secret/data/{'a' * 250}", {"data": {}}, token=store.root)
    assert ask(store, glob=glob).status == 200


def test_a_page_may_be_empty_and_go_on(store):
    for number in range(EFFORT // COST_OF_A_LIST + 10):
        store.vault("PUT", f"plain/wide/{number}/x", {"k": "v"}, token=store.root)
    first = ask(store, below="plain", contains="nothing has this").data
    assert first["results"] == []
    assert first["after"].startswith("plain/wide/")
    assert len(found(store, below="plain/wide", glob="9?/*")) == 10


def test_a_search_is_on_record_with_what_it_found_hashed(store, sink):
    ask(store, below="secret/team", contains="stripe")
    lines = [json.loads(line) for line in sink.lines]
    assert [(line["type"], line["request"]["path"]) for line in lines] == [
        ("request", "sys/kv/search"),
        ("response", "sys/kv/search"),
    ]
    assert lines[0]["request"]["data"]["below"].startswith("hmac-sha256:")
    assert "stripe" not in str(lines)


def test_nobody_finds_anything(store):
    assert ask(store, token="hvs.forged").status == 403
    assert found(store, token=store.token(policies=["default"])) == []
