"""Every method that hvac has is called against a real store, or there is a reason why it is not.

hvac's classes are walked, so that a version with more methods is noticed. A method counts as called if a test
of this file calls it, or one of those that ``ELSEWHERE`` names.
"""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import hvac
import hvac.api.auth_methods
import hvac.api.secrets_engines
import pytest
from tests.support.store_process import StoreProcess, make_certificate

ROOT = Path(__file__).parents[2]
AUTH, TRANSIT, IDENTITY = (
    "tests/scenario/test_auth_methods.py",
    "tests/scenario/test_transit.py",
    "tests/scenario/test_hvac_identity.py",
)
ELSEWHERE = {
    "auth.approle.": AUTH,
    "auth.cert.": AUTH,
    "auth.jwt.": AUTH,
    "auth.kubernetes.": AUTH,
    "secrets.identity.": IDENTITY,
    "secrets.transit.": TRANSIT,
}
OUTSIDE = "it makes and takes back accounts of other systems; there is no such engine here"
OTHER_LOGIN = "it lets people of another provider in; there is no such auth method here"
LICENSED = "the original has it for subscribers only, and no free server has it"
RAFT = "nodes do not talk to each other here; backups are `holdfast operator backup`"
SIGNS = "identity tokens of the original's own kind are not issued"
BY_BROWSER = "it goes through a browser, which tests/scenario/test_oidc_logins.py does"
ON_CLIENT = "it asks the server nothing"
NOT_CALLED = {
    **{
        f"secrets.{name}.": OUTSIDE
        for name in (
            "activedirectory",
            "aws",
            "azure",
            "consul",
            "database",
            "gcp",
            "ldap",
            "pki",
            "rabbitmq",
            "ssh",
            "transform",
        )
    },
    **{
        f"auth.{name}.": OTHER_LOGIN
        for name in ("aws", "azure", "gcp", "github", "ldap", "legacymfa", "okta", "radius")
    },
    "auth.oidc.": BY_BROWSER,
    "auth.jwt.oidc_authorization_url_request": BY_BROWSER,
    "auth.jwt.oidc_callback": BY_BROWSER,
    "auth.jwt.resolve_path": ON_CLIENT,
    "auth.cert.configure_tls_certificate": "it configures bindings of certificates, which are not offered",
    "secrets.identity.validate_member_id_params_for_group_type": ON_CLIENT,
    **{
        f"secrets.identity.{name}": SIGNS
        for name in (
            "configure_tokens_backend",
            "create_named_key",
            "create_or_update_role",
            "delete_named_key",
            "delete_role",
            "generate_signed_id_token",
            "introspect_signed_id_token",
            "list_named_keys",
            "list_roles",
            "read_active_public_keys",
            "read_named_key",
            "read_role",
            "read_tokens_backend_configuration",
            "read_well_known_configurations",
            "rotate_named_key",
        )
    },
    "client.login": "auth methods have calls of their own; this one is their common part",
    "client.auth_cubbyhole": "a way to unwrap that the original gave up; unwrapping is called",
    "sys.create_or_update_egp_policy": LICENSED,
    "sys.read_egp_policy": LICENSED,
    "sys.list_egp_policies": LICENSED,
    "sys.delete_egp_policy": LICENSED,
    "sys.create_or_update_rgp_policy": LICENSED,
    "sys.read_rgp_policy": LICENSED,
    "sys.list_rgp_policies": LICENSED,
    "sys.delete_rgp_policy": LICENSED,
    **{
        f"sys.{name}": RAFT
        for name in (
            "create_or_update_raft_auto_snapshot_config",
            "delete_raft_auto_snapshot_config",
            "force_restore_raft_snapshot",
            "join_raft_cluster",
            "list_raft_auto_snapshot_configs",
            "read_raft_auto_snapshot_config",
            "read_raft_auto_snapshot_status",
            "read_raft_config",
            "remove_raft_node",
            "restore_raft_snapshot",
            "take_raft_snapshot",
        )
    },
}
POLICY = 'path "secret/data/a" { capabilities = ["read"] }'


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreProcess]:
    directory = tmp_path_factory.mktemp("hvac-methods")
    (directory / "logs").mkdir(mode=0o700)
    allow = f'unsafe_allow_api_audit_creation = true\naudit_directory = "{directory}/logs"\n'
    with StoreProcess(directory, workers=1, settings=allow) as process:
        yield process


