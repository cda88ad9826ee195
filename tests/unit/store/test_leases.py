"""Leases: tokens that end, by where they were made; who knows a lease does not know its token."""

import pytest
from tests.support.iam import PASSWORD


def names_below(store, prefix):
    answer = store.vault("LIST", f"sys/leases/lookup/{prefix}", token=store.root)
    return answer.data["keys"] if answer.status == 200 else []


def lease_of(store, **wanted):
    """Make a token and return it with the name of its lease."""
    before = set(names_below(store, "auth/token/create"))
    token = store.token(**wanted)
    [name] = set(names_below(store, "auth/token/create")) - before
    return token, f"auth/token/create/{name}"


def ask(store, path, body=None, *, token=None):
    return store.vault("PUT", f"sys/{path}", body, token=token or store.root)


def test_a_lease_tells_times_and_no_token(store):
    token, lease = lease_of(store, ttl="1h")
    store.clock.advance(600)
    answer = ask(store, "leases/lookup", {"lease_id": lease})
    assert answer.data["id"] == lease
    assert (answer.data["ttl"], answer.data["renewable"]) == (3000, True)
    assert answer.data["last_renewal"] is None
    assert answer.data["issue_time"] < answer.data["expire_time"]
    assert token.encode() not in answer.body
    assert store.vault("GET", "auth/token/lookup-self", token=lease.rpartition("/")[2]).status == 403


@pytest.mark.parametrize("path", ["leases/renew", "renew"])
@pytest.mark.parametrize("in_path", [True, False])
def test_renewing_a_lease_extends_its_token(store, path, in_path):
    token, lease = lease_of(store, ttl="1h", policies=["default"])
    store.clock.advance(3000)
    body = {"increment": "2h"} if in_path else {"lease_id": lease, "increment": 7200}
    answer = ask(store, f"{path}/{lease}" if in_path else path, body)
    assert answer.status == 200
    assert (answer.json["lease_id"], answer.json["renewable"]) == (lease, True)
    assert answer.json["lease_duration"] == 7200
    assert (answer.json["data"], answer.json["auth"]) == (None, None)
    store.clock.advance(7000)
    assert store.is_live(token)
    assert ask(store, "leases/lookup", {"lease_id": lease}).data["last_renewal"]


@pytest.mark.parametrize("path", ["leases/revoke", "revoke"])
@pytest.mark.parametrize("in_path", [True, False])
def test_revoking_a_lease_ends_its_token_and_its_children(store, path, in_path):
    store.policy("maker", 'path "auth/token/create" { capabilities = ["update"] }')
    token, lease = lease_of(store, ttl="1h", policies=["maker"])
    child = store.token(by=token)
    answer = ask(store, f"{path}/{lease}") if in_path else ask(store, path, {"lease_id": lease, "sync": True})
    assert answer.status == 204
    assert not store.is_live(token)
    assert not store.is_live(child)
    assert ask(store, path, {"lease_id": lease}).status == 204


@pytest.mark.parametrize(
    "lease",
    [
        pytest.param("auth/token/create/" + "0" * 64, id="unknown"),
        pytest.param("auth/token/create", id="a prefix"),
        pytest.param("x", id="no slash"),
        pytest.param("/", id="nothing but a slash"),
        pytest.param("../" * 10 + "etc", id="a way out"),
        pytest.param("auth/token/create/id\x00", id="a control character"),
    ],
)
def test_what_is_no_lease(store, lease):
    for path, status in (("leases/lookup", 400), ("leases/renew", 400), ("leases/revoke", 204)):
        answer = ask(store, path, {"lease_id": lease})
        assert answer.status in {status, 400}
        assert lease.encode() not in answer.body or lease in {"/", "x"}
    assert store.is_live(store.root)


def test_another_path_in_front_of_the_same_token_is_no_lease(store):
    token, lease = lease_of(store, ttl="1h")
    forged = "auth/people/login/" + lease.rpartition("/")[2]
    assert ask(store, "leases/lookup", {"lease_id": forged}).errors == ["invalid lease"]
    assert ask(store, "leases/revoke", {"lease_id": forged}).status == 204
    assert store.is_live(token)


