"""Every path of the Vault API, for every kind of token that gives nothing: the status is as documented.

The rows come from the tables that answer: the store's own paths, those of each engine, of each auth method
and of the IAM. So a path that is new is in the matrix, and a path that needs no token has to be named here.
"""

import re

import pytest
from tests.support.auth import enable
from tests.support.iam import make_user, token_of
from tests.support.local_store import StoreUnderTest
from tests.support.routes import name_of

from holdfast.store.auth.methods import METHODS
from holdfast.store.iam.routes import IAM_ROUTES
from holdfast.store.identity.routes import IDENTITY_ROUTES
from holdfast.store.request import Operation
from holdfast.store.secrets_engines import SECRETS_ENGINES
from holdfast.store.system_routes import SELF_GUARDED, SYSTEM_ROUTES
from holdfast.store.tokens.routes import TOKEN_ROUTES

METHODS_OF_HTTP = {
    Operation.READ: "GET",
    Operation.LIST: "LIST",
    Operation.SCAN: "SCAN",
    Operation.WRITE: "POST",
    Operation.PATCH: "PATCH",
    Operation.DELETE: "DELETE",
}
DENIED = '{"errors":["1 error occurred:\\n\\t* permission denied\\n\\n"]}'
UNKNOWN = '{"errors":["permission denied"]}'
NOT_A_ONE_TIME_TOKEN = '{"errors":["wrapping token is not valid or does not exist"]}'
EVERYTHING = 'path "*" { capabilities = ["create", "read", "update", "patch", "delete", "list", "sudo"] }'
USER = "token of a user without a right"
STRANGER = "token of another namespace"
MOUNTED = {"one": "kv", "two": "kv-v2", "crypt": "transit"}

# Whoever asks, with whatever token, gets an answer: the state of the store, and ways in.
FOR_ANYBODY = {
    "GET sys/init",
    "POST sys/init",
    "POST sys/unseal",
    "GET sys/seal-status",
    "GET sys/leader",
    "GET sys/health",
    "GET sys/wrapping/lookup",
    "POST sys/wrapping/lookup",
    "POST sys/decode-token",
    "GET sys/replication/status",
    *(f"POST auth/{kind}/login{'/x' if method.names_in_path else ''}" for kind, method in METHODS.items()),
    *(
        f"{way} auth/{kind}/oidc/{step}"
        for kind in ("jwt", "oidc")
        for way, step in (("POST", "auth_url"), ("GET", "callback"), ("POST", "poll"))
    ),
}
# Without a token it shows the mounts that were tuned to be shown to anybody; with one that is none, nothing.
FOR_WHOEVER_HAS_NO_TOKEN = ("GET", "sys/internal/ui/mounts")
# Whoever is known gets an answer, which is about what his policies reach and may be empty.
FOR_WHOEVER_IS_KNOWN = {
    "GET sys/mounts",
    "GET sys/internal/ui/mounts",
    "GET sys/internal/specs/openapi",
    "GET sys/internal/help/x",
    "GET sys/internal/ui/namespaces",
    "POST sys/kv/bulk-read",
    "POST sys/kv/search",
}
# What every user of the IAM may do about himself; it has the same answers for tokens of the store's own.
OWN_OF_USERS = {
    "GET auth/token/lookup-self": 200,
    "POST auth/token/lookup-self": 200,
    "POST auth/token/renew-self": 400,
    "POST auth/token/revoke-self": 204,
    "POST sys/capabilities-self": 400,
    "POST acs/auth/logout": 204,
}
# What a token asks about itself is answered in its own namespace, wherever it asks.
OWN_OF_TOKENS = {
    "GET auth/token/lookup-self": 200,
    "POST auth/token/lookup-self": 200,
    "POST auth/token/renew-self": 200,
    "POST auth/token/revoke-self": 204,
    "POST sys/wrapping/unwrap": 400,
}
# Root-protected: beside the capability of the operation, ``sudo`` is needed.
NEEDS_SUDO = (
    "sys/auth/",
    "sys/remount$",
    "sys/audit$",
    "sys/audit/",
    "sys/raw",
    "sys/rotate$",
    "sys/rotate/keyring$",
    "sys/rotate/root",
    "sys/config/cors",
    "sys/config/auditing/",
    "sys/config/ui/headers",
    "sys/revoke-prefix/",
    "sys/revoke-force/",
    "sys/leases/revoke-prefix/",
    "sys/leases/revoke-force/",
    "sys/leases$",
    "sys/seal$",
    "sys/step-down$",
    "auth/token/revoke-orphan",
    "auth/token/accessors",
)