@pytest.fixture(scope="module")
def client(store: StoreProcess) -> hvac.Client:
    client = hvac.Client(url=store.url)
    assert client.sys.is_initialized() is client.sys.read_init_status()["initialized"] is False
    made = client.sys.initialize(secret_shares=3, secret_threshold=2)
    store.shares, store.threshold, store.root_token = made["keys"], 2, made["root_token"]
    client.token = store.root_token
    unseal(client, store)
    return client


def unseal(client: hvac.Client, store: StoreProcess) -> None:
    assert client.sys.is_sealed() is True
    assert client.sys.submit_unseal_key(store.shares[0])["progress"] == 1
    assert client.sys.submit_unseal_keys(store.shares[1:2])["sealed"] is False


def test_state_and_seal(client: hvac.Client, store: StoreProcess) -> None:
    assert client.sys.read_seal_status()["t"] == 2
    assert client.sys.read_health_status(method="GET")["sealed"] is False
    assert client.sys.read_health_status(method="HEAD").status_code == 200
    assert client.sys.read_leader_status()["ha_enabled"] is False
    assert client.sys.step_down().status_code == 204
    assert client.sys.seal().status_code == 204
    with pytest.raises(hvac.exceptions.VaultDown, match="Vault is sealed"):
        client.auth.token.lookup_self()
    unseal(client, store)


def test_mounts(client: hvac.Client) -> None:
    assert client.sys.enable_secrets_engine("kv", path="m", options={"version": 2}).status_code == 204
    assert client.sys.retrieve_mount_option("m", "version") == "2"
    assert (
        client.sys.tune_mount_configuration("m", default_lease_ttl="1h", description="d").status_code == 204
    )
    assert client.sys.read_mount_configuration("m")["data"]["default_lease_ttl"] == 3600
    assert client.sys.move_backend("m", "n")["data"]["migration_id"]
    assert "n/" in client.sys.list_mounted_secrets_engines()["data"]
    assert client.sys.disable_secrets_engine("n").status_code == 204


def test_auth_mounts(client: hvac.Client) -> None:
    assert client.sys.enable_auth_method("userpass", path="people").status_code == 204
    assert (
        client.sys.tune_auth_method("people", max_lease_ttl="40m", default_lease_ttl="20m").status_code == 204
    )
    assert client.sys.read_auth_method_tuning("people")["data"]["max_lease_ttl"] == 2400
    assert "people/" in client.sys.list_auth_methods()["data"]
    assert client.sys.disable_auth_method("people").status_code == 204


def test_policies(client: hvac.Client) -> None:
    assert client.sys.create_or_update_policy("p", POLICY).status_code == 204
    assert client.sys.create_or_update_acl_policy("q", POLICY).status_code == 204
    assert client.sys.read_policy("p")["rules"] == client.sys.read_policy("p")["data"]["rules"] == POLICY
    assert client.sys.read_acl_policy("q")["data"] == {"name": "q", "policy": POLICY}
    assert client.get_policy("p") == POLICY
    assert {"p", "q"} <= set(client.sys.list_policies()["policies"])
    assert {"p", "q"} <= set(client.sys.list_acl_policies()["data"]["keys"])
    assert client.sys.delete_policy("p").status_code == client.sys.delete_acl_policy("q").status_code == 204


def test_capabilities(client: hvac.Client) -> None:
    made = client.auth.token.create(policies=["default"])["auth"]
    for shown in (
        client.sys.get_capabilities(["a"]),
        client.sys.get_capabilities(["a"], token=made["client_token"]),
        client.sys.get_capabilities(["a"], accessor=made["accessor"]),
    ):
        assert shown["data"]["a"] in (["root"], ["deny"])


def test_audit_devices(client: hvac.Client, store: StoreProcess) -> None:
    options = {"file_path": f"{store.directory}/logs/audit.log"}
    assert client.sys.enable_audit_device("file", path="main", options=options).status_code == 204
    assert client.sys.list_enabled_audit_devices()["data"]["main/"]["type"] == "file"
    assert client.sys.calculate_hash("main", "x")["data"]["hash"].startswith("hmac-sha256:")
    assert client.sys.disable_audit_device("main").status_code == 204