def test_a_token_without_an_end_has_no_lease(store):
    assert names_below(store, "") == []
    store.token(type="batch", ttl="1h", policies=["default"])
    assert names_below(store, "") == []
    assert ask(store, "leases/revoke-prefix/auth").status == 204
    assert store.is_live(store.root)


def test_an_expired_lease_is_none(store):
    _, lease = lease_of(store, ttl="1h")
    store.clock.advance(3600)
    assert ask(store, "leases/lookup", {"lease_id": lease}).errors == ["invalid lease"]
    assert ask(store, "leases/renew", {"lease_id": lease}).errors == ["lease not found"]
    store.clock.advance(2)  # names are removed by whole seconds, never early
    assert ask(store, "leases/tidy").status == 202
    assert names_below(store, "") == []


def log_in_somebody(store, name="ann"):
    store.vault("PUT", "sys/auth/people", {"type": "userpass"}, token=store.root)
    store.vault("PUT", f"auth/people/users/{name}", {"password": PASSWORD}, token=store.root)
    return store.vault("PUT", f"auth/people/login/{name}", {"password": PASSWORD}).auth["client_token"]


def test_leases_are_listed_level_by_level(store):
    lease_of(store, ttl="1h")
    log_in_somebody(store)
    assert names_below(store, "") == ["auth/"]
    assert store.vault("LIST", "sys/leases/lookup", token=store.root).data["keys"] == ["auth/"]
    assert names_below(store, "auth") == ["people/", "token/"]
    assert names_below(store, "auth/people/login") == ["ann/"]
    assert len(names_below(store, "auth/token/create/")) == 1
    assert names_below(store, "auth/tok") == []


@pytest.mark.parametrize(
    "path", ["leases/revoke-prefix", "leases/revoke-force", "revoke-prefix", "revoke-force"]
)
def test_a_prefix_ends_all_below_it_and_nothing_else(store, path):
    ours, _ = lease_of(store, ttl="1h")
    theirs = log_in_somebody(store)
    assert ask(store, f"{path}/auth/peo").status == 204
    assert store.is_live(theirs)
    assert ask(store, f"{path}/auth/people").status == 204
    assert not store.is_live(theirs)
    assert store.is_live(ours)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("LIST", "sys/leases/lookup/auth"),
        ("LIST", "sys/leases/lookup"),
        ("PUT", "sys/leases/revoke-prefix/auth"),
        ("PUT", "sys/revoke-force/auth"),
        ("GET", "sys/leases"),
    ],
)
def test_what_reaches_everybody_s_tokens_needs_sudo(store, method, path):
    token = store.token_for({"sys/*": ["update", "list", "read"]})
    assert store.vault(method, path, token=token).status == 403


def test_the_default_policy_lets_a_holder_look_and_renew_and_not_revoke(store):
    token, lease = lease_of(store, ttl="1h", policies=["default"])
    assert ask(store, "leases/lookup", {"lease_id": lease}, token=token).status == 200
    assert ask(store, "leases/renew", {"lease_id": lease}, token=token).status == 200
    assert ask(store, "leases/revoke", {"lease_id": lease}, token=token).status == 403


def test_a_lease_is_not_renewed_past_its_limits(store):
    _, lease = lease_of(store, ttl="1h", explicit_max_ttl="2h")
    store.clock.advance(3000)
    assert ask(store, "leases/renew", {"lease_id": lease, "increment": "5h"}).json["lease_duration"] == 4200
    _, lease = lease_of(store, ttl="1h", renewable=False)
    assert ask(store, "leases/renew", {"lease_id": lease}).errors == ["lease is not renewable"]


def test_counts_by_mount(store):
    lease_of(store, ttl="1h")
    lease_of(store, ttl="1h")
    log_in_somebody(store)
    answer = store.vault("GET", "sys/leases/count", token=store.root)
    assert answer.data == {"lease_count": 3, "counts": {"auth/people/": 1, "auth/token/": 2}}
    answer = store.vault("GET", "sys/leases/count?type=irrevocable", token=store.root)
    assert answer.data == {"lease_count": 0, "counts": {}}
