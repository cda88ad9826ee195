"""A storage node as its users meet it: the real process, real volumes, the real command line."""

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.node_process import SHARED_SECRET, NodeProcess
from tests.support.store_process import StoreProcess
from tests.support.store_talk import eventually
from tests.support.transcript import play

from holdfast import errors

SIZE = str(32 << 20)
TRANSCRIPTS = Path(__file__).parent / "transcripts"
NODE_POLICY = """
path "secret/data/*" { capabilities = ["create", "read", "update", "delete", "list"] }
path "secret/metadata/*" { capabilities = ["read", "delete", "list"] }
path "secret/destroy/*" { capabilities = ["update"] }
"""


@pytest.fixture
def file_node(tmp_path):
    environment = {"HOLDFAST_SECRETS_DIRECTORY": str(tmp_path / "secrets")}
    with NodeProcess(tmp_path, "-secret_type", "file", environment=environment) as node:
        yield node


def create(node, name="vol1", *, token=None, **spec):
    body = {"name": name, "spec": {"size": SIZE, "encrypted": True, **spec}}
    return node.client(token or node.token("alice")).request("POST", "volumes", body)["volume_id"]


def set_cluster_key(node):
    body = {"DefaultSecretKey": "cluster-key", "Generate": True}
    node.client(node.admin()).request("PUT", "cluster/secrets/defaultsecretkey", body)


def test_a_day_with_hfctl(file_node, tmp_path):
    people = tmp_path / "people"
    people.mkdir()
    (people / "signing.key").write_text(SHARED_SECRET + "\n")
    (people / "signing.key").chmod(0o600)
    for name, roles, groups in (
        ("admin", ["system.admin"], ["*"]),
        ("alice", ["system.user"], []),
        ("bob", ["system.user"], []),
    ):
        (people / f"{name}.yaml").write_text(
            f"name: {name}\nemail: {name}@example.com\nsub: {name}\nroles: {roles}\ngroups: {groups}\n"
        )
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
        "HOME": str(people),
        "NODE": file_node.address,
        "MOUNTS": str(file_node.mount_root),
    }
    play((TRANSCRIPTS / "node.txt").read_text(), directory=people, environment=environment)


def test_keys_from_a_real_store_that_is_sealed_and_opened_again(tmp_path):
    (tmp_path / "store").mkdir()
    with StoreProcess(tmp_path / "store") as store:
        store.initialize()
        root = store.client()
        root.put_policy("storage-node", NODE_POLICY)
        token = root.create_token(policies=["storage-node"])["client_token"]
        environment = {"VAULT_ADDR": store.url, "VAULT_TOKEN": token}
        with NodeProcess(tmp_path, "-secret_type", "vault", environment=environment) as node:
            set_cluster_key(node)
            volume_id = create(node)
            alice = node.client(node.token("alice"))
            root.seal()
            with pytest.raises(errors.UnavailableError, match="is sealed; unseal it and try again"):
                alice.request("POST", "mountattach/attach", {"volume_id": "vol1"})
            store.unseal()
            assert alice.request("POST", "mountattach/attach", {"volume_id": "vol1"})["device_path"]
            alice.request("POST", "mountattach/detach", {"volume_id": "vol1"})
            rotated = node.client(node.admin()).request("POST", "cluster/secrets/rotatedefaultsecretkey", {})
            assert rotated["key"]["version"] == 2
            assert rotated["volumes"] == [{"volume_id": volume_id, "name": "vol1", "rotated": True}]
            own = create(node, "own", own_key=True)
            assert root.request("LIST", "secret/metadata/holdfast/volumes/")["data"]["keys"] == [own]
            removed = alice.request("DELETE", f"volumes/{own}")["holdfast"]
            assert removed["own_key_destroyed"] is True
            with pytest.raises(errors.NotFoundError):
                root.request("LIST", "secret/metadata/holdfast/volumes/")
            root.revoke_token(token)
            with pytest.raises(errors.UnavailableError, match="does not accept VAULT_TOKEN"):
                alice.request("POST", "mountattach/attach", {"volume_id": "vol1"})