def test_leases(client: hvac.Client) -> None:
    client.auth.token.create_orphan(policies=["default"], ttl="1h")
    (name,) = client.sys.list_leases("auth/token/create-orphan")["data"]["keys"]
    lease = f"auth/token/create-orphan/{name}"
    assert client.sys.read_lease(lease)["data"]["id"] == lease
    assert client.sys.renew_lease(lease, increment=60)["lease_duration"] == 60
    assert client.sys.revoke_lease(lease).status_code == 204
    for path in ("prefix", "force"):
        client.auth.token.create_orphan(policies=["default"], ttl="1h")
        if path == "prefix":
            client.sys.revoke_prefix("auth/token/create-orphan")
        else:
            client.sys.revoke_force("auth/token/create-orphan")
        with pytest.raises(hvac.exceptions.InvalidPath):
            client.sys.list_leases("auth/token/create-orphan")


def test_wrapping(client: hvac.Client) -> None:
    token = client.sys.wrap({"k": "v"}, ttl=60)["wrap_info"]["token"]
    assert client.sys.unwrap(token)["data"] == {"k": "v"}


def test_quotas(client: hvac.Client) -> None:
    client.sys.create_or_update_quota(name="q", path="secret/", rate=1000.0, interval="1s")
    assert client.sys.read_quota("q")["data"]["rate"] == 1000
    assert client.sys.list_quotas()["data"]["keys"] == ["q"]
    client.sys.delete_quota("q")


def test_namespaces(client: hvac.Client) -> None:
    client.sys.create_namespace("team")
    assert client.sys.list_namespaces()["data"]["keys"] == ["team/"]
    client.sys.delete_namespace("team")


def test_keys(client: hvac.Client) -> None:
    before = client.sys.get_encryption_key_status()["data"]["term"]
    assert client.sys.rotate_encryption_key().status_code == 204
    assert client.sys.get_encryption_key_status()["term"] == before + 1


def test_new_shares(client: hvac.Client, store: StoreProcess) -> None:
    assert client.sys.read_rekey_progress()["started"] is False
    client.sys.start_rekey(secret_shares=2, secret_threshold=2)
    assert client.sys.cancel_rekey().status_code == 204
    begun = client.sys.start_rekey(secret_shares=3, secret_threshold=2, require_verification=True)
    assert client.sys.rekey(store.shares[0], nonce=begun["nonce"])["progress"] == 1
    dealt = client.sys.rekey_multi(store.shares[1:2], nonce=begun["nonce"])
    assert dealt["complete"] is True
    assert client.sys.read_rekey_verify_progress()["progress"] == 0
    client.sys.cancel_rekey_verify()
    nonce = client.sys.read_rekey_verify_progress()["nonce"]
    assert client.sys.rekey_verify(dealt["keys"][0], nonce=nonce)["progress"] == 1
    assert client.sys.rekey_verify_multi(dealt["keys"][1:2], nonce=nonce)["complete"] is True
    store.shares = dealt["keys"]
    with pytest.raises(hvac.exceptions.InvalidRequest, match="no backed-up keys found"):
        client.sys.read_backup_keys()


def test_a_root_token_by_shares(client: hvac.Client, store: StoreProcess) -> None:
    otp = "x" * client.sys.read_root_generation_progress()["otp_length"]
    client.sys.start_root_token_generation(otp=otp)
    assert client.sys.cancel_root_generation().status_code == 204
    begun = client.sys.start_root_token_generation(otp=otp)
    for share in store.shares[:2]:
        done = client.sys.generate_root(share, nonce=begun["nonce"])
    assert done["complete"] is True


