"""hvac, an unmodified client of the Vault API, against a real store over TLS."""

from collections.abc import Iterator
from pathlib import Path

import hvac
import pytest
from tests.support.store_process import StoreProcess


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreProcess]:
    with StoreProcess(tmp_path_factory.mktemp("hvac"), tls=True, audit=True) as process:
        yield process


@pytest.fixture(scope="module")
def client(store: StoreProcess) -> hvac.Client:
    client = hvac.Client(url=store.url, verify=str(store.certificate))
    assert client.sys.is_initialized() is False
    result = client.sys.initialize(secret_shares=5, secret_threshold=3)
    assert len(result["keys"]) == len(result["keys_base64"]) == 5
    assert client.sys.is_sealed() is True
    status = client.sys.submit_unseal_keys(result["keys"][1:4])
    assert status["sealed"] is False
    client.token = result["root_token"]
    assert client.is_authenticated()
    return client


def test_kv_v2_create_read_list_delete(client: hvac.Client) -> None:
    kv = client.secrets.kv.v2
    created = kv.create_or_update_secret("life/db", {"user": "ada", "port": 5432})
    assert created["data"]["version"] == 1
    kv.create_or_update_secret("life/db", {"user": "ada", "port": 5433}, cas=1)
    assert kv.read_secret_version("life/db", raise_on_deleted_version=True)["data"]["data"]["port"] == 5433
    assert (
        kv.read_secret_version("life/db", version=1, raise_on_deleted_version=True)["data"]["data"]["port"]
        == 5432
    )
    assert kv.list_secrets("life")["data"]["keys"] == ["db"]
    with pytest.warns(DeprecationWarning, match="raise_on_deleted_version"):
        kv.patch("life/db", {"user": "grace"})
    assert kv.read_secret_version("life/db", raise_on_deleted_version=True)["data"]["data"] == {
        "user": "grace",
        "port": 5433,
    }
    kv.delete_latest_version_of_secret("life/db")
    with pytest.raises(hvac.exceptions.InvalidPath):
        kv.read_secret_version("life/db", raise_on_deleted_version=True)
    kv.undelete_secret_versions("life/db", [3])
    kv.destroy_secret_versions("life/db", [1])
    metadata = kv.read_secret_metadata("life/db")["data"]
    assert metadata["versions"]["1"]["destroyed"] is True
    kv.delete_metadata_and_all_versions("life/db")
    with pytest.raises(hvac.exceptions.InvalidPath):
        kv.list_secrets("life")


def test_a_wrong_check_and_set_changes_nothing(client: hvac.Client) -> None:
    kv = client.secrets.kv.v2
    kv.create_or_update_secret("cas", {"n": "1"}, cas=0)
    with pytest.raises(hvac.exceptions.InvalidRequest, match="check-and-set parameter did not match"):
        kv.create_or_update_secret("cas", {"n": "2"}, cas=0)
    assert kv.read_secret_version("cas", raise_on_deleted_version=True)["data"]["data"] == {"n": "1"}


def test_kv_v1_create_read_list_delete(client: hvac.Client) -> None:
    client.sys.enable_secrets_engine("kv", path="plain", options={"version": "1"})
    kv = client.secrets.kv.v1
    kv.create_or_update_secret("a/b", {"k": "v"}, mount_point="plain")
    assert kv.read_secret("a/b", mount_point="plain")["data"] == {"k": "v"}
    assert kv.list_secrets("a", mount_point="plain")["data"]["keys"] == ["b"]
    kv.delete_secret("a/b", mount_point="plain")
    with pytest.raises(hvac.exceptions.InvalidPath):
        kv.read_secret("a/b", mount_point="plain")
    client.sys.disable_secrets_engine("plain")
    assert "plain/" not in client.sys.list_mounted_secrets_engines()["data"]


