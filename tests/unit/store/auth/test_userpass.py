"""People with a name and a password: a right one opens, everything else reads the same and costs the same."""

import pytest
from tests.support.auth import about, enable, logged_in, login, read, write
from tests.support.collecting_sink import CollectingSink
from tests.support.iam import PASSWORD
from tests.support.local_store import StoreUnderTest

from holdfast.iam.lockout import FREE_TRIES_OF_SOURCE

OTHER = "another good password"
LOGIN = "userpass/login/ann"


@pytest.fixture
def people(store):
    enable(store, "userpass")
    write(store, "userpass/users/Ann", password=PASSWORD, token_policies="reader,default", token_ttl="30m")
    return store


def test_a_login_gives_a_token_as_the_user_is_set_up(people):
    auth = logged_in(people, LOGIN, password=PASSWORD)
    assert auth["client_token"].startswith("hvs.")
    assert auth["policies"] == auth["token_policies"] == ["default", "reader"]
    assert auth["metadata"] == {"username": "ann"}
    assert (auth["lease_duration"], auth["renewable"], auth["orphan"]) == (1800, True, True)
    told = about(people, auth["client_token"])
    assert (told["path"], told["display_name"]) == ("auth/userpass/login/ann", "userpass-ann")


def test_names_are_one_name_in_any_letters(people):
    assert logged_in(people, "userpass/login/ANN", password=PASSWORD)["metadata"] == {"username": "ann"}


def test_a_user_is_shown_without_the_password(people):
    shown = read(people, "userpass/users/ann")
    assert shown["token_policies"] == ["default", "reader"]
    assert shown["token_ttl"] == 1800
    assert "argon2" not in str(shown)
    listed = people.vault("LIST", "auth/userpass/users", token=people.root)
    assert listed.data == {"keys": ["ann"]}


def test_a_change_keeps_what_it_does_not_name(people):
    write(people, "userpass/users/ann", policies=["writer"])
    shown = read(people, "userpass/users/ann")
    assert (shown["token_ttl"], shown["token_policies"], shown["policies"]) == (1800, ["writer"], ["writer"])
    write(people, "userpass/users/ann/policies", token_policies="x")
    assert read(people, "userpass/users/ann")["token_policies"] == ["x"]
    assert logged_in(people, LOGIN, password=PASSWORD)["policies"] == ["default", "x"]


def test_a_new_password_replaces_the_old(people):
    write(people, "userpass/users/ann/password", password=OTHER)
    assert login(people, LOGIN, password=PASSWORD).status == 400
    assert logged_in(people, LOGIN, password=OTHER)


def test_a_user_who_is_gone_renews_no_token(people):
    token = logged_in(people, LOGIN, password=PASSWORD)["client_token"]
    assert people.vault("POST", "auth/token/renew-self", token=token).status == 200
    assert people.vault("DELETE", "auth/userpass/users/ann", token=people.root).status == 204
    answer = people.vault("POST", "auth/token/renew-self", token=token)
    assert answer.status == 400
    assert "is gone" in answer.errors[0]
    assert login(people, LOGIN, password=PASSWORD).status == 400


@pytest.mark.parametrize(
    ("path", "fields", "refusal"),
    [
        pytest.param(LOGIN, {"password": "wrong password"}, "invalid username or password", id="wrong"),
        pytest.param(
            "userpass/login/no", {"password": PASSWORD}, "invalid username or password", id="nobody"
        ),
        pytest.param(LOGIN, {}, "missing password", id="no password"),
        pytest.param(LOGIN, {"password": ""}, "missing password", id="empty password"),
        pytest.param(LOGIN, {"password": ["x"]}, "password: expected a string", id="list"),
        pytest.param(LOGIN, {"password": "x" * 5000}, "invalid username or password", id="oversized"),
    ],
)
def test_a_login_is_refused(people, path, fields, refusal):
    answer = login(people, path, **fields)
    assert (answer.status, answer.errors) == (400, [refusal])


def test_a_refusal_costs_the_same_with_and_without_a_user(people, monkeypatch):
    hashed = []
    passwords = people.local.store.opened.users.passwords
    verify = type(passwords).verify
    monkeypatch.setattr(
        type(passwords), "verify", lambda self, *a: (hashed.append(a[0][:20]), verify(self, *a))[1]
    )
    login(people, LOGIN, password="wrong password")
    login(people, "userpass/login/nobody", password="wrong password")
    assert len(hashed) == 2
    assert hashed[0] == hashed[1]


