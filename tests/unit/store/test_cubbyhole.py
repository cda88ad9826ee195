"""What a token keeps for itself: no other token sees it, and it ends with the token."""

import pytest
from tests.support.iam import PASSWORD, log_in

from holdfast.store import layout
from holdfast.store.mounts import CUBBYHOLE_PATH, MountTable, load_mounts, save_mounts


def keep(store, token, path="a/b", value="canary-7f3a"):
    return store.vault("PUT", f"cubbyhole/{path}", {"k": value}, token=token)


def names_of_kept(store, prefix="sys/token/cubbyhole/"):
    for name in store.storage.list(prefix, limit=1000):
        yield from names_of_kept(store, prefix + name) if name.endswith("/") else [prefix + name]


def test_it_reads_like_a_secret_of_version_1(store):
    token = store.token(policies=["default"])
    assert keep(store, token).status == 204
    keep(store, token, "c", "x")
    assert store.vault("GET", "cubbyhole/a/b", token=token).data == {"k": "canary-7f3a"}
    assert store.vault("LIST", "cubbyhole", token=token).data == {"keys": ["a/", "c"]}
    assert store.vault("LIST", "cubbyhole/a", token=token).data == {"keys": ["b"]}
    assert store.vault("GET", "cubbyhole?scan=true", token=token).data == {"keys": ["a/b", "c"]}
    assert store.vault("DELETE", "cubbyhole/a/b", token=token).status == 204
    assert store.vault("GET", "cubbyhole/a/b", token=token).status == 404
    assert store.vault("LIST", "cubbyhole/a", token=token).status == 404


def test_no_other_token_sees_it_not_even_root(store):
    store.policy("maker", 'path "auth/token/create" { capabilities = ["update"] }')
    token = store.token(policies=["maker"])
    keep(store, token)
    for other in (store.root, store.token(policies=["default"]), store.token(by=token)):
        assert store.vault("GET", "cubbyhole/a/b", token=other).status == 404
        assert store.vault("LIST", "cubbyhole", token=other).status == 404
        assert store.vault("DELETE", "cubbyhole/a/b", token=other).status == 204
    assert store.vault("GET", "cubbyhole/a/b", token=token).data == {"k": "canary-7f3a"}


def revoke(store, token):
    store.vault("PUT", "auth/token/revoke", {"token": token}, token=store.root)
    store.local.keeper.tick()


def expire(store, token):
    store.clock.advance(3700)
    store.local.keeper.tick()


@pytest.mark.parametrize("end", [revoke, expire])
def test_it_ends_with_the_token(store, end):
    token = store.token(policies=["default"], ttl="1h", id="chosen-one")
    keep(store, token)
    keep(store, token, "deep/er/still")
    assert len(list(names_of_kept(store))) == 2
    end(store, token)
    assert list(names_of_kept(store)) == []
    again = store.token(policies=["default"], ttl="1h", id="chosen-one")
    assert store.vault("GET", "cubbyhole/a/b", token=again).status == 404


def test_the_last_use_of_a_token_can_still_keep_something(store):
    token = store.token(policies=["default"], num_uses=2)
    assert keep(store, token).status == 204
    assert store.vault("GET", "cubbyhole/a/b", token=token).data == {"k": "canary-7f3a"}
    assert store.vault("GET", "cubbyhole/a/b", token=token).status == 403


def test_what_is_kept_is_encrypted_and_survives_a_restart(store):
    token = store.token(policies=["default"])
    keep(store, token)
    [name] = names_of_kept(store)
    assert b"canary" not in store.storage.get(name)
    store.restart()
    assert store.vault("GET", "cubbyhole/a/b", token=token).data == {"k": "canary-7f3a"}


def test_a_token_that_is_stored_nowhere_keeps_nothing(store):
    batch = store.token(policies=["default"], type="batch", ttl="1h")
    for method, body in (("GET", None), ("LIST", None), ("PUT", {"k": "v"}), ("DELETE", None)):
        answer = store.vault(method, "cubbyhole/a", body, token=batch)
        assert answer.status == 400
        assert "service token" in answer.errors[0]


def test_a_user_s_token_keeps_nothing(store):
    store.acs("PUT", "users/bob", {"password": PASSWORD})
    token = log_in(store, "bob", PASSWORD).json["token"]
    assert store.vault("PUT", "cubbyhole/a", {"k": "v"}, token=token).status in {400, 403}
    assert list(names_of_kept(store)) == []


def test_a_policy_still_decides(store):
    token = store.token_for({"cubbyhole/a": ["create", "read"]})
    assert store.vault("PUT", "cubbyhole/a", {"k": "v"}, token=token).status == 204
    assert store.vault("PUT", "cubbyhole/a", {"k": "w"}, token=token).status == 403
    assert store.vault("GET", "cubbyhole/b", token=token).status == 403
    assert store.vault("GET", "cubbyhole/a", token=token).data == {"k": "v"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        pytest.param("PUT", "cubbyhole/a", {}, 400, id="no field"),
        pytest.param("PUT", "cubbyhole/a", None, 400, id="no body"),
        pytest.param("PUT", "cubbyhole", {"k": "v"}, 405, id="no name"),
        pytest.param("PATCH", "cubbyhole/a", {"k": "v"}, 405, id="a patch"),
        pytest.param("PUT", "cubbyhole/a", {"k": "x" * 1_100_000}, 413, id="too large"),
    ],
)
def test_what_cannot_be_kept_is_refused(store, method, path, body, status):
    headers = ["Content-Type: application/merge-patch+json"] if method == "PATCH" else ()
    answer = store.vault(method, path, body, token=store.root, headers=headers)
    assert answer.status == status


def test_it_is_a_mount_like_others_that_stays_where_it_is(store):
    mount = store.vault("GET", "sys/mounts", token=store.root).data["cubbyhole/"]
    assert mount["type"] == "cubbyhole"
    assert mount["accessor"].startswith("cubbyhole_")
    assert store.vault("DELETE", "sys/mounts/cubbyhole", token=store.root).status == 400
    for path in ("cubbyhole", "cubbyhole/x", "other"):
        wanted = {"type": "cubbyhole"}
        assert store.vault("PUT", f"sys/mounts/{path}", wanted, token=store.root).status == 400


def test_a_store_from_before_there_was_one_gets_it(store):
    store.token()  # the first write of an open store reserves what it may encrypt
    keyring = store.local.keeper.require_unsealed().keyring

    def drop(tx):
        view = layout.writing(tx, keyring, layout.MOUNTS)
        table = load_mounts(view)
        save_mounts(view, MountTable(tuple(m for m in table.mounts if m.path != CUBBYHOLE_PATH)))

    store.storage.write(drop)
    store.restart()
    assert store.vault("GET", "sys/mounts", token=store.root).data["cubbyhole/"]["type"] == "cubbyhole"
    token = store.token(policies=["default"])
    keep(store, token)
    store.vault("PUT", "sys/mounts/one", {"type": "kv"}, token=store.root)
    store.restart()
    assert store.vault("GET", "cubbyhole/a/b", token=token).data == {"k": "canary-7f3a"}