def test_kv_v2_settings_and_metadata(client: hvac.Client) -> None:
    client.sys.enable_secrets_engine("kv", path="settings", options={"version": 2})
    kv = client.secrets.kv.v2
    kv.configure(max_versions=2, cas_required=False, delete_version_after="1h", mount_point="settings")
    config = kv.read_configuration(mount_point="settings")["data"]
    assert (config["max_versions"], config["delete_version_after"]) == (2, "1h0m0s")
    kv.update_metadata("a", mount_point="settings", max_versions=1, custom_metadata={"owner": "ada"})
    for number in range(3):
        kv.create_or_update_secret("a", {"n": number}, mount_point="settings")
    kv.delete_secret_versions("a", [2], mount_point="settings")
    with pytest.raises(hvac.exceptions.InvalidPath) as gone:
        kv.read_secret_version("a", version=2, raise_on_deleted_version=True, mount_point="settings")
    assert gone.value.json["data"]["metadata"]["deletion_time"]
    deleted = kv.read_secret_version("a", version=2, raise_on_deleted_version=False, mount_point="settings")
    assert deleted["data"]["data"] is None
    kv.undelete_secret_versions("a", [2], mount_point="settings")
    metadata = kv.read_secret_metadata("a", mount_point="settings")["data"]
    assert metadata["custom_metadata"] == {"owner": "ada"}
    assert list(metadata["versions"]) == ["2", "3"]
    client.sys.disable_secrets_engine("settings")


def test_a_mount_gets_versions_and_many_secrets_come_in_one_answer(client: hvac.Client) -> None:
    client.sys.enable_secrets_engine("kv", path="old", options={"version": "1"})
    client.secrets.kv.v1.create_or_update_secret("team/db", {"k": "v"}, mount_point="old")
    client.sys.tune_mount_configuration("old", options={"version": "2"})
    read = client.secrets.kv.v2.read_secret_version(
        "team/db", mount_point="old", raise_on_deleted_version=True
    )
    assert (read["data"]["data"], read["data"]["metadata"]["version"]) == ({"k": "v"}, 1)
    found = client.write("sys/kv/search", below="old", glob="db")["data"]["results"]
    paths = [*(secret["path"] for secret in found), "old/data/none"]
    results = client.write("sys/kv/bulk-read", paths=paths)["data"]["results"]
    assert [result["status"] for result in results] == [200, 404]
    client.sys.disable_secrets_engine("old")


def test_sys_basics(client: hvac.Client) -> None:
    mounts = client.sys.list_mounted_secrets_engines()
    assert mounts["data"]["secret/"]["options"] == {"version": "2"}
    assert mounts["secret/"] == mounts["data"]["secret/"]
    assert client.sys.read_health_status(method="GET")["initialized"] is True
    assert client.sys.read_leader_status()["ha_enabled"] is False
    term = client.sys.get_encryption_key_status()["data"]["term"]
    client.sys.rotate_encryption_key()
    assert client.sys.get_encryption_key_status()["data"]["term"] == term + 1


def test_policies_and_tokens_limit_what_a_client_may_do(client: hvac.Client, store: StoreProcess) -> None:
    client.secrets.kv.v2.create_or_update_secret("team/open", {"k": "v"})
    client.secrets.kv.v2.create_or_update_secret("team/closed", {"k": "v"})
    client.sys.create_or_update_policy("reader", 'path "secret/data/team/open" { capabilities = ["read"] }')
    assert client.sys.read_policy("reader")["data"]["rules"].startswith("path")
    token = client.auth.token.create(policies=["reader"], ttl="1h")["auth"]
    reader = hvac.Client(url=store.url, verify=str(store.certificate), token=token["client_token"])
    assert reader.auth.token.lookup_self()["data"]["policies"] == ["default", "reader"]
    assert reader.secrets.kv.v2.read_secret_version("team/open", raise_on_deleted_version=True)
    with pytest.raises(hvac.exceptions.Forbidden):
        reader.secrets.kv.v2.read_secret_version("team/closed", raise_on_deleted_version=True)
    with pytest.raises(hvac.exceptions.Forbidden):
        reader.secrets.kv.v2.create_or_update_secret("team/open", {"k": "w"})
    client.auth.token.revoke_accessor(token["accessor"])
    with pytest.raises(hvac.exceptions.Forbidden):
        reader.auth.token.lookup_self()


def test_no_value_and_no_token_is_in_log_or_audit_file(client: hvac.Client, store: StoreProcess) -> None:
    canary = "canary-7f3d1c9e5b"
    client.secrets.kv.v2.create_or_update_secret("canary", {"field": canary})
    client.secrets.kv.v2.read_secret_version("canary", raise_on_deleted_version=True)
    audited = store.audit_path.read_text()
    assert "secret/data/canary" in audited
    for text in (audited, store.log()):
        assert canary not in text
        assert client.token not in text
    for file in Path(store.data_path).iterdir():
        assert canary.encode() not in file.read_bytes()