def rows():
    for table in (SYSTEM_ROUTES, TOKEN_ROUTES, IDENTITY_ROUTES, IAM_ROUTES):
        for route in table.routes:
            yield METHODS_OF_HTTP[route.operation], re.sub(r"\{\}|<>", "x", route.pattern)
    store = furnish(StoreUnderTest().initialize())
    for mount in store.local.store.opened.mounts.mounts:
        engine = SECRETS_ENGINES.get(mount.type)
        for path, operation in engine.paths(mount) if engine else ():
            yield METHODS_OF_HTTP[operation], re.sub(r"\{\w+\}", "x", mount.path + path)
    for kind, method in METHODS.items():
        for route in method.table.routes:
            yield METHODS_OF_HTTP[route.operation], f"auth/{kind}/{route.pattern.replace('<>', 'x')}"
        yield "POST", f"auth/{kind}/login{'/x' if method.names_in_path else ''}"


def furnish(store):
    for path, kind in MOUNTED.items():
        assert store.vault("POST", f"sys/mounts/{path}", {"type": kind}, token=store.root).status == 204
    for kind in METHODS:
        enable(store, kind)
    assert store.vault("POST", "sys/namespaces/elsewhere", token=store.root).status == 200
    return store


ROWS = sorted(set(rows()))
GUARDED = [row for row in ROWS if " ".join(row) not in FOR_ANYBODY]


@pytest.fixture(scope="module")
def prepared():
    """A store with everything mounted, and in it a token of each kind that gives nothing."""
    store = furnish(StoreUnderTest().initialize())
    everything = store.policy("everything", EVERYTHING)
    store.vault(
        "POST", "auth/token/roles/elsewhere", {"token_bound_cidrs": ["198.51.100.0/24"]}, token=store.root
    )
    wanted = {"policies": [everything], "no_default_policy": True}
    revoked, ancestor = store.token(**wanted), store.token(**wanted)
    used_up = store.token(num_uses=1, **wanted)
    assert store.is_live(used_up)
    tokens = {
        "no token": "",
        "malformed token": "hvs." + "?" * 24,
        "unknown token": "hvs." + "x" * 24,
        "overlong token": "hvs." + "x" * 8000,
        "malformed batch token": "hvb.AAAAAQ",
        "malformed user token": "eyJhbGciOiJSUzI1NiJ9.e30.AA",
        "used up token": used_up,
        "revoked token": revoked,
        "token whose ancestor was revoked": store.token(by=ancestor, **wanted),
        "batch token whose maker was revoked": store.token(by=ancestor, type="batch", ttl="1h", **wanted),
        "expired token": store.token(ttl=1, **wanted),
        "expired batch token": store.token(ttl=1, type="batch", **wanted),
        "token bound to another network": store.token(path="auth/token/create/elsewhere", **wanted),
    }
    make_user(store, "ada")
    rules = {"policy": EVERYTHING}
    store.vault("PUT", "elsewhere/sys/policies/acl/everything", rules, token=store.root)
    tokens[STRANGER] = store.token(path="elsewhere/auth/token/create", ttl="1h", **wanted)
    known = {
        "token without a rule": store.token(policies=["none"], no_default_policy=True),
        "batch token without a rule": store.token(
            policies=["none"], no_default_policy=True, type="batch", ttl="1h"
        ),
        USER: token_of(store, "ada"),
    }
    for token in (revoked, ancestor):
        assert store.vault("POST", "auth/token/revoke", {"token": token}, token=store.root).status == 204
    store.clock.advance(2)
    return store, tokens, known


def ask(store, row, token):
    method, path = row
    return store.vault(method, path, token=token)