@pytest.mark.parametrize(
    ("token", "kind", "reason"),
    [
        pytest.param(lambda n: None, errors.PermissionDeniedError, "without authentication", id="no-token"),
        pytest.param(
            lambda n: n.token("alice", lifetime=0), errors.UnauthenticatedError, "expired", id="expired"
        ),
        pytest.param(
            lambda n: n.token("alice", secret="x" * 64), errors.UnauthenticatedError, "signature", id="forged"
        ),
        pytest.param(lambda n: n.token("bob"), errors.PermissionDeniedError, "vol1", id="other-users-volume"),
    ],
)
def test_who_is_refused(file_node, token, kind, reason):
    set_cluster_key(file_node)
    create(file_node)
    with pytest.raises(kind, match=reason):
        file_node.client(token(file_node)).request("POST", "mountattach/attach", {"volume_id": "vol1"})


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_mounted_volumes_outlive_the_node_and_are_found_again(file_node, end):
    set_cluster_key(file_node)
    create(file_node)
    alice = file_node.token("alice")
    target = file_node.mount_root / "vol1"
    target.mkdir()
    where = {"volume_id": "vol1", "mount_path": str(target)}
    file_node.client(alice).request("POST", "mountattach/attach", {"volume_id": "vol1"})
    file_node.client(alice).request("POST", "mountattach/mount", where)
    (target / "before").write_text("the node goes away")
    if end == "stop":
        assert file_node.stop() == 0
    else:
        file_node.kill()
    (target / "meanwhile").write_text("and the volume stays")
    file_node.start()
    client = file_node.client(alice)
    volume = client.request("GET", "volumes/inspect/vol1")["volume"]
    assert volume["attach_path"] == [str(target)]
    assert sorted(path.name for path in target.iterdir()) == ["before", "lost+found", "meanwhile"]
    client.request("POST", "mountattach/unmount", where)
    client.request("POST", "mountattach/detach", {"volume_id": "vol1"})


