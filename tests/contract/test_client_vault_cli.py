"""Client `vault` and `bao`: the requests of their commands, with the bodies that they really send.

What these programs do by themselves is visible in the bodies: durations as Go writes them, an empty text for
a TTL that stays, ``null`` for no fields and no options, numbers of versions as texts, a token that is sent
twice.
"""

import pytest
from tests.support.go_client import GoClient, done
from tests.support.local_store import StoreUnderTest

NO_CONFIG = {"options": None, "default_lease_ttl": "0s", "max_lease_ttl": "0s", "force_no_cache": False}
NEW_MOUNT = {
    "description": "",
    "config": NO_CONFIG,
    "local": False,
    "seal_wrap": False,
    "external_entropy_access": False,
    "options": None,
}
UNTUNED = {"options": None, "default_lease_ttl": "", "max_lease_ttl": "", "force_no_cache": False}
NEW_TOKEN = {
    "ttl": "0s",
    "explicit_max_ttl": "0s",
    "period": "0s",
    "display_name": "",
    "num_uses": 0,
    "renewable": True,
    "type": "service",
    "entity_alias": "",
}


@pytest.fixture
def store():
    store = StoreUnderTest()
    store.initialize()
    return store


@pytest.fixture
def cli(store):
    return GoClient(store, store.root)


def test_init_and_unseal_say_everything_that_they_do_not_want():
    fresh = StoreUnderTest()
    cli = GoClient(fresh)
    assert cli.read("sys/seal-status").json["initialized"] is False
    body = {
        "secret_shares": 5,
        "secret_threshold": 3,
        "pgp_keys": None,
        "recovery_shares": 0,
        "recovery_threshold": 0,
        "recovery_pgp_keys": None,
        "root_token_pgp_key": "",
    }
    made = done(cli.write("sys/init", body), 200).json
    for share in made["keys_base64"][:3]:
        state = done(cli.write("sys/unseal", {"key": share, "reset": False, "migrate": False}), 200).json
        assert done(cli.read("sys/leader"), 200).json["ha_enabled"] is False
    assert state["sealed"] is False


def test_a_mount_with_nothing_said_has_the_limits_of_the_system(cli):
    done(cli.post("sys/mounts/d", {"type": "kv", **NEW_MOUNT}))
    assert cli.read("sys/mounts/d/tune").data["max_lease_ttl"] == 2764800
    done(cli.post("sys/auth/userpass", {"type": "userpass", **NEW_MOUNT}))
    assert cli.read("sys/auth").data["userpass/"]["config"]["max_lease_ttl"] == 0


def test_tuning_one_thing_leaves_the_others(cli):
    cli.post("sys/mounts/d", {"type": "kv", **NEW_MOUNT})
    done(cli.post("sys/mounts/d/tune", {**UNTUNED, "max_lease_ttl": "3h0m0s"}))
    done(cli.post("sys/mounts/d/tune", {**UNTUNED, "description": "x"}))
    tuned = cli.read("sys/mounts/d/tune").data
    assert (tuned["max_lease_ttl"], tuned["description"]) == (10800, "x")
    cli.post("sys/auth/userpass", {"type": "userpass", **NEW_MOUNT})
    done(cli.post("sys/mounts/auth/userpass/tune", {**UNTUNED, "token_type": "batch", "max_lease_ttl": "1h"}))
    done(cli.post("sys/mounts/auth/userpass/tune", {**UNTUNED, "default_lease_ttl": "30m"}))
    tuned = cli.read("sys/mounts/auth/userpass/tune").data
    assert (tuned["token_type"], tuned["max_lease_ttl"], tuned["default_lease_ttl"]) == ("batch", 3600, 1800)


def test_a_mount_gets_versions_by_tuning(cli):
    cli.post("sys/mounts/kv1", {"type": "kv", **NEW_MOUNT})
    done(cli.write("kv1/a", {"k": "v"}))
    done(cli.post("sys/mounts/kv1/tune", {**UNTUNED, "options": {"version": "2"}}))
    assert done(cli.read("kv1/data/a"), 200).data["data"] == {"k": "v"}


