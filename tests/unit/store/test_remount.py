"""Moving a mount: what it stores comes along, who may reach it is asked anew, the old path is free."""

import pytest
from tests.support.iam import PASSWORD


def move(store, source, target, *, token=None):
    body = {"from": source, "to": target}
    return store.vault("POST", "sys/remount", body, token=token or store.root)


@pytest.fixture
def full(store):
    """A store with secrets of both versions."""
    store.vault("PUT", "sys/mounts/plain", {"type": "kv"}, token=store.root)
    store.vault("PUT", "plain/a", {"k": "v"}, token=store.root)
    for value in ("v", "w"):
        store.vault("PUT", "secret/data/a/b", {"data": {"k": value}}, token=store.root)
    return store


def test_secrets_and_their_versions_come_along(full):
    assert move(full, "secret", "team/kept/").status == 200
    assert full.vault("GET", "team/kept/data/a/b", token=full.root).data["data"] == {"k": "w"}
    old = full.vault("GET", "team/kept/data/a/b?version=1", token=full.root)
    assert old.data["data"] == {"k": "v"}
    assert full.vault("GET", "secret/data/a/b", token=full.root).status == 404
    move(full, "plain", "other")
    assert full.vault("GET", "other/a", token=full.root).data == {"k": "v"}


def test_no_record_is_rewritten(full):
    mounts = full.vault("GET", "sys/mounts", token=full.root).data
    prefix = f"logical/{mounts['secret/']['uuid']}/s/a/"
    before = {name: full.storage.get(prefix + name) for name in full.storage.list(prefix, limit=10)}
    move(full, "secret", "moved")
    after = {name: full.storage.get(prefix + name) for name in full.storage.list(prefix, limit=10)}
    assert before == after
    assert before
    moved = full.vault("GET", "sys/mounts", token=full.root).data["moved/"]
    assert {**moved, "path": ""} == {**mounts["secret/"], "path": ""}


def test_it_lasts(full):
    move(full, "secret", "moved")
    full.restart()
    assert full.vault("GET", "moved/data/a/b", token=full.root).data["data"] == {"k": "w"}


def test_a_policy_means_the_path_that_it_names(full):
    of_old, of_new = full.token_for({"secret/*": ["read"]}), full.token_for({"moved/*": ["read"]})
    assert full.vault("GET", "secret/data/a/b", token=of_old).status == 200
    move(full, "secret", "moved")
    assert full.vault("GET", "moved/data/a/b", token=of_old).status == 403
    assert full.vault("GET", "moved/data/a/b", token=of_new).status == 200
    full.vault("PUT", "sys/mounts/secret", {"type": "kv-v2"}, token=full.root)
    assert full.vault("GET", "secret/data/a/b", token=of_old).status == 404


def test_what_became_of_it_can_be_asked(full):
    answer = move(full, "secret", "moved")
    migration = answer.json["migration_id"]
    assert answer.data == {"migration_id": migration}
    status = full.vault("GET", f"sys/remount/status/{migration}", token=full.root)
    assert status.data["migration_info"] == {
        "source_mount": "secret/",
        "target_mount": "moved/",
        "status": "success",
    }
    assert full.vault("GET", "sys/remount/status/unknown", token=full.root).status == 404


@pytest.mark.parametrize(
    ("source", "target"),
    [
        pytest.param("absent", "x", id="no mount"),
        pytest.param("secret/a", "x", id="below a mount"),
        pytest.param("secret", "secret", id="where it is"),
        pytest.param("secret", "plain", id="a taken path"),
        pytest.param("secret", "plain/below", id="below another"),
        pytest.param("secret", "sys/x", id="a protected path"),
        pytest.param("secret", "auth/x", id="among auth methods"),
        pytest.param("secret", "cubbyhole", id="the cubbyhole"),
        pytest.param("cubbyhole", "x", id="the cubbyhole away"),
        pytest.param("sys", "x", id="the system away"),
        pytest.param("auth/token", "auth/x", id="tokens away"),
        pytest.param("auth/absent", "auth/x", id="no auth method"),
        pytest.param("auth", "auth/x", id="all auth methods"),
        pytest.param("auth/people", "people", id="an auth method among secrets"),
        pytest.param("auth/people", "auth/token", id="an auth method onto tokens"),
        pytest.param("", "x", id="from nowhere"),
        pytest.param("secret", "", id="to nowhere"),
        pytest.param("secret", "../x", id="a way out"),
    ],
)
def test_what_cannot_be_moved_stays(full, source, target):
    full.vault("PUT", "sys/auth/people", {"type": "userpass"}, token=full.root)
    before = full.vault("GET", "sys/mounts", token=full.root).data
    assert move(full, source, target).status == 400
    assert full.vault("GET", "sys/mounts", token=full.root).data == before
    assert "people/" in full.vault("GET", "sys/auth", token=full.root).data


def test_it_takes_sudo(full):
    assert move(full, "secret", "moved", token=full.token_for({"sys/remount": ["update"]})).status == 403
    assert (
        move(full, "secret", "moved", token=full.token_for({"sys/remount": ["update", "sudo"]})).status == 200
    )


def test_tokens_that_are_stored_nowhere_end_with_the_old_path_too(store):
    store.vault("PUT", "sys/auth/people", {"type": "userpass"}, token=store.root)
    store.vault(
        "PUT", "auth/people/users/ann", {"password": PASSWORD, "token_type": "batch"}, token=store.root
    )
    log_in = {"password": PASSWORD}
    old = store.vault("PUT", "auth/people/login/ann", log_in).auth["client_token"]
    assert old.startswith("hvb.")
    assert store.is_live(old)
    store.clock.advance(1)
    assert move(store, "auth/people", "auth/staff").status == 200
    assert not store.is_live(old)
    assert store.is_live(store.vault("PUT", "auth/staff/login/ann", log_in).auth["client_token"])


def test_an_auth_method_keeps_its_users_and_ends_the_tokens_of_its_old_path(store):
    store.vault("PUT", "sys/auth/people", {"type": "userpass"}, token=store.root)
    store.vault("PUT", "auth/people/users/ann", {"password": PASSWORD}, token=store.root)
    log_in = {"password": PASSWORD}
    old = store.vault("PUT", "auth/people/login/ann", log_in).auth["client_token"]
    assert move(store, "auth/people", "auth/staff").status == 200
    assert not store.is_live(old)
    assert store.vault("PUT", "auth/people/login/ann", log_in).status >= 400
    assert store.is_live(store.vault("PUT", "auth/staff/login/ann", log_in).auth["client_token"])