def test_no_key_is_seen_outside_the_provider(file_node, tmp_path):
    set_cluster_key(file_node)
    create(file_node)
    client = file_node.client(file_node.token("alice"))
    client.request("POST", "mountattach/attach", {"volume_id": "vol1"})
    (key,) = [path.read_bytes() for path in (tmp_path / "secrets").rglob("1")]
    assert len(key) == 44
    seen = b""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            seen += (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
    seen += file_node.log_path.read_bytes()
    for path in file_node.storage.rglob("*"):
        if path.is_file() and path.suffix != ".img":
            seen += path.read_bytes()
    assert key not in seen
    assert b"cluster-key" in seen  # the search looks where the reference is


def test_decisions_are_in_a_private_log(file_node):
    file_node.client(file_node.token("alice")).request("GET", "volumes")
    log = file_node.storage / "audit.log"
    assert log.stat().st_mode & 0o777 == 0o600
    assert '"rule":"role system.user, rule 1"' in log.read_text()


def test_the_log_is_chained_and_goes_on_after_rotation(file_node):
    """What ``hfctl audit verify`` says of it before and after somebody changes a line."""
    log, moved = file_node.storage / "audit.log", file_node.storage / "audit.log.1"
    key = ("--key-file", str(file_node.storage / "audit.key"))
    alice = file_node.client(file_node.token("alice"))
    alice.request("GET", "volumes")
    log.rename(moved)
    file_node.process.send_signal(signal.SIGHUP)
    eventually(log.exists)
    alice.request("GET", "volumes")
    assert stat.S_IMODE((file_node.storage / "audit.key").stat().st_mode) == 0o600
    whole = _hfctl("audit", "verify", *key, "-j", str(moved), str(log))
    found = json.loads(whole.stdout)
    assert (whole.returncode, found["chains"], found["faults"]) == (0, 2, 0), whole.stderr
    moved.write_text(moved.read_text().replace('"alice"', '"mallory"', 1))
    altered = _hfctl("audit", "verify", *key, str(moved), str(log))
    assert altered.returncode == 1
    assert "is not what was written" in altered.stdout


def _hfctl(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "holdfast.cli.hfctl", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("arguments", "environment", "text"),
    [
        pytest.param(
            (), {"PORTWORX_AUTH_JWT_SHAREDSECRET": ""}, "no key to check users' tokens", id="no-key"
        ),
        pytest.param(
            (), {"PORTWORX_AUTH_JWT_SHAREDSECRET": "short"}, "SHAREDSECRET: shared secret", id="short-key"
        ),
        pytest.param(
            (), {"PORTWORX_AUTH_SYSTEM_KEY": SHARED_SECRET}, "keys of its own", id="one-key-for-two-issuers"
        ),
        pytest.param(("-oidc_issuer", "https://x"), {}, "expected both, or neither", id="half-of-oidc"),
        pytest.param(
            ("-oidc_issuer", "http://x.example", "-oidc_client_id", "c"), {}, "loopback only", id="plain-oidc"
        ),
        pytest.param(("--oidc-skip-client-id-check",), {}, "refused", id="tokens-of-any-client"),
        pytest.param(("--jwt-shared-secret", "canary"), {}, "seen by every user", id="secret-as-argument"),
        pytest.param(("-username_claim", "phone"), {}, "-username_claim", id="other-claim"),
        pytest.param(("-secret_type", "etcd"), {}, "implementation not supported", id="other-provider"),
        pytest.param(
            ("-secret_type", "vault", "-e", "VAULT_ADDR=http://10.0.0.1"),
            {"VAULT_TOKEN": "canary"},
            "loopback only",
            id="plain-http-to-a-store",
        ),
        pytest.param(("-e", "VAULT_TOKEN=hvs.canary"), {}, "seen by every user", id="token-as-argument"),
        pytest.param(("--listen", "0.0.0.0:0"), {}, "expected TLS", id="plain-http-off-loopback"),
        pytest.param(("--listen", "nowhere"), {}, "host:port", id="no-port"),
        pytest.param(("--backend", "magic"), {}, "backend: expected one of", id="other-back-end"),
        pytest.param(("--config", "/none.json"), {}, "/none.json: cannot be read", id="no-config"),
        pytest.param(("-jwt_rsa_pubkey_file", "/none.pem"), {}, "-jwt_rsa_pubkey_file", id="no-key-file"),
        pytest.param(("--guest-access", "maybe"), {}, "enabled or disabled", id="guest"),
        pytest.param(("--ready-file", "/proc"), {}, "plain one to replace", id="ready-file-that-is-none"),
    ],
)
def test_it_does_not_start_half_configured(tmp_path, arguments, environment, text):
    code, said = NodeProcess(tmp_path, *arguments, environment=environment).refused()
    assert code == 1
    assert text in said
    assert "canary" not in said
    assert "Traceback" not in said


def test_two_nodes_do_not_share_a_directory(file_node, tmp_path):
    code, said = NodeProcess(tmp_path).refused()
    assert (code, "another node uses this directory" in said) == (1, True)


def test_config_json_in_the_known_layout(tmp_path):
    config = tmp_path / "config.json"
    config.write_text(
        '{"clusterid": "from-file", "mgtiface": "eth0", "kvdb": ["etcd:http://host:2379"],'
        ' "secret": {"secret_type": "file", "cluster_secret_key": "pwx/key",'
        f' "file": {{"HOLDFAST_SECRETS_DIRECTORY": "{tmp_path}/secrets"}}}},'
        ' "storage": {"devices": ["/ignored"]}}'
    )
    with NodeProcess(tmp_path, "--config", str(config)) as node:
        status = node.client(node.admin()).request("GET", "cluster/secrets/status")
        assert (status["cluster_key"]["name"], status["cluster_key_source"]) == ("pwx/key", "configured")


def test_guests_are_served_only_when_asked_for(tmp_path):
    with NodeProcess(tmp_path, "--guest-access", "enabled") as node:
        assert node.client(None).request("GET", "identities/version")["version"]["driver"] == "holdfast"
        with pytest.raises(errors.PermissionDeniedError):
            node.client(None).request("GET", "roles")
