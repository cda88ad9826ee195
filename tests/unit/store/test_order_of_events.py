"""Who? May they? Only then: is there something? Every path of the store, for every kind of caller."""

import re

import pytest

from holdfast.store.identity.routes import IDENTITY_ROUTES
from holdfast.store.request import Operation
from holdfast.store.system_routes import SELF_GUARDED, SYSTEM_ROUTES
from holdfast.store.tokens.routes import TOKEN_ROUTES

METHODS = {
    Operation.READ: "GET",
    Operation.LIST: "LIST",
    Operation.SCAN: "SCAN",
    Operation.WRITE: "POST",
    Operation.PATCH: "PATCH",
    Operation.DELETE: "DELETE",
}
NEEDS = {
    Operation.READ: "read",
    Operation.LIST: "list",
    Operation.SCAN: "list",
    Operation.WRITE: "update",
    Operation.PATCH: "patch",
    Operation.DELETE: "delete",
}
ROUTES = [*SYSTEM_ROUTES.routes, *TOKEN_ROUTES.routes, *IDENTITY_ROUTES.routes]
OWN_ROUTES = [route for route in ROUTES if not route.anybody]
OPEN_ROUTES = [route for route in ROUTES if route.anybody]
GUARDED = [
    route
    for route in OWN_ROUTES
    if not (
        route.any_token
        or (
            route.operation is Operation.READ
            and route.pattern in {*SELF_GUARDED, "sys/internal/ui/mounts/{}"}
        )
    )
]
KV_PATHS = [
    pytest.param("GET", "secret/data/{}", id="read"),
    pytest.param("PUT", "secret/data/{}", id="write"),
    pytest.param("DELETE", "secret/data/{}", id="delete"),
    pytest.param("GET", "secret/metadata/{}", id="read metadata"),
    pytest.param("LIST", "secret/metadata/{}", id="list"),
    pytest.param("DELETE", "secret/metadata/{}", id="erase"),
    pytest.param("PUT", "secret/destroy/{}", id="destroy"),
    pytest.param("GET", "secret/subkeys/{}", id="subkeys"),
    pytest.param("GET", "{}", id="mount"),
    pytest.param("GET", "sys/policies/acl/{}", id="policy"),
    pytest.param("GET", "sys/mounts/{}", id="mount entry"),
    pytest.param("GET", "sys/{}", id="unknown path of ours"),
]
PLACES = {
    "{}": ["secret", "no-mount"],
    "sys/mounts/{}": ["secret", "no-mount"],
    "sys/policies/acl/{}": ["default", "no"],
}


def name_of(route):
    return f"{METHODS[route.operation]} {route.pattern}"


def ask(store, route, token):
    return store.vault(METHODS[route.operation], route.pattern.replace("{}", "x"), token=token)


@pytest.mark.parametrize("route", OWN_ROUTES, ids=name_of)
def test_nobody_gets_nowhere(store, route):
    # Who has nothing but a one-time token is told in the words that clients look for that it is none.
    is_unwrapping = route.pattern == "sys/wrapping/unwrap"
    assert ask(store, route, "").status == (200 if route.without_token else 403)
    assert ask(store, route, "hvs.forged").status == (400 if is_unwrapping else 403)


@pytest.mark.parametrize("route", OPEN_ROUTES, ids=name_of)
def test_what_is_for_anybody_gives_nobody_more_than_anybody(store, route):
    answers = [ask(store, route, token) for token in ("", "hvs.forged")]
    told = {(answer.status, re.sub(rb'"request_id":"[0-9a-f-]+"', b"", answer.body)) for answer in answers}
    assert len(told) == 1


@pytest.mark.parametrize("route", GUARDED, ids=name_of)
def test_a_token_without_a_rule_gets_nowhere(store, route):
    token = store.token(policies=["no-such-policy"], no_default_policy=True)
    assert ask(store, route, token).status == 403


@pytest.mark.parametrize("route", GUARDED, ids=name_of)
def test_another_capability_is_not_enough(store, route):
    others = {"create", "read", "update", "patch", "delete", "list", "sudo"} - {NEEDS[route.operation]}
    token = store.token_for({"*": sorted(others)})
    assert ask(store, route, token).status == 403


@pytest.mark.parametrize("route", [route for route in OWN_ROUTES if route.any_token], ids=name_of)
def test_what_any_token_may_ask_tells_a_token_without_a_rule_nothing(store, route):
    store.vault("PUT", "secret/data/a", {"data": {"k": "canary-7f3a"}}, token=store.root)
    token = store.token(policies=["no-such-policy"], no_default_policy=True)
    body = {"paths": ["secret/data/a", "secret/data/absent"]}
    answer = store.vault(METHODS[route.operation], route.pattern, body, token=token)
    assert answer.status == 200
    assert b"canary" not in answer.body
    assert not any(result.get("data") for result in answer.data["results"])


@pytest.mark.parametrize("route", [route for route in GUARDED if route.superuser], ids=name_of)
def test_no_capability_makes_a_superuser(store, route):
    token = store.token_for({"*": [*sorted(NEEDS.values()), "create", "patch", "sudo"]})
    assert ask(store, route, token).status == 403
    assert ask(store, route, store.root).status != 403