def test_tokens(client: hvac.Client) -> None:
    made = client.auth.token.create(policies=["default"], ttl="1h")["auth"]
    token, accessor = made["client_token"], made["accessor"]
    assert client.auth.token.lookup(token)["data"]["accessor"] == accessor
    assert client.auth.token.lookup_accessor(accessor)["data"]["ttl"] <= 3600
    assert client.auth.token.renew(token, increment="30m")["auth"]["lease_duration"] == 1800
    assert client.auth.token.renew_accessor(accessor, increment="20m")["auth"]["lease_duration"] == 1200
    assert accessor in client.auth.token.list_accessors()["data"]["keys"]
    assert client.auth.token.revoke_accessor(accessor).status_code == 204
    assert client.auth.token.revoke(token).status_code == 204
    assert client.auth.token.create_or_update_role("r", orphan=True).status_code == 204
    assert client.auth.token.read_role("r")["data"]["orphan"] is True
    assert client.auth.token.list_roles()["data"]["keys"] == ["r"]
    assert client.auth.token.create(role_name="r")["auth"]["orphan"] is True
    assert client.auth.token.delete_role("r").status_code == 204
    assert client.auth.token.tidy().status_code == 202
    assert client.auth.token.revoke_and_orphan_children(client.auth.token.create()["auth"]["client_token"])
    own = hvac.Client(url=client.url, token=client.auth.token.create(ttl="1h")["auth"]["client_token"])
    assert own.auth.token.lookup_self()["data"]["policies"] == ["root"]
    assert own.auth.token.renew_self()["auth"]["renewable"] is True
    assert own.auth.token.revoke_self().status_code == 204
    assert own.is_authenticated() is False


def test_what_a_client_can_by_itself(client: hvac.Client) -> None:
    token = client.auth.token.create(ttl="1h")["auth"]["client_token"]
    assert client.lookup_token(token)["data"]["ttl"] <= 3600
    assert client.renew_token(token, increment="30m")["auth"]["lease_duration"] == 1800
    client.revoke_token(token)
    assert client.write_data("cubbyhole/a", data={"k": "v"}).status_code == 204
    assert client.read("cubbyhole/a")["data"] == {"k": "v"}
    assert client.list("cubbyhole")["data"]["keys"] == ["a"]
    client.delete("cubbyhole/a")
    assert client.read("cubbyhole/a") is None
    client.write("cubbyhole/b", k="v")
    assert client.read("cubbyhole/b")["data"] == {"k": "v"}
    other = hvac.Client(url=client.url, token=client.auth.token.create(ttl="1h")["auth"]["client_token"])
    other.logout(revoke_token=True)
    assert other.token is None


def test_people(client: hvac.Client) -> None:
    client.sys.enable_auth_method("userpass")
    password = "correct horse battery"
    assert client.auth.userpass.create_or_update_user("ann", password, policies="default").status_code == 204
    assert client.auth.userpass.list_user()["data"]["keys"] == ["ann"]
    assert client.auth.userpass.read_user("ann")["data"]["token_policies"] == ["default"]
    assert client.auth.userpass.update_password_on_user("ann", password + "!").status_code == 204
    ann = hvac.Client(url=client.url)
    assert ann.auth.userpass.login("ann", password + "!")["auth"]["metadata"] == {"username": "ann"}
    assert client.auth.userpass.delete_user("ann").status_code == 204


def test_roles_for_programs_and_certificates(client: hvac.Client, store: StoreProcess) -> None:
    client.sys.enable_auth_method("approle")
    client.auth.approle.create_or_update_approle("web", token_policies=["default"])
    made = client.auth.approle.generate_secret_id("web")["data"]
    assert client.auth.approle.destroy_secret_id("web", made["secret_id"]).status_code == 204
    client.sys.enable_auth_method("cert")
    certificate, _ = make_certificate(store.directory)
    client.auth.cert.create_ca_certificate_role(
        "web", certificate_file=str(certificate), allowed_common_names="a"
    )
    assert client.auth.cert.read_ca_certificate_role("web")["data"]["allowed_common_names"] == ["a"]
    assert client.auth.cert.list_certificate_roles()["data"]["keys"] == ["web"]
    assert client.auth.cert.delete_certificate_role("web").status_code == 204


def test_secrets_of_version_1(client: hvac.Client) -> None:
    client.sys.enable_secrets_engine("kv", path="one", options={"version": 1})
    where = {"mount_point": "one"}
    assert client.secrets.kv.v1.create_or_update_secret("a", {"k": "v"}, **where).status_code == 204
    assert client.secrets.kv.v1.read_secret("a", **where)["data"] == {"k": "v"}
    assert client.secrets.kv.v1.list_secrets("", **where)["data"]["keys"] == ["a"]
    assert client.secrets.kv.v1.delete_secret("a", **where).status_code == 204