@pytest.mark.parametrize("row", GUARDED, ids=" ".join)
def test_a_token_that_is_none_gets_the_same_refusal_everywhere(prepared, row):
    store, tokens, _ = prepared
    asking = {
        kind: token
        for kind, token in tokens.items()
        if kind != STRANGER or " ".join(row) not in OWN_OF_TOKENS
    }
    answers = {kind: ask(store, row, token) for kind, token in asking.items()}
    wanted = dict.fromkeys(answers, (403, UNKNOWN))
    if row == ("POST", "sys/wrapping/unwrap"):
        # Clients look for these words, and unwrapping is what they do with a token that may be none.
        wanted = {kind: (400, NOT_A_ONE_TIME_TOKEN) if tokens[kind] else (403, UNKNOWN) for kind in answers}
    if row == FOR_WHOEVER_HAS_NO_TOKEN:
        shown = answers.pop("no token")
        assert (shown.status, shown.data) == (200, {"secret": {}, "auth": {}})
        del wanted["no token"]
    assert {kind: (one.status, one.body.decode()) for kind, one in answers.items()} == wanted


@pytest.mark.parametrize(
    "row", [row for row in GUARDED if " ".join(row) not in FOR_WHOEVER_IS_KNOWN], ids=" ".join
)
def test_a_token_without_a_right_gets_the_same_refusal_everywhere(prepared, row):
    store, _, known = prepared
    asking = {
        kind: token for kind, token in known.items() if kind != USER or " ".join(row) not in OWN_OF_USERS
    }
    answers = {kind: ask(store, row, token) for kind, token in asking.items()}
    assert {kind: one.status for kind, one in answers.items()} == dict.fromkeys(answers, 403)
    if not row[1].startswith("sys/internal/ui/mounts/"):
        assert {one.body.decode() for one in answers.values()} == {DENIED}


@pytest.mark.parametrize(("row", "status"), OWN_OF_USERS.items())
def test_a_user_may_ask_about_himself_and_log_out(prepared, row, status):
    store, _, _ = prepared
    assert ask(store, row.split(), token_of(store, "ada")).status == status


@pytest.mark.parametrize(("row", "status"), OWN_OF_TOKENS.items())
def test_a_token_of_another_namespace_may_ask_about_itself(prepared, row, status):
    store, _, _ = prepared
    wanted = {"policies": ["everything"], "no_default_policy": True, "ttl": "1h"}
    token = store.token(path="elsewhere/auth/token/create", **wanted)
    assert ask(store, row.split(), token).status == status


@pytest.mark.parametrize("row", sorted(FOR_WHOEVER_IS_KNOWN))
def test_what_whoever_is_known_may_ask_says_nothing_of_what_he_does_not_reach(prepared, row):
    store, _, known = prepared
    for token in known.values():
        answer = ask(store, row.split(), token)
        assert answer.status in {200, 400, 404}, answer.body
        assert not [name for name in (*MOUNTED, *METHODS) if f'"{name}/' in answer.body.decode()]


@pytest.mark.parametrize("row", sorted(FOR_ANYBODY))
def test_what_is_for_anybody_is_the_same_for_everybody(prepared, row):
    store, tokens, known = prepared
    if row == "POST sys/init":
        assert ask(store, row.split(), "").status == 400
        return
    for token in (*tokens.values(), *known.values()):
        answer = ask(store, row.split(), token)
        assert answer.status in {200, 400}, answer.body
        assert "permission denied" not in answer.body.decode()


def test_the_paths_for_anybody_are_those_of_the_document_and_no_others(prepared):
    store, _, _ = prepared
    document = store.vault("GET", "sys/internal/specs/openapi", token=store.root).json
    shown = {
        f"{method.upper()} {re.sub(r'{[a-z]+}', 'x', path[1:])}"
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if operation.get("security") == []
    }
    assert shown == FOR_ANYBODY
    assert {f"GET {path.replace('{}', 'x')}" for path in SELF_GUARDED} <= FOR_WHOEVER_IS_KNOWN


@pytest.mark.parametrize("route", [*SYSTEM_ROUTES.routes, *TOKEN_ROUTES.routes], ids=name_of)
def test_what_the_original_protects_by_sudo_is_protected_here(route):
    path = route.pattern.replace("{}", "x")
    if any(re.match(pattern, path) for pattern in NEEDS_SUDO):
        assert route.sudo or route.superuser, route.pattern


def test_every_table_is_in_the_matrix():
    assert len(ROWS) > 250
    for start in (
        "sys/",
        "auth/token/",
        "identity/",
        "acs/",
        "cubbyhole/",
        "crypt/",
        "one/",
        "two/",
        "auth/jwt/",
    ):
        assert [row for row in ROWS if row[1].startswith(start)], start
