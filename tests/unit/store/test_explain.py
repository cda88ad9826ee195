"""An explanation of who may do what agrees with what the store does, and names the rule."""

import pytest
from tests.support.local_store import StoreUnderTest

RULES = """
path "secret/data/team/*" { capabilities = ["read", "create"] }
path "secret/data/team/+/locked" { capabilities = ["deny"] }
path "secret/data/team/db" { capabilities = ["update"] }
path "secret/metadata/team/*" { capabilities = ["list"] }
path "sys/rotate" { capabilities = ["update"] }
"""


@pytest.fixture
def store():
    return StoreUnderTest().initialize()


@pytest.fixture
def token(store):
    store.policy("team", RULES)
    for name in ("app", "db"):
        store.vault("PUT", f"secret/data/team/{name}", {"data": {}}, token=store.root)
    return store.token(policies=["team"], no_default_policy=True)


def ask(store, token, verb, path, **more):
    answer = store.vault(
        "PUT", "sys/policies/explain", {"token": token, "verb": verb, "path": path, **more}, token=store.root
    )
    assert answer.status == 200, answer.body
    return answer.data


@pytest.mark.parametrize(
    ("verb", "path", "allowed", "because"),
    [
        pytest.param("read", "secret/data/team/app", True, 'team: path "secret/data/team/*"', id="by-prefix"),
        pytest.param("GET", "/v1/secret/data/team/app", True, "team/*", id="as-a-client-writes-it"),
        pytest.param(
            "read", "secret/data/team/db", False, "does not grant it", id="exact-rule-hides-the-prefix"
        ),
        pytest.param("update", "secret/data/team/db", True, 'path "secret/data/team/db"', id="by-exact-rule"),
        pytest.param("create", "secret/data/team/a/locked", False, "denies", id="denied"),
        pytest.param("list", "secret/metadata/team", True, "metadata/team/*", id="list-of-a-folder"),
        pytest.param("read", "secret/data/other", False, "no rule matches", id="no-rule"),
        pytest.param("put", "sys/rotate", False, "", id="sudo-is-missing"),
    ],
)
def test_the_deciding_rule_is_named(store, token, verb, path, allowed, because):
    told = ask(store, token, verb, path)
    assert told["allowed"] is allowed
    assert because in told["decisions"][0]["because"]


METHODS = {"read": "GET", "list": "LIST", "scan": "SCAN", "update": "PUT", "delete": "DELETE"}


@pytest.mark.parametrize("verb", METHODS)
@pytest.mark.parametrize(
    "path",
    [
        "secret/data/team/app",
        "secret/data/team/a/locked",
        "secret/data/team/db",
        "secret/metadata/team",
        "secret/data/other",
        "sys/rotate",
        "sys/mounts",
        "auth/token/lookup-self",
        "auth/token/accessors",
    ],
)
def test_it_agrees_with_what_the_store_does(store, token, verb, path):
    told = store.vault(
        "PUT", "sys/policies/explain", {"token": token, "verb": verb, "path": path}, token=store.root
    )
    done = store.vault(METHODS[verb], path, {"data": {}} if verb == "update" else None, token=token)
    if told.status == 400:
        assert done.status in {403, 405}
    elif path == "sys/mounts" and verb == "read":
        assert done.status == 200  # the one path that every token may ask, and sees its own part of
    else:
        assert told.data["allowed"] is (done.status != 403), (told.data, done.status, done.body)


def test_rules_that_were_passed_over_are_shown_in_order(store, token):
    told = ask(store, token, "read", "secret/data/team/db")
    assert told["rules_for_the_path"] == [
        'team: path "secret/data/team/db"',
        'team: path "secret/data/team/*"',
    ]


def test_restricted_parameters_are_looked_at(store):
    store.policy(
        "narrow", 'path "secret/data/x" { capabilities = ["update"] denied_parameters = { "data" = [] } }'
    )
    token = store.token(policies=["narrow"])
    assert ask(store, token, "update", "secret/data/x", parameters={"options": {}})["allowed"] is True
    assert ask(store, token, "update", "secret/data/x", parameters={"data": {}})["allowed"] is False


def test_a_token_is_also_known_by_its_accessor(store):
    store.policy("team", RULES)
    accessor = store.create_token(policies=["team"]).auth["accessor"]
    told = store.vault(
        "PUT",
        "sys/policies/explain",
        {"accessor": accessor, "verb": "read", "path": "secret/data/team/app"},
        token=store.root,
    )
    assert told.data["allowed"] is True


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param({"verb": "read", "path": "a"}, "token: expected", id="nobody"),
        pytest.param({"token": "hvs.nobody", "verb": "read", "path": "a"}, "token: expected", id="unknown"),
        pytest.param({"token": "ROOT", "verb": "drop", "path": "a"}, "verb: expected", id="unknown-verb"),
        pytest.param({"token": "ROOT", "verb": "read"}, "path: expected", id="no-path"),
        pytest.param({"token": "ROOT", "verb": "read", "path": "a/../b"}, "path", id="path-that-climbs"),
        pytest.param({"accessor": "x", "verb": "read", "path": "a"}, "invalid accessor", id="bad-accessor"),
    ],
)
def test_a_question_without_sense_is_refused(store, body, told):
    body = {name: store.root if value == "ROOT" else value for name, value in body.items()}
    answer = store.vault("PUT", "sys/policies/explain", body, token=store.root)
    assert answer.status == 400
    assert told in answer.errors[0]


def test_explanations_are_for_those_who_may(store, token):
    body = {"token": store.root, "verb": "read", "path": "a"}
    assert store.vault("PUT", "sys/policies/explain", body, token=token).status == 403
