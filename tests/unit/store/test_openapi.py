"""What there is to ask for, written down: every route, the mounts that a caller reaches, and no others."""

import json

import pytest
from tests.support.routes import name_of

from holdfast.store.description.fields import FIELDS, GLOSSARY
from holdfast.store.description.words import explanation
from holdfast.store.identity.routes import IDENTITY_ROUTES
from holdfast.store.system_routes import SYSTEM_ROUTES
from holdfast.store.tokens.routes import TOKEN_ROUTES

OWN_ROUTES = [*SYSTEM_ROUTES.routes, *TOKEN_ROUTES.routes, *IDENTITY_ROUTES.routes]


def document_for(store, token):
    answer = store.vault("GET", "sys/internal/specs/openapi", token=token)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    return answer.json


def test_every_route_of_ours_is_in_it(store):
    paths = document_for(store, store.root)["paths"]
    listed = {(path, method) for path, item in paths.items() for method in item}
    methods = {"read": "get", "list": "get", "scan": "get"}
    methods |= {"update": "post", "patch": "patch", "delete": "delete"}
    for route in (*SYSTEM_ROUTES.routes, *TOKEN_ROUTES.routes, *IDENTITY_ROUTES.routes):
        names = iter(("{name}", "{second}"))
        path = route.pattern
        while (place := next((p for p in ("{}", "<>") if p in path), None)) is not None:
            path = path.replace(place, next(names), 1)
        assert (f"/{path}", methods[route.operation]) in listed, route.pattern


@pytest.mark.parametrize("route", OWN_ROUTES, ids=name_of)
def test_every_route_of_ours_is_explained(route):
    assert explanation(route.pattern)


def test_every_field_is_explained_and_every_explanation_used():
    taken = {name for names in FIELDS.values() for name in names}
    assert taken - set(GLOSSARY) == set()
    assert set(GLOSSARY) - taken - {"mount_type"} == set()
    known = {route.pattern for route in OWN_ROUTES} | {"sys/init", "sys/unseal"}
    assert {path for path in FIELDS if ":" not in path} - known == set()


def test_it_is_a_document_that_tools_can_read(store):
    for kind in ("transit", "kv"):
        store.vault("PUT", f"sys/mounts/{kind}", {"type": kind}, token=store.root)
    for kind in ("userpass", "approle", "kubernetes", "jwt", "cert"):
        store.vault("PUT", f"sys/auth/{kind}", {"type": kind}, token=store.root)
    document = document_for(store, store.root)
    assert document["openapi"] == "3.1.0"
    ids = []
    for path, item in document["paths"].items():
        for operation in item.values():
            ids.append(operation["operationId"])
            assert operation["responses"]
            in_path = [parameter for parameter in operation["parameters"] if parameter["in"] == "path"]
            assert all(parameter["required"] for parameter in in_path)
            names = [parameter["name"] for parameter in in_path]
            assert sorted(names) == sorted(set(names))
            assert all(f"{{{name}}}" in path for name in names)
            assert path.count("{") == len(names)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/secret/data/{path}", "get"),
        ("/secret/data/{path}", "patch"),
        ("/secret/metadata/{path}", "get"),
        ("/secret/config", "post"),
        ("/cubbyhole/{path}", "delete"),
        ("/one/{path}", "post"),
        ("/crypt/encrypt/{name}", "post"),
        ("/crypt/keys/{name}/rotate", "post"),
        ("/auth/people/users/{name}", "post"),
        ("/auth/people/login/{name}", "post"),
        ("/auth/sso/oidc/auth_url", "post"),
        ("/auth/sso/oidc/callback", "get"),
        ("/auth/sso/oidc/poll", "post"),
    ],
)
def test_mounts_are_in_it_with_what_they_serve(store, path, method):
    store.vault("PUT", "sys/mounts/one", {"type": "kv"}, token=store.root)
    store.vault("PUT", "sys/mounts/crypt", {"type": "transit"}, token=store.root)
    store.vault("PUT", "sys/auth/people", {"type": "userpass"}, token=store.root)
    store.vault("PUT", "sys/auth/sso", {"type": "oidc"}, token=store.root)
    assert method in document_for(store, store.root)["paths"][path]


def test_what_is_listed_says_so(store):
    paths = document_for(store, store.root)["paths"]
    flags = {
        parameter["name"]: parameter["required"]
        for parameter in paths["/auth/token/roles"]["get"]["parameters"]
    }
    assert flags == {"list": True}
    flags = {
        parameter["name"]: parameter["required"]
        for parameter in paths["/secret/metadata/{path}"]["get"]["parameters"]
    }
    assert flags == {"path": True, "list": False, "scan": False}


def test_what_takes_more_or_no_token_says_so(store):
    paths = document_for(store, store.root)["paths"]
    assert paths["/sys/remount"]["post"]["x-vault-sudo"] is True
    assert paths["/sys/wrapping/lookup"]["post"]["security"] == []
    assert "security" not in paths["/sys/wrapping/unwrap"]["post"]


def test_a_caller_does_not_learn_of_mounts_that_he_cannot_reach(store):
    store.vault("PUT", "sys/mounts/unseen", {"type": "kv"}, token=store.root)
    store.vault("PUT", "sys/auth/secretive", {"type": "userpass"}, token=store.root)
    token = store.token_for({"secret/data/a": ["read"]})
    text = json.dumps(document_for(store, token))
    assert "/secret/data/{path}" in text
    assert "unseen" not in text
    assert "secretive" not in text
    assert store.vault("GET", "sys/internal/specs/openapi").status == 403
