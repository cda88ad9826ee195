"""Auth methods are mounted, tuned and unmounted; with a mount its tokens end, and its records with it."""

import json

import pytest
from tests.support.auth import about, enable, logged_in, write
from tests.support.iam import PASSWORD

from holdfast.store.auth.methods import METHODS


@pytest.fixture
def mounted(store):
    enable(store, "userpass")
    write(store, "userpass/users/ann", password=PASSWORD)
    return store


def test_a_mount_is_listed_as_clients_expect(store):
    enable(store, "userpass", "people", default_lease_ttl="30m")
    for answer in (store.vault("GET", "sys/auth", token=store.root).json,):
        assert set(answer["data"]) == {"token/", "people/"}
        assert answer["people/"] == answer["data"]["people/"]
    mount = answer["data"]["people/"]
    assert mount["type"] == "userpass"
    assert mount["accessor"].startswith("auth_userpass_")
    assert mount["config"]["default_lease_ttl"] == 1800
    assert mount["config"]["token_type"] == "default-service"
    one = store.vault("GET", "sys/auth/people", token=store.root).data
    assert one == mount


def test_the_mount_table_outlives_a_restart(mounted):
    mounted.restart()
    assert logged_in(mounted, "userpass/login/ann", password=PASSWORD)["policies"] == ["default"]


@pytest.mark.parametrize(
    ("path", "body", "refusal"),
    [
        pytest.param("userpass", {"type": "userpass"}, "path is already in use at userpass/", id="taken"),
        pytest.param("userpass/x", {"type": "userpass"}, "path is already in use", id="below one"),
        pytest.param("token", {"type": "userpass"}, "path is already in use at token/", id="token"),
        pytest.param("x", {"type": "saml"}, "plugin not found in the catalog", id="unknown type"),
        pytest.param("x", {}, "backend type must be specified as a string", id="no type"),
        pytest.param("x", {"type": 5}, "backend type must be specified as a string", id="number as type"),
        pytest.param("x", {"type": "userpass", "config": {"token_type": "x"}}, "token_type", id="token type"),
        pytest.param(
            "x", {"type": "userpass", "config": {"default_lease_ttl": "800h"}}, "default_lease_ttl", id="long"
        ),
    ],
)
def test_a_mount_is_refused(mounted, path, body, refusal):
    answer = mounted.vault("POST", f"sys/auth/{path}", body, token=mounted.root)
    assert answer.status == 400
    assert refusal in answer.errors[0]


def test_mounting_needs_sudo(store):
    token = store.token_for({"sys/auth/*": ["create", "update", "read", "delete"]})
    for method in ("GET", "POST", "DELETE"):
        assert store.vault(method, "sys/auth/x", {"type": "userpass"}, token=token).status == 403


@pytest.mark.parametrize("path", ["sys/auth/userpass/tune", "sys/mounts/auth/userpass/tune"])
def test_tuning_changes_what_tokens_get(mounted, path):
    before = mounted.vault("GET", path, token=mounted.root).data
    assert (before["default_lease_ttl"], before["max_lease_ttl"]) == (8 * 3600, 768 * 3600)
    tuned = {"default_lease_ttl": "10m", "max_lease_ttl": "20m", "token_type": "batch", "description": "x"}
    assert mounted.vault("POST", path, tuned, token=mounted.root).status == 204
    auth = logged_in(mounted, "userpass/login/ann", password=PASSWORD)
    assert (auth["token_type"], auth["lease_duration"]) == ("batch", 600)
    after = mounted.vault("GET", path, token=mounted.root).data
    assert (after["default_lease_ttl"], after["description"]) == (600, "x")


@pytest.mark.parametrize("kind", ["service", "batch"])
def test_unmounting_ends_the_tokens_that_came_from_it(mounted, kind):
    write(mounted, "userpass/users/ann", token_type=kind, token_policies="maker")
    mounted.policy("maker", 'path "auth/token/create" { capabilities = ["update"] }')
    token = logged_in(mounted, "userpass/login/ann", password=PASSWORD)["client_token"]
    child = mounted.token(by=token, ttl=60) if kind == "service" else token
    orphan_of_root = mounted.token()
    assert about(mounted, child)["type"] == kind
    assert mounted.vault("DELETE", "sys/auth/userpass", token=mounted.root).status == 204
    alive = [mounted.is_live(each) for each in (token, child, orphan_of_root)]
    assert alive == [False, False, True]
    enable(mounted, "userpass")
    assert not mounted.is_live(token)
    assert mounted.vault("LIST", "auth/userpass/users", token=mounted.root).status == 404


