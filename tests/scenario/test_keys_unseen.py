"""No key is in an argument, an environment, a file or a log while volumes are used, with any provider.

The whole life of a volume's key is gone through while a sampler reads what the node and its programs show.
"""

import os
import time

import pytest
from tests.support.aws_service import aws_service
from tests.support.kubernetes_secrets import KubernetesSecrets
from tests.support.node_process import NodeProcess
from tests.support.sampler import Sampler
from tests.support.secret_backends import DCOS_PASSWORD, DCOS_USER, SecretBackends
from tests.support.soft_hsm import make_token
from tests.support.striking_node import Starter, StrikingNode

from holdfast.errors import UnsupportedError
from holdfast.providers import SecretRef, open_provider
from holdfast.storage.lmdb_engine import LmdbStorage

MIB = 1 << 20
MAP_BYTES = 16 << 20
READ_ONLY = "systemd"
KINDS = (
    *("file", READ_ONLY, "vault", "vault-transit", "dcos", "k8s"),
    *("aws-kms", "aws-secrets-manager", "pkcs11"),
)


@pytest.fixture(scope="module")
def backends(tmp_path_factory):
    with SecretBackends(tmp_path_factory.mktemp("backends")) as running:
        yield running


@pytest.fixture(scope="module")
def aws():
    with aws_service() as running:
        yield running


@pytest.fixture
def surroundings(request, tmp_path):
    """Returns the environment of a node for a kind of provider."""

    def of_store():
        backends = request.getfixturevalue("backends")
        token = backends.root().create_token(policies=["node"])["client_token"]
        return {"VAULT_ADDR": backends.store.url, "VAULT_TOKEN": token}

    def of_dcos():
        url = request.getfixturevalue("backends").store.url
        login = {"DCOS_SECRETS_USERNAME": DCOS_USER, "DCOS_SECRETS_PASSWORD": DCOS_PASSWORD}
        return {"DCOS_CLUSTER_URL": url, "SECRETS_BASE_PATH": "pwx/secrets", **login}

    def of_files():
        (tmp_path / "secrets").mkdir(mode=0o700)
        (tmp_path / "secrets" / "cluster-key").write_bytes(b"canary-of-a-key-from-systemd")
        return {"CREDENTIALS_DIRECTORY": str(tmp_path / "secrets")}

    def of_kubernetes():
        cluster = KubernetesSecrets(tmp_path)
        request.addfinalizer(cluster.__exit__)
        return cluster.environment

    def of_hsm():
        options = make_token(tmp_path, "unseen")
        return {**options, "SOFTHSM2_CONF": os.environ["SOFTHSM2_CONF"]}

    makers = {
        "file": lambda: {"HOLDFAST_SECRETS_DIRECTORY": str(tmp_path / "secrets")},
        READ_ONLY: of_files,
        "vault": of_store,
        "vault-transit": of_store,
        "dcos": of_dcos,
        "k8s": of_kubernetes,
        "aws-kms": lambda: request.getfixturevalue("aws").options(),
        "aws-secrets-manager": lambda: request.getfixturevalue("aws").options(),
        "pkcs11": of_hsm,
    }
    return lambda kind: makers[kind]()


def keys_in(kind, environment, node, names):
    """Return every version of some secrets, from the provider itself; the node has stopped."""
    storage = LmdbStorage(node.storage / "records", map_size=MAP_BYTES)
    provider = open_provider(kind, {}, environment=environment, storage=storage)
    found = []
    for name in names:
        versions = provider.versions(SecretRef(name)) or (None,)
        found += [provider.get(SecretRef(name, version=version)).value.reveal() for version in versions]
    provider.close()
    storage.close()
    return found


def files_of(node, *passed_over):
    """Return what is in the node's files and its log, but for the content of volumes."""
    paths = [path for path in node.storage.rglob("*") if path.is_file() and path.suffix != ".img"]
    return b"".join(path.read_bytes() for path in [*paths, node.log_path] if path not in passed_over)


@pytest.fixture(scope="module")
def starter():
    running = Starter()
    yield running
    running.close()