@pytest.mark.parametrize("name", ["ann", "nobody"])
def test_whoever_guesses_has_to_wait(people, name):
    for _ in range(FREE_TRIES_OF_SOURCE):
        assert login(people, f"userpass/login/{name}", password="wrong password").status == 400
    answer = login(people, f"userpass/login/{name}", password=PASSWORD)
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) >= 1
    people.clock.advance(3600)
    assert login(people, f"userpass/login/{name}", password=PASSWORD).status == (
        200 if name == "ann" else 400
    )


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        pytest.param({}, "missing password", id="no password"),
        pytest.param({"password": "short"}, "password: expected", id="short"),
        pytest.param({"password_hash": "$2a$10$x"}, "password_hash: expected a password", id="a hash"),
        pytest.param({"password": PASSWORD, "token_policies": "root"}, "other policies than root", id="root"),
        pytest.param({"password": PASSWORD, "token_ttl": "2h", "token_max_ttl": "1h"}, "token_ttl", id="ttl"),
        pytest.param({"password": PASSWORD, "token_max_ttl": "1000h"}, "token_max_ttl", id="max"),
        pytest.param({"password": PASSWORD, "token_type": "x"}, "token_type: expected", id="type"),
        pytest.param(
            {"password": PASSWORD, "token_type": "batch", "token_period": 60}, "token_type", id="period"
        ),
        pytest.param(
            {"password": PASSWORD, "token_type": "batch", "token_num_uses": 3}, "token_type", id="uses"
        ),
        pytest.param({"password": PASSWORD, "token_bound_cidrs": "x"}, "token_bound_cidrs", id="network"),
        pytest.param({"password": PASSWORD, "bound_cidrs": "10.0.0.1/8"}, "bound_cidrs", id="host bits"),
    ],
)
def test_a_user_is_refused(people, fields, refusal):
    answer = people.vault("POST", "auth/userpass/users/new", fields, token=people.root)
    assert answer.status == 400
    assert refusal in answer.errors[0]
    assert people.vault("GET", "auth/userpass/users/new", token=people.root).status == 404


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        pytest.param({"token_num_uses": 3}, {"num_uses": 3}, id="uses"),
        pytest.param({"token_period": "10m"}, {"period": 600, "ttl": 600}, id="period"),
        pytest.param(
            {"token_explicit_max_ttl": "10m"}, {"explicit_max_ttl": 600, "ttl": 600}, id="explicit maximum"
        ),
        pytest.param(
            {"token_no_default_policy": True, "token_policies": "self"}, {"policies": ["self"]}, id="none"
        ),
        pytest.param({"token_type": "batch"}, {"type": "batch", "accessor": ""}, id="batch"),
    ],
)
def test_what_a_user_is_set_up_with_is_what_tokens_are(people, fields, told):
    people.policy("self", 'path "auth/token/lookup-self" { capabilities = ["read"] }')
    write(people, "userpass/users/ann", **fields)
    seen = about(people, logged_in(people, LOGIN, password=PASSWORD)["client_token"])
    assert {name: seen[name] for name in told} == told


def test_renewals_end_at_the_role_s_maximum(people):
    write(people, "userpass/users/ann", token_ttl="10m", token_max_ttl="15m")
    token = logged_in(people, LOGIN, password=PASSWORD)["client_token"]
    people.clock.advance(9 * 60)
    renewed = people.vault("POST", "auth/token/renew-self", token=token).auth
    assert renewed["lease_duration"] == 6 * 60


def test_a_password_in_the_wrong_place_is_on_no_record():
    sink = CollectingSink()
    store = StoreUnderTest(sinks={"main": sink}).initialize()
    enable(store, "userpass")
    write(store, "userpass/users/ann", password=PASSWORD)
    token = logged_in(store, LOGIN, password=PASSWORD)["client_token"]
    login(store, LOGIN, password="canary-7f3a-wrong")
    text = b"".join(sink.writes)
    for secret in (PASSWORD, token, "canary-7f3a-wrong", "argon2"):
        assert secret.encode() not in text
    assert b"auth/userpass/login/ann" in text
    assert b"invalid username or password" in text