def test_unmounting_leaves_nothing_behind(mounted):
    assert mounted.storage.list("auth/")
    mounted.vault("DELETE", "sys/auth/userpass", token=mounted.root)
    assert mounted.storage.list("auth/") == []
    assert mounted.vault("DELETE", "sys/auth/userpass", token=mounted.root).status == 204


def test_tokens_themselves_stay_mounted(store):
    answer = store.vault("DELETE", "sys/auth/token", token=store.root)
    assert (answer.status, answer.errors) == (400, ["token credential backend cannot be disabled"])


def test_who_may_touch_a_mount_sees_it(mounted):
    enable(mounted, "userpass", "hidden")
    token = mounted.token_for({"auth/userpass/users/*": ["read"]})
    seen = mounted.vault("GET", "sys/internal/ui/mounts", token=token).data["auth"]
    assert set(seen) == {"userpass/"}
    one = mounted.vault("GET", "sys/internal/ui/mounts/auth/userpass", token=token).data
    assert (one["path"], one["type"]) == ("auth/userpass/", "userpass")
    assert mounted.vault("GET", "sys/internal/ui/mounts/auth/hidden", token=token).status == 403


def test_nothing_below_a_mount_without_a_right(mounted):
    token = mounted.token()
    nobody = mounted.token_for({"secret/*": ["read"]})
    for method, path in (("GET", "users/ann"), ("LIST", "users"), ("POST", "users/bob"), ("GET", "no")):
        assert mounted.vault(method, f"auth/userpass/{path}", token=nobody).status == 403
        assert mounted.vault(method, f"auth/nowhere/{path}", token=nobody).status == 403
    assert mounted.vault("GET", "auth/userpass/no", token=token).status == 404
    assert mounted.vault("GET", "auth/nowhere/no", token=token).status == 404


NEEDS = {"read": "GET", "list": "LIST", "update": "POST", "delete": "DELETE"}
ROWS = [
    pytest.param(
        kind,
        route.pattern.replace("<>", "x"),
        str(route.operation),
        id=f"{kind} {route.operation} {route.pattern}",
    )
    for kind, method in METHODS.items()
    for route in method.table.routes
]


@pytest.mark.parametrize(("kind", "path", "capability"), ROWS)
def test_every_row_of_every_method_needs_its_own_right(store, kind, path, capability):
    enable(store, kind, "m")
    verb, target = NEEDS[capability], f"auth/m/{path}"
    assert store.vault(verb, target, {}).status == 403
    others = sorted({"create", "read", "update", "patch", "delete", "list"} - {capability, "create"})
    assert store.vault(verb, target, {}, token=store.token_for({"auth/m/*": others})).status == 403
    answer = store.vault(verb, target, {}, token=store.token_for({"auth/m/*": [capability, "create"]}))
    assert answer.status in {200, 204, 400, 404}, answer.body


@pytest.mark.parametrize("kind", METHODS)
def test_nothing_sent_to_a_login_is_a_refusal_and_no_defect(store, kind):
    enable(store, kind, "m")
    for body in (
        {},
        {"role": "x", "jwt": "x", "name": "x", "password": "x", "role_id": "x", "secret_id": "x"},
    ):
        for path in ("auth/m/login", "auth/m/login/x", "auth/m/login/x/y"):
            assert store.vault("POST", path, body).status in {400, 403}


def test_the_right_to_create_is_enough_for_what_is_new(mounted):
    token = mounted.token_for({"auth/userpass/users/*": ["create"]})
    for name, status in (("new", 204), ("ann", 403)):
        answer = mounted.vault("POST", f"auth/userpass/users/{name}", {"password": PASSWORD}, token=token)
        assert answer.status == status, answer.body
    answer = mounted.vault("POST", "auth/userpass/users/new/password", {"password": PASSWORD}, token=token)
    assert answer.status == 403


def test_a_sealed_store_takes_no_login(mounted):
    mounted.seal()
    answer = mounted.vault("POST", "auth/userpass/login/ann", {"password": PASSWORD})
    assert (answer.status, answer.errors) == (503, ["Vault is sealed"])


def test_a_login_path_answers_to_nothing_but_a_login(mounted):
    for method in ("GET", "DELETE", "LIST"):
        answer = mounted.vault(method, "auth/userpass/login/ann", token=mounted.root)
        assert answer.status in {404, 405}, json.dumps(answer.json)
