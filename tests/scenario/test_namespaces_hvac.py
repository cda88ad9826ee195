"""Namespaces of a real store with several processes: hvac in both forms, the command line, many at once."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hvac
import pytest
from tests.support.store_process import StoreProcess

WAIT_SECONDS = 60


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreProcess]:
    with StoreProcess(tmp_path_factory.mktemp("namespaces"), audit=True, workers=2) as process:
        process.initialize()
        yield process


def client_of(store: StoreProcess, namespace: str = "", token: str = "") -> hvac.Client:
    return hvac.Client(url=store.url, token=token or store.root_token, namespace=namespace or None)


@pytest.fixture(scope="module")
def root(store: StoreProcess) -> hvac.Client:
    return client_of(store)


@pytest.fixture(scope="module")
def team(store: StoreProcess, root: hvac.Client) -> hvac.Client:
    made = root.sys.create_namespace("team")
    assert made["data"]["path"] == "team/"
    assert "team/" in root.sys.list_namespaces()["data"]["keys"]
    client = client_of(store, "team")
    client.sys.enable_secrets_engine("kv", path="secret", options={"version": "2"})
    return client


def test_hvac_works_in_a_namespace_named_by_its_header(store: StoreProcess, team: hvac.Client) -> None:
    team.sys.create_or_update_policy("reader", 'path "secret/data/*" { capabilities = ["read"] }')
    team.secrets.kv.v2.create_or_update_secret("db", {"password": "of the team"})
    made = team.auth.token.create(policies=["reader"], ttl="1h")["auth"]
    reader = client_of(store, "team", made["client_token"])
    assert reader.is_authenticated()
    assert reader.lookup_token()["data"]["namespace_path"] == "team/"
    read = reader.secrets.kv.v2.read_secret_version("db", raise_on_deleted_version=True)
    assert read["data"]["data"] == {"password": "of the team"}
    with pytest.raises(hvac.exceptions.Forbidden):
        reader.secrets.kv.v2.create_or_update_secret("db", {})
    elsewhere = client_of(store, "", made["client_token"])
    assert elsewhere.is_authenticated()
    with pytest.raises(hvac.exceptions.Forbidden):
        elsewhere.secrets.kv.v2.read_secret_version("db", raise_on_deleted_version=True)
    with pytest.raises(hvac.exceptions.InvalidPath, match="namespace not found"):
        client_of(store, "nobody").sys.list_mounted_secrets_engines()


def test_a_storage_node_logs_in_by_header_and_then_names_the_namespace_in_paths(
    store: StoreProcess, team: hvac.Client
) -> None:
    team.sys.enable_auth_method("approle")
    team.sys.create_or_update_policy(
        "node", 'path "secret/data/*" { capabilities = ["create", "update", "read", "delete"] }'
    )
    team.auth.approle.create_or_update_approle("node", token_policies=["node"])
    role_id = team.auth.approle.read_role_id("node")["data"]["role_id"]
    wrapped = client_of(store, "team").auth.approle.generate_secret_id("node", wrap_ttl="60s")["wrap_info"]
    secret_id = client_of(store, token=wrapped["token"]).sys.unwrap()["data"]["secret_id"]
    node = hvac.Client(url=store.url, namespace="team")
    node.auth.approle.login(role_id=role_id, secret_id=secret_id)
    by_path = client_of(store, "", node.token)
    by_path.adapter.post("/v1/team/secret/data/volume-1", json={"data": {"key": "k1"}})
    answer = by_path.adapter.get("/v1/team/secret/data/volume-1")
    assert answer["data"]["data"] == {"key": "k1"}
    by_path.adapter.delete("/v1/team/secret/data/volume-1")
    with pytest.raises(hvac.exceptions.InvalidPath):
        by_path.adapter.get("/v1/team/secret/data/volume-1")
    with pytest.raises(hvac.exceptions.Forbidden):
        by_path.adapter.get("/v1/secret/data/volume-1")


def test_people_use_the_command_line(store: StoreProcess, team: hvac.Client, tmp_path: Path) -> None:
    def run(*words: str, stdin: str = "", code: int = 0, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "holdfast.cli.holdfast", *words],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=WAIT_SECONDS,
            check=False,
            cwd=tmp_path,
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": str(tmp_path),
                "HOLDFAST_ADDR": store.url,
                "HOLDFAST_TOKEN": store.root_token,
                **environment,
            },
        )
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    assert "desk/" in run("namespace", "create", "desk", "-custom-metadata=owner=ann", "-format=json")
    run("namespace", "create", "desk/inner")
    assert run("namespace", "list", "desk").split()[-1] == "inner/"
    assert "desk/inner/" in run("namespace", "list", "-recursive")
    run("namespace", "patch", "desk", "-custom-metadata=cost=7", "-remove-custom-metadata=owner")
    assert "cost:7" in run("namespace", "lookup", "desk")
    run("secrets", "enable", "-path=secret", "-version=2", "kv", HOLDFAST_NAMESPACE="desk/inner")
    run("kv", "put", "-namespace=desk/inner", "secret/x", "a=-", stdin="one")
    assert run("kv", "get", "-field=a", "secret/x", VAULT_NAMESPACE="desk/inner") == "one"
    assert run("kv", "get", "-ns=desk", "-field=a", "inner/secret/x") == "one"
    assert run("kv", "get", "-field=a", "desk/inner/secret/x") == "one"
    key = run("namespace", "lock", "desk").split()[-1]
    run("kv", "get", "desk/inner/secret/x", code=2)
    run("namespace", "unlock", "-unlock-key=-", "desk", stdin=key)
    assert run("kv", "get", "-field=a", "desk/inner/secret/x") == "one"
    refused = run("kv", "get", "-namespace=nobody", "secret/x", code=2)
    assert refused.startswith("Error: namespace not found")
    run("namespace", "delete", "desk", code=2)
    run("namespace", "delete", "desk/inner")
    run("namespace", "delete", "desk")
    run("namespace", "lookup", "desk", code=2)


def test_many_come_and_go_at_the_same_time(store: StoreProcess, root: hvac.Client) -> None:
    def live(number: int) -> str:
        name = f"busy{number % 8}"  # two at a time want the same name
        client = client_of(store)
        try:
            client.sys.create_namespace(name)
            inside = client_of(store, name)
            inside.sys.enable_secrets_engine("kv", path=f"kv{number}", options={"version": "1"})
            inside.secrets.kv.v1.create_or_update_secret("a", {"n": str(number)}, mount_point=f"kv{number}")
            read = inside.secrets.kv.v1.read_secret("a", mount_point=f"kv{number}")
            assert read["data"] == {"n": str(number)}
        except (hvac.exceptions.InvalidPath, hvac.exceptions.InvalidRequest) as error:
            return str(error)  # the other one deleted it, or is about to
        finally:
            client.sys.delete_namespace(name)
        return ""

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(live, range(32)))
    assert "" in outcomes
    until = time.monotonic() + WAIT_SECONDS
    while any(name.startswith("busy") for name in names_of(root)):
        assert time.monotonic() < until
        time.sleep(0.2)


def names_of(root: hvac.Client) -> list[str]:
    try:
        return list(root.sys.list_namespaces()["data"]["keys"])
    except hvac.exceptions.InvalidPath:
        return []


def test_they_are_there_after_a_restart_and_in_the_audit_file(store: StoreProcess, team: hvac.Client) -> None:
    team.secrets.kv.v2.create_or_update_secret("kept", {"k": "v"})
    lines = store.audit_path.read_text().splitlines()
    assert any('"path":"team/"' in line and '"secret/data/kept"' in line for line in lines)
    store.stop()
    store.start()
    store.unseal()
    kept = client_of(store, "team").secrets.kv.v2.read_secret_version("kept", raise_on_deleted_version=True)
    assert kept["data"]["data"] == {"k": "v"}
