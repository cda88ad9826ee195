"""A storage node with the providers that its users have: logged in by itself or by hand; nothing leaks."""

import json
import os
import sys
import time
from pathlib import Path

import pytest
from tests.support.aws_service import aws_service
from tests.support.node_process import SHARED_SECRET, NodeProcess
from tests.support.secret_backends import DCOS_PASSWORD, DCOS_USER, SecretBackends
from tests.support.transcript import play

from holdfast import errors
from holdfast.client import DcosClient

TRANSCRIPTS = Path(__file__).parent / "transcripts"
SIZE = str(32 << 20)


@pytest.fixture(scope="module")
def backends(tmp_path_factory):
    with SecretBackends(tmp_path_factory.mktemp("backends")) as running:
        yield running


def status(node):
    return node.client(node.admin()).request("GET", "cluster/secrets/status")


def create(node, name, *, token=None, **spec):
    body = {"name": name, "spec": {"size": SIZE, "encrypted": True, **spec}}
    return node.client(token or node.admin()).request("POST", "volumes", body)["volume_id"]


def shell_of(node, directory):
    """Return the environment of an administrator who has chosen his context."""
    home = directory / "people"
    home.mkdir()
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
        "HOME": str(home),
        "NODE": node.address,
    }
    (home / "admin.jwt").write_text(node.admin())
    (home / "admin.jwt").chmod(0o600)
    create_context = "hfctl context create admin --endpoint $NODE --token-file admin.jwt"
    play(
        f"$ {create_context} && hfctl context set admin\n{{*}}\n{{*}}\n",
        directory=home,
        environment=environment,
    )
    return home, environment


def leaks(node, *secrets):
    """Return where any of the secrets can be seen: arguments, environment, logs and files of the node."""
    assert node.process is not None
    places = {f"/proc/{node.process.pid}/{name}": None for name in ("cmdline", "environ")}
    files = [Path(place) for place in places] + [node.log_path]
    files += [path for path in node.storage.rglob("*") if path.is_file()]
    return [str(file) for file in files for secret in secrets if secret.encode() in file.read_bytes()]


def test_the_seed_for_dcos_with_a_login_by_hand(backends, tmp_path):
    cluster_key = "pwx/secrets/cluster-wide-secret-key"
    DcosClient(backends.store.url, backends.store.root_token).create(cluster_key, "a secret value")
    config = tmp_path / "config.json"
    secret = {"secret_type": "dcos", "cluster_secret_key": cluster_key}
    config.write_text(json.dumps({"clusterid": "c", "secret": secret}))
    environment = {"DCOS_CLUSTER_URL": backends.store.url}
    with NodeProcess(tmp_path, "--config", str(config), environment=environment) as node:
        home, shell = shell_of(node, tmp_path)
        (home / "px.password").write_text(DCOS_PASSWORD + "\n")
        (home / "wrong.password").write_text("wrong-password\n")
        play((TRANSCRIPTS / "dcos_provider.txt").read_text(), directory=home, environment=shell)
        assert leaks(node, DCOS_PASSWORD, "wrong-password", "a secret value") == []
        node.stop()
        node.start()
        found = status(node)
        assert found["provider"].get("usable", False) is False  # the login ended with the process
        assert (found["cluster_key"]["name"], found["cluster_key_source"]) == (cluster_key, "stored")


def test_a_password_in_the_environment_is_used_and_not_kept_there(backends, tmp_path):
    environment = {
        "DCOS_CLUSTER_URL": backends.store.url,
        "DCOS_SECRETS_USERNAME": DCOS_USER,
        "DCOS_SECRETS_PASSWORD": DCOS_PASSWORD,
        "SECRETS_BASE_PATH": "pwx/secrets",
    }
    with NodeProcess(tmp_path, "-secret_type", "dcos", environment=environment) as node:
        assert status(node)["provider"]["usable"] is True
        volume = create(node, "own", own_key=True)
        raw = DcosClient(backends.store.url, backends.store.root_token)
        assert raw.list("pwx/secrets/holdfast/volumes") == [volume]
        assert leaks(node, DCOS_PASSWORD, SHARED_SECRET) == []
        node.client(node.admin()).request("DELETE", f"volumes/{volume}")