def test_secrets_of_version_2(client: hvac.Client) -> None:
    assert client.secrets.kv.v2.configure(max_versions=5, cas_required=False).status_code == 204
    assert client.secrets.kv.v2.read_configuration()["data"]["max_versions"] == 5
    assert client.secrets.kv.v2.create_or_update_secret("a", {"k": "v"})["data"]["version"] == 1
    with pytest.warns(DeprecationWarning, match="raise_on_deleted_version"):
        assert client.secrets.kv.v2.patch("a", {"l": "w"})["data"]["version"] == 2
    read = client.secrets.kv.v2.read_secret("a", raise_on_deleted_version=True)
    assert read["data"]["data"] == {"k": "v", "l": "w"}
    one = client.secrets.kv.v2.read_secret_version("a", version=1, raise_on_deleted_version=True)
    assert one["data"]["data"] == {"k": "v"}
    assert client.secrets.kv.v2.list_secrets("")["data"]["keys"] == ["a"]
    assert client.secrets.kv.v2.update_metadata("a", custom_metadata={"o": "me"}).status_code == 204
    assert client.secrets.kv.v2.read_secret_metadata("a")["data"]["custom_metadata"] == {"o": "me"}
    assert client.secrets.kv.v2.delete_latest_version_of_secret("a").status_code == 204
    gone = client.secrets.kv.v2.read_secret_version("a", raise_on_deleted_version=False)
    assert gone["data"]["data"] is None
    assert client.secrets.kv.v2.delete_secret_versions("a", [1]).status_code == 204
    assert client.secrets.kv.v2.undelete_secret_versions("a", [1, 2]).status_code == 204
    assert client.secrets.kv.v2.destroy_secret_versions("a", [1]).status_code == 204
    assert client.secrets.kv.v2.delete_metadata_and_all_versions("a").status_code == 204


# -- what there is to call, and what is called -------------------------------------------------------------


def offered() -> set[str]:
    """Return every method of hvac, as one reaches it from a client."""
    client = hvac.Client(url="http://127.0.0.1:1")
    places = {"client": client, "sys": client.sys}
    places |= {"secrets.kv.v1": client.secrets.kv.v1, "secrets.kv.v2": client.secrets.kv.v2}
    for area, module in (("auth", hvac.api.auth_methods), ("secrets", hvac.api.secrets_engines)):
        for name, kind in inspect.getmembers(module, inspect.isclass):
            if name not in {"VaultApiCategory", "AuthMethods", "SecretsEngines", "Kv", "KvV1", "KvV2"}:
                places[f"{area}.{name.lower()}"] = kind(adapter=None)
    return {
        f"{place}.{name}"
        for place, object_ in places.items()
        for name, _ in inspect.getmembers(type(object_), inspect.isfunction)
        if not name.startswith("_") and name != "get_private_attr_name"
    }


def called_here() -> set[str]:
    """Return the methods that this file calls, by the names that it calls them by."""
    found = set()
    for node in ast.walk(ast.parse(Path(__file__).read_text(encoding="utf-8"))):
        words: list[str] = []
        target = node.func if isinstance(node, ast.Call) else None
        while isinstance(target, ast.Attribute):
            words.insert(0, target.attr)
            target = target.value
        if words and isinstance(target, ast.Name) and target.id in {"client", "own", "other", "ann"}:
            found.add(".".join(words if len(words) > 1 else ["client", *words]))
    return found


def reason(method: str) -> str:
    """Return why a method is not called here: a file that does, or a sentence."""
    file = next((file for place, file in ELSEWHERE.items() if method.startswith(place)), "")
    if file and f".{method.rpartition('.')[2]}(" in (ROOT / file).read_text(encoding="utf-8"):
        return file
    return NOT_CALLED.get(method) or next(
        (why for place, why in NOT_CALLED.items() if place.endswith(".") and method.startswith(place)), ""
    )


def test_no_method_is_left_without_a_call_or_a_reason() -> None:
    methods = offered()
    assert len(methods) > 300
    assert [method for method in sorted(methods - called_here()) if not reason(method)] == []


def test_no_reason_is_left_of_what_is_called_or_gone() -> None:
    methods = offered()
    stale = [name for name in NOT_CALLED if not any(method.startswith(name) for method in methods)]
    assert stale == []
    assert sorted(called_here() & set(NOT_CALLED)) == []