def test_a_token_with_nothing_said_has_what_its_maker_has(cli):
    auth = done(cli.post("auth/token/create", NEW_TOKEN), 200).auth
    assert (auth["policies"], auth["lease_duration"], auth["num_uses"]) == (["root"], 0, 0)
    done(cli.write("sys/policies/acl/team", {"policy": 'path "secret/*" { capabilities = ["read"] }\n'}))
    auth = done(cli.post("auth/token/create", {**NEW_TOKEN, "policies": ["team"], "ttl": "1h0m0s"}), 200).auth
    assert (auth["policies"], auth["lease_duration"]) == (["default", "team"], 3600)
    batch = {**NEW_TOKEN, "policies": ["team"], "renewable": False, "type": "batch"}
    assert done(cli.post("auth/token/create", batch), 200).auth["token_type"] == "batch"


def test_renewing_by_no_increment_renews_by_the_time_of_the_token(cli):
    token = cli.post("auth/token/create", {**NEW_TOKEN, "policies": ["default"], "ttl": "1h"}).auth[
        "client_token"
    ]
    cli.store.clock.advance(600)
    assert (
        done(cli.write("auth/token/renew", {"increment": 0, "token": token}), 200).auth["lease_duration"]
        == 3600
    )


def test_what_a_token_may_do_is_asked_with_the_token_in_the_body(cli):
    body = {"path": "secret/a", "token": cli.token}
    assert done(cli.post("sys/capabilities-self", body), 200).data["capabilities"] == ["root"]
    token = cli.store.token_for({"secret/a": ["read", "update"]})
    answer = done(cli.post("sys/capabilities", {"path": "secret/a", "token": token}), 200)
    assert answer.data["secret/a"] == ["read", "update"]
    assert answer.json["capabilities"] == ["read", "update"]


@pytest.mark.parametrize("path", ["auth/token/tidy", "sys/rotate", "sys/leases/tidy"])
def test_a_write_of_nothing_is_null(cli, path):
    assert cli.write(path).status in {202, 204}


def test_kv_asks_for_the_mount_first_and_names_versions_in_texts(cli):
    mount = done(cli.read("sys/internal/ui/mounts/secret/a"), 200).data
    assert (mount["path"], mount["options"]["version"]) == ("secret/", "2")
    for value in ("1", "2", "3"):
        done(cli.write("secret/data/a", {"data": {"x": value}, "options": {}}), 200)
    done(cli.write("secret/delete/a", {"versions": ["1", "2"]}))
    done(cli.write("secret/undelete/a", {"versions": ["2"]}))
    done(cli.write("secret/destroy/a", {"versions": ["1"]}))
    assert cli.read("secret/data/a?version=2").data["data"] == {"x": "2"}
    assert cli.read("secret/data/a?version=1").data["metadata"]["destroyed"] is True
    patched = done(cli.patch("secret/data/a", {"data": {"y": "1"}, "options": {}}), 200)
    assert patched.data["version"] == 4
    assert cli.read("secret/data/a").data["data"] == {"x": "3", "y": "1"}
    done(cli.write("secret/metadata/a", {"custom_metadata": {"a": "b"}}))


def test_listings_have_no_slash_at_the_end_and_pages_without_a_limit(cli):
    for name in ("a", "b", "c/d"):
        cli.write(f"secret/data/{name}", {"data": {"k": "v"}, "options": {}})
    assert done(cli.list("secret/metadata"), 200).data["keys"] == ["a", "b", "c/"]
    assert done(cli.read("secret/metadata?after=a&limit=-1&list=true"), 200).data["keys"] == ["b", "c/"]
    assert done(cli.read("secret/metadata?after=a&limit=1&list=true"), 200).data["keys"] == ["b"]
    assert done(cli.read("secret/metadata?scan=true"), 200).data["keys"] == ["a", "b", "c/d"]


def test_a_lease_is_ended_by_its_path(cli):
    made = cli.post("auth/token/create", {**NEW_TOKEN, "policies": ["default"], "ttl": "1h"}).auth
    (name,) = cli.list("sys/leases/lookup/auth/token/create").data["keys"]
    lease = f"auth/token/create/{name}"
    assert done(cli.write("sys/leases/lookup", {"lease_id": lease}), 200).data["id"] == lease
    assert cli.write(f"sys/leases/revoke/{lease}", {"sync": False}).status in {202, 204}
    assert not cli.store.is_live(made["client_token"])
    prefix = cli.write("sys/leases/revoke-prefix/auth/token/create", {"sync": False})
    assert prefix.status in {202, 204}