def test_the_seed_for_vault_with_the_nodes_service_account(backends, tmp_path):
    environment = {
        "VAULT_ADDR": backends.store.url,
        "VAULT_AUTH_METHOD": "kubernetes",
        "VAULT_AUTH_KUBERNETES_ROLE": "portworx",
        "VAULT_AUTH_KUBERNETES_TOKEN_PATH": str(backends.account_file),
        "VAULT_BACKEND_PATH": "secret",
    }
    with NodeProcess(tmp_path, "-secret_type", "vault", environment=environment) as node:
        admin = node.client(node.admin())
        body = {"DefaultSecretKey": "cluster-wide-secret-key", "Generate": True}
        admin.request("PUT", "cluster/secrets/defaultsecretkey", body)
        found = status(node)["provider"]
        assert (found["login"], found["usable"], found["versioned"]) == ("kubernetes", True, True)
        assert int(found["renewed_at"]) <= time.time() + 5 < int(found["expires_at"])
        create(node, "vol1")
        tenant = create(node, "in-team-a", own_key=True, secret_context="team-a")
        listed = backends.root("team-a").request("LIST", "secret/metadata/holdfast/volumes/")
        assert listed["data"]["keys"] == [tenant]
        alice = node.token("alice")
        with pytest.raises(errors.PermissionDeniedError, match="Access denied to the secret"):
            create(node, "stolen", token=alice, passphrase="holdfast/volumes/1")
        with pytest.raises(errors.PermissionDeniedError, match="Access denied to the secret"):
            create(node, "elsewhere", token=alice, own_key=True, secret_context="team-a")
        account = backends.account_file.read_text().strip()
        assert leaks(node, account) == []


def test_a_login_by_hand_reaches_no_file_and_sends_the_configured_token_nowhere(backends, tmp_path):
    root = backends.root()
    token, other = (root.create_token(policies=["node"])["client_token"] for _ in range(2))
    environment = {"VAULT_ADDR": backends.store.url, "VAULT_TOKEN": token}
    with NodeProcess(tmp_path, "-secret_type", "vault", environment=environment) as node:
        admin = node.client(node.admin())
        for config in (
            {"VAULT_TOKEN_FILE": "/etc/shadow", "VAULT_ADDR": backends.store.url},
            {"VAULT_CACERT": "/etc/shadow"},
        ):
            with pytest.raises(errors.InvalidInputError, match="SecretConfig"):
                admin.request(
                    "POST", "cluster/secrets/login", {"SecretType": "vault", "SecretConfig": config}
                )
        elsewhere = {"SecretType": "vault", "SecretConfig": {"VAULT_ADDR": backends.service.url}}
        with pytest.raises(errors.HoldfastError, match="VAULT_TOKEN or VAULT_AUTH_METHOD not set"):
            admin.request("POST", "cluster/secrets/login", elsewhere)
        good = {"SecretType": "vault", "SecretConfig": {"VAULT_TOKEN": other}}
        assert admin.request("POST", "cluster/secrets/login", good)["provider"]["usable"] is True
        root.revoke_token(token)
        assert status(node)["provider"]["usable"] is True
        assert leaks(node, token, other) == []
        with pytest.raises(errors.PermissionDeniedError):
            node.client(node.token("alice")).request("POST", "cluster/secrets/login", good)


def test_the_commands_for_aws(tmp_path):
    with aws_service() as aws:
        options = aws.options()
        environment = {name: options[name] for name in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_CMK")}
        environment["AWS_EC2_METADATA_DISABLED"] = "true"
        with NodeProcess(tmp_path, "-secret_type", "aws-kms", environment=environment) as node:
            home, shell = shell_of(node, tmp_path)
            (home / "secret.key").write_text(aws.owner.secret_key + "\n")
            shell |= {"ACCESS_KEY": aws.owner.access_key, "CMK": aws.cmk}
            play((TRANSCRIPTS / "aws_provider.txt").read_text(), directory=home, environment=shell)
            assert leaks(node, aws.owner.secret_key) == []