@pytest.mark.parametrize("kind", KINDS)
def test_with_a_device(kind, surroundings, starter, tmp_path):
    environment = surroundings(kind)
    options = ("-secret_type", kind, "--grpc-listen", "off")
    with Sampler(tmp_path / "secrets") as sampler:
        if kind == "file":  # as it is started by hand; the others in less time
            opened = NodeProcess(tmp_path, *options, environment=environment)
        else:
            opened = StrikingNode(starter, tmp_path, *options, environment=environment)
        with opened as node:
            call = node.client(node.admin()).request
            key = {"DefaultSecretKey": "cluster-key", "Generate": kind != READ_ONLY, "Override": True}
            call("PUT", "cluster/secrets/defaultsecretkey", key)
            names, recovery_key = go_through_life(node, call, own_key=kind != READ_ONLY)
            node.stop()
            seen_in_files = files_of(node)
            keys = [*keys_in(kind, environment, node, names), recovery_key]
    assert_unseen(sampler, seen_in_files, keys)
    assert sampler.holds(b"holdfast.volumes.fuse_daemon"), "the sampler looks where it should"


def test_without_a_device(surroundings, tmp_path):
    environment = surroundings("file")
    options = ("-secret_type", "file", "--backend", "user-copy")
    source, copied = tmp_path / "mounts" / "source", tmp_path / "mounts" / "copied"
    with (
        Sampler(tmp_path / "secrets") as sampler,
        NodeProcess(tmp_path, *options, environment=environment) as node,
    ):
        source.mkdir()
        copied.mkdir()
        (source / "letter").write_bytes(b"kept")
        call = node.client(node.admin()).request
        spec = {"size": str(16 * MIB), "encrypted": True, "own_key": True}
        volume = call("POST", "volumes", {"name": "vol1", "spec": spec})["volume_id"]
        call("POST", "mountattach/import", {"volume_id": "vol1", "source_path": str(source)})
        call("POST", "volumes/rotatekey", {"volume_id": "vol1"})
        recovery_key = call("POST", "volumes/keys/recovery", {"volume_id": "vol1"})["recovery_key"]
        re_encrypt(call, "vol1")
        call("POST", "mountattach/export", {"volume_id": "vol1", "destination_path": str(copied)})
        assert (copied / "letter").read_bytes() == b"kept"
        node.stop()
        seen_in_files = files_of(node)
        keys = keys_in("file", environment, node, [f"holdfast/volumes/{volume}"])
    assert_unseen(sampler, seen_in_files, [*keys, recovery_key.encode()])


def assert_unseen(sampler, seen_in_files, keys):
    assert len(set(keys)) == len(keys) >= 2
    for text in keys:
        assert not sampler.holds(text), "a key was seen in an argument, an environment or an open file"
        assert text not in seen_in_files, "a key was seen in a file or a log of the node"
    assert sampler.holds(b"cryptsetup"), "the sampler looks where it should"


def go_through_life(node, call, *, own_key):
    """Do with volumes what needs a key; return the names of the keys, and a recovery key."""
    target = node.mount_root / "vol1"
    target.mkdir()
    where = {"volume_id": "vol1", "mount_path": str(target)}
    spec = {"size": str(16 * MIB), "encrypted": True, "own_key": own_key}
    volume = call("POST", "volumes", {"name": "vol1", "spec": spec})["volume_id"]
    call("POST", "mountattach/attach", {"volume_id": "vol1"})
    call("POST", "mountattach/mount", where)
    names = ["cluster-key"]
    if own_key:
        names.append(f"holdfast/volumes/{volume}")
        try:
            call("POST", "volumes/rotatekey", {"volume_id": "vol1"})
        except UnsupportedError:  # a provider without versions
            call("POST", "cluster/secrets/generate", {"SecretId": "second-key"})
            call("POST", "volumes/rotatekey", {"volume_id": "vol1", "secret_name": "second-key"})
            names[1] = "second-key"
    recovery_key = call("POST", "volumes/keys/recovery", {"volume_id": "vol1"})["recovery_key"]
    call("PUT", f"volumes/{volume}", {"spec": {"size": str(20 * MIB)}})
    clone = {"parent_id": volume, "name": "copy1", "own_key": own_key}
    copied = call("POST", "volumes/clone", clone)["volume_id"]
    names += [f"holdfast/volumes/{copied}"] if own_key else []
    call("POST", "mountattach/unmount", where)
    call("POST", "mountattach/detach", {"volume_id": "vol1"})
    re_encrypt(call, "vol1")
    return names, recovery_key.encode()


def re_encrypt(call, volume):
    call("POST", "volumes/keys/reencrypt", {"volume_id": volume})
    deadline = time.monotonic() + 120
    while (state := call("GET", f"volumes/keys/reencrypt/{volume}")["reencryption"]).get("running"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert not state.get("problem"), state