def test_a_mount_is_moved_and_the_move_asked_after(cli):
    cli.post("sys/mounts/a", {"type": "kv", **NEW_MOUNT})
    answer = done(cli.post("sys/remount", {"from": "a/", "to": "b/"}), 200)
    told = done(cli.read(f"sys/remount/status/{answer.data['migration_id']}"), 200).data["migration_info"]
    assert (told["status"], told["source_mount"], told["target_mount"]) == ("success", "a/", "b/")


def test_the_catalog_names_what_can_be_mounted(cli):
    listed = done(cli.read("sys/plugins/catalog"), 200).data
    assert {"kv", "transit"} <= set(listed["secret"])
    assert listed["detailed"][0].keys() >= {"name", "type", "version", "builtin"}
    told = done(cli.read("sys/plugins/catalog/auth/userpass"), 200).data
    assert (told["name"], told["builtin"], told["args"]) == ("userpass", True, [])
    assert cli.read("sys/plugins/catalog/auth/nobody").status == 404
    assert done(cli.list("sys/plugins/catalog/secret"), 200).data["keys"] == listed["secret"]
    assert cli.list("sys/plugins/catalog/nothing").status == 404


def test_revoking_what_is_not_there_is_done(cli):
    done(cli.post("auth/token/revoke-accessor", {"accessor": "nobody"}))
    done(cli.write("auth/token/revoke", {"token": "hvs.nobody"}))


def test_ceremonies_are_begun_with_everything_unsaid(cli):
    body = {
        "secret_shares": 5,
        "secret_threshold": 3,
        "pgp_keys": None,
        "backup": False,
        "require_verification": False,
    }
    assert done(cli.write("sys/rekey/init", body), 200).json["started"] is True
    done(cli.delete("sys/rekey/init"))
    begun = done(cli.write("sys/generate-root-token/attempt", {"otp": "", "pgp_key": ""}), 200).json
    assert (begun["started"], len(begun["otp"])) == (True, begun["otp_length"])
    done(cli.delete("sys/generate-root-token/attempt"))


def test_wrapping_and_unwrapping_with_a_token_of_ones_own(cli):
    answer = cli.store.vault(
        "PUT", "sys/wrapping/wrap", {"a": "b"}, token=cli.token, headers=("X-Vault-Wrap-TTL: 300",)
    )
    one_time = answer.json["wrap_info"]["token"]
    assert done(cli.write("sys/wrapping/unwrap", {"token": one_time}), 200).data == {"a": "b"}
    again = cli.write("sys/wrapping/unwrap", {"token": one_time})
    assert (again.status, again.errors) == (400, ["wrapping token is not valid or does not exist"])
    answer = cli.store.vault(
        "PUT", "sys/wrapping/wrap", {"a": "b"}, token=cli.token, headers=("X-Vault-Wrap-TTL: 300",)
    )
    holder = GoClient(cli.store, answer.json["wrap_info"]["token"])
    assert done(holder.write("sys/wrapping/unwrap"), 200).data == {"a": "b"}
    spent = holder.write("sys/wrapping/unwrap")
    assert (spent.status, spent.errors) == (400, ["wrapping token is not valid or does not exist"])


def test_a_wrapped_secret_id_names_its_accessor_and_nothing_else_names_one(cli):
    cli.post("sys/auth/approle", {"type": "approle", **NEW_MOUNT})
    done(cli.write("auth/approle/role/r", {"token_policies": "default"}))
    wrap = ("X-Vault-Wrap-TTL: 60",)
    answer = cli.store.vault("PUT", "auth/approle/role/r/secret-id", {}, token=cli.token, headers=wrap)
    info = answer.json["wrap_info"]
    assert info["wrapped_accessor"] in cli.list("auth/approle/role/r/secret-id").data["keys"]
    cli.write("cubbyhole/auth/secret-id", {"secret_id_accessor": "mine"})
    answer = cli.store.vault("GET", "cubbyhole/auth/secret-id", token=cli.token, headers=wrap)
    assert b"mine" not in answer.body


def test_deleting_a_namespace_says_something_even_where_there_is_none(cli):
    done(cli.post("sys/namespaces/n", {"custom_metadata": {}}), 200)
    assert done(cli.delete("sys/namespaces/n"), 200).data["status"]
    gone = done(cli.delete("sys/namespaces/n"), 200)
    assert (gone.data, gone.json["warnings"]) == (None, ["requested namespace does not exist"])