@pytest.mark.parametrize("route", [route for route in GUARDED if not route.superuser], ids=name_of)
def test_its_own_capability_is_enough(store, route):
    token = store.token_for({"*": [NEEDS[route.operation], *(["sudo"] if route.sudo else [])]})
    assert ask(store, route, token).status not in {403, 405, 500}


@pytest.mark.parametrize("route", [route for route in OWN_ROUTES if route.pattern != "sys/seal"], ids=name_of)
def test_nothing_of_ours_answers_while_sealed(store, route):
    store.seal()
    for token in ("", store.root):
        answer = ask(store, route, token)
        assert (answer.status, answer.errors) == (503, ["Vault is sealed"])


@pytest.mark.parametrize(("method", "pattern"), KV_PATHS)
def test_without_permission_nothing_is_learnt(store, method, pattern):
    """What exists, what does not, what was deleted: byte for byte the same answer."""
    for path in ("there", "deleted", "there/below"):
        store.vault("PUT", f"secret/data/{path}", {"data": {"k": "v"}}, token=store.root)
    store.vault("DELETE", "secret/data/deleted", token=store.root)
    token = store.token(policies=["default"])
    places = PLACES.get(pattern, ["there", "absent", "deleted", "there/below", "there/nothing/below"])
    body = {"data": {"k": "v"}, "versions": [1]} if method == "PUT" else None
    answers = {
        (answer.status, answer.body)
        for place in places
        for answer in [store.vault(method, pattern.format(place), body, token=token)]
    }
    assert answers == {(403, b'{"errors":["1 error occurred:\\n\\t* permission denied\\n\\n"]}')}


@pytest.mark.parametrize(
    ("rules", "seen"),
    [
        pytest.param({"secret/metadata/*": ["list"]}, ["a", "p/q/r", "p/x", "t/y"], id="everything"),
        pytest.param(
            {"secret/metadata/*": ["list"], "secret/metadata/p/*": ["deny"]}, ["a", "t/y"], id="all but one"
        ),
        pytest.param(
            {"secret/metadata/*": ["list"], "secret/metadata/p/q/*": ["deny"]},
            ["a", "p/x", "t/y"],
            id="deeper",
        ),
        pytest.param({"secret/metadata/": ["list"]}, ["a"], id="one level"),
    ],
)
def test_a_recursive_listing_shows_what_could_be_listed_level_by_level(store, rules, seen):
    for path in ("a", "p/x", "p/q/r", "t/y"):
        store.vault("PUT", f"secret/data/{path}", {"data": {"k": "v"}}, token=store.root)
    token = store.token_for(rules)
    assert store.vault("GET", "secret/metadata?scan=true", token=token).data["keys"] == seen
    assert store.dcos("GET", "secret/default/?list=true", token=token).json == {"array": seen}


def test_a_token_of_another_store_is_nobody(store):
    other = type(store)().initialize()
    assert not store.is_live(other.root)


WRONG = {
    "text": "canary-7f3a",
    "number": 7,
    "negative": -1,
    "fraction": 1.5,
    "huge": 2**70,
    "null": None,
    "boolean": True,
    "list": [],
    "nested list": [["canary-7f3a"]],
    "object": {"canary-7f3a": {}},
}
FIELDS = [
    "accessor",
    "cas",
    "cas_required",
    "custom_metadata",
    "data",
    "default_lease_ttl",
    "delete_version_after",
    "description",
    "display_name",
    "explicit_max_ttl",
    "id",
    "increment",
    "key",
    "lease",
    "max_lease_ttl",
    "max_versions",
    "meta",
    "migrate",
    "no_default_policy",
    "no_parent",
    "num_uses",
    "options",
    "path",
    "paths",
    "period",
    "policies",
    "policy",
    "renewable",
    "reset",
    "rules",
    "secret_shares",
    "secret_threshold",
    "token",
    "ttl",
    "type",
    "versions",
]


@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG)
def test_no_wrong_value_in_any_field_of_any_path_is_our_fault(store, value):
    paths = [route.pattern.replace("{}", "x") for route in OWN_ROUTES if route.operation is Operation.WRITE]
    paths += [f"secret/{section}/a" for section in ("data", "metadata", "delete", "undelete", "destroy")]
    paths += ["secret/config", "sys/init", "sys/unseal", "one/a"]
    paths = [path for path in paths if path not in {"sys/seal", "auth/token/revoke-self"}]
    store.vault("PUT", "sys/mounts/one", {"type": "kv"}, token=store.root)
    for path in paths:
        for name in FIELDS:
            body = {"data": {}, "options": {name: value}} if name == "cas" else {"type": "kv", name: value}
            answer = store.vault("POST", path, body, token=store.root)
            assert answer.status < 500, (path, name, answer.body)
            if answer.status >= 400:
                assert b"canary" not in answer.body, (path, name)
    assert store.is_live(store.root)
