"""A cluster with security by tokens of one's own, set up page by page as its users know it; others stay out.

The page: three random secrets in a Kubernetes Secret, a storage node that gets them by environment, an
administrator and Kubernetes as users in YAML files, tokens for a year, contexts, a storage class, a claim.
Its command lines are run as they stand there, with ``hfctl`` in the place of the program's name.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.support.node_process import NodeProcess

from holdfast import errors
from holdfast.tokens.compact import read_compact

YEAR = 365 * 86_400

SECRETS = """
PORTWORX_AUTH_SYSTEM_KEY=$(cat /dev/urandom | base64 | fold -w 64 | head -n 1)
PORTWORX_AUTH_STORK_KEY=$(cat /dev/urandom | base64 | fold -w 64 | head -n 1)
PORTWORX_AUTH_SHARED_SECRET=$(cat /dev/urandom | base64 | fold -w 64 | head -n 1)
"""
KEYS_SECRET = """
kubectl -n kube-system create secret generic pxkeys \\
   --from-literal=system-secret=$PORTWORX_AUTH_SYSTEM_KEY \\
   --from-literal=stork-secret=$PORTWORX_AUTH_STORK_KEY \\
   --from-literal=shared-secret=$PORTWORX_AUTH_SHARED_SECRET
"""
ADMIN_FILE = """
name: Storage Administrator
email: the email of the storage admin
sub: ${uuid} or email of the storage admin
roles: ["system.admin"]
groups: ["*"]
"""
KUBE_FILE = """
name: Kubernetes User
email: the email of the kubernetes admin
sub: ${uuid} or email of the kubernetes admin
roles: ["system.user"]
groups: ["kubernetes"]
"""
TOKEN = """
hfctl auth token generate \\
  --auth-config={user}.yaml \\
  --issuer={issuer} \\
  --shared-secret=$PORTWORX_AUTH_SHARED_SECRET \\
  --token-duration={duration}
"""
CONTEXT = """
hfctl context create {name} \\
  --token={token}
"""
CONTAINER = """
args: ["-x", "kubernetes", "-jwt_issuer", "portworx.com"]
env:
- name: "PORTWORX_AUTH_JWT_SHAREDSECRET"
  valueFrom:
    secretKeyRef:
      name: pxkeys
      key: shared-secret
- name: "PORTWORX_AUTH_SYSTEM_KEY"
  valueFrom:
    secretKeyRef:
      name: pxkeys
      key: system-secret
- name: "PORTWORX_AUTH_STORK_KEY"
  valueFrom:
    secretKeyRef:
      name: pxkeys
      key: stork-secret
"""
STORAGE_CLASS = """
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: px-storage
provisioner: kubernetes.io/portworx-volume
parameters:
  repl: "1"
  openstorage.io/auth-secret-name: px-k8s-user
  openstorage.io/auth-secret-namespace: portworx
allowVolumeExpansion: true
"""
CLAIM = """
kind: PersistentVolumeClaim
apiVersion: v1
metadata:
  name: mysql-data
  annotations:
    volume.beta.kubernetes.io/storage-class: px-storage
spec:
  accessModes:
    - ReadWriteOnce
  resources:
    requests:
      storage: 2Gi
"""


class Shell:
    """Somebody at a terminal of one of the nodes."""

    def __init__(self, directory):
        self.directory = directory
        self.environment = {"PATH": f"{Path(sys.executable).parent}:{os.defpath}", "HOME": str(directory)}

    def run(self, text, *, stdin=""):
        return subprocess.run(
            ["/bin/bash", "-euc", text],
            cwd=self.directory,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def type(self, text, *, stdin=""):
        done = self.run(text, stdin=stdin)
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def refused(self, text):
        done = self.run(text)
        assert done.returncode == 2, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stderr


class Kubernetes:
    """The Secrets that a cluster would have; where ``kubectl`` is, it makes each one, too, and they agree."""

    def __init__(self, shell):
        self.shell = shell
        self.secrets = {}

    def create(self, text, namespace, name, **literals):
        data = {
            key.replace("_", "-"): base64.b64encode(value.encode()).decode()
            for key, value in literals.items()
        }
        self.secrets[namespace, name] = data
        if shutil.which("kubectl"):
            made = json.loads(self.shell.type(f"{text.rstrip()} --dry-run=client -o json"))
            assert (made["metadata"]["namespace"], made["metadata"]["name"]) == (namespace, name)
            assert made["data"] == data

    def value(self, namespace, name, key):
        return base64.b64decode(self.secrets[namespace, name][key]).decode()

    def environment(self, entries):
        """Return the environment that a container gets from references to Secrets of kube-system."""
        references = {entry["name"]: entry["valueFrom"]["secretKeyRef"] for entry in entries}
        return {
            name: self.value("kube-system", reference["name"], reference["key"])
            for name, reference in references.items()
        }


def provision(kubernetes, node, storage_class, claim):
    """Make a volume for a claim the way the storage class says, with the token that it names."""
    parameters = storage_class["parameters"]
    token = kubernetes.value(
        parameters["openstorage.io/auth-secret-namespace"],
        parameters["openstorage.io/auth-secret-name"],
        "auth-token",
    )
    gibibytes = int(claim["spec"]["resources"]["requests"]["storage"].removesuffix("Gi"))
    body = {
        "name": f"pvc-{claim['metadata']['name']}",
        "spec": {"size": str(gibibytes << 30), "encrypted": True},
        "labels": {"pvc": claim["metadata"]["name"], "namespace": "default"},
    }
    client = node.client(token)
    volume_id = client.request("POST", "volumes", body)["volume_id"]
    return client, body["name"], volume_id


def make_token(shell, *, user, issuer="portworx.com", duration="1y"):
    return shell.type(TOKEN.format(user=user, issuer=issuer, duration=duration)).strip()


@pytest.fixture
def shell(tmp_path):
    (tmp_path / "node-1").mkdir()
    return Shell(tmp_path / "node-1")


def test_the_page_is_followed_and_everybody_else_stays_out(shell, tmp_path):
    kubernetes = Kubernetes(shell)

    # Generating secrets
    names = ("PORTWORX_AUTH_SYSTEM_KEY", "PORTWORX_AUTH_STORK_KEY", "PORTWORX_AUTH_SHARED_SECRET")
    printed = shell.type(SECRETS + "".join(f'echo "${name}"\n' for name in names)).split()
    assert [len(secret) for secret in printed] == [64, 64, 64]
    assert len(set(printed)) == 3
    shell.environment |= dict(zip(names, printed, strict=True))
    system, stork, shared = printed
    kubernetes.create(
        KEYS_SECRET, "kube-system", "pxkeys", system_secret=system, stork_secret=stork, shared_secret=shared
    )
    stored = kubernetes.secrets["kube-system", "pxkeys"]["shared-secret"]
    assert shell.type("base64 -d", stdin=stored) == shared

    # The manifest: the node's arguments and environment
    container = yaml.safe_load(CONTAINER)
    environment = {
        **kubernetes.environment(container["env"]),
        "HOLDFAST_SECRETS_DIRECTORY": str(tmp_path / "secrets"),
    }
    node = NodeProcess(tmp_path, "-secret_type", "file", *container["args"], environment=environment)
    with node:
        shell.environment["HOLDFAST_NODE"] = node.address

        # User files, tokens, contexts
        (shell.directory / "admin.yaml").write_text(ADMIN_FILE)
        (shell.directory / "kube.yaml").write_text(KUBE_FILE)
        admin, kube = (make_token(shell, user=user) for user in ("admin", "kube"))
        node.admin = lambda: admin  # who leaves nothing attached, however this ends
        for token in (admin, kube):
            claims = read_compact(token).unverified_claims
            assert (claims["iss"], claims["exp"] - claims["iat"]) == ("portworx.com", YEAR)
        shell.type(CONTEXT.format(name="admin", token=admin))
        kubernetes.create(
            f"kubectl -n portworx create secret generic px-k8s-user --from-literal=auth-token={kube}",
            "portworx",
            "px-k8s-user",
            auth_token=kube,
        )
        shell.type(CONTEXT.format(name="kube", token=kube))
        listed = yaml.safe_load(shell.type("hfctl context list"))["contextconfig"]
        assert listed["current"] == "admin"
        assert [entry["identity"]["name"] for entry in listed["configurations"]] == [
            "Storage Administrator",
            "Kubernetes User",
        ]
        assert (shell.directory / ".hfctl" / "contextconfig").stat().st_mode & 0o777 == 0o600
        shell.type("hfctl secrets set-cluster-key --secret cluster-wide-key --generate")

        # The storage class, the claim, and what MySQL does with it
        client, name, volume_id = provision(
            kubernetes, node, yaml.safe_load(STORAGE_CLASS), yaml.safe_load(CLAIM)
        )
        target = node.mount_root / name
        target.mkdir()
        where = {"volume_id": volume_id, "mount_path": str(target)}
        client.request("POST", "mountattach/attach", {"volume_id": volume_id})
        client.request("POST", "mountattach/mount", where)
        (target / "ibdata1").write_text("rows of a table that nobody else reads")
        client.request("POST", "mountattach/unmount", where)
        client.request("POST", "mountattach/detach", {"volume_id": volume_id})
        (image,) = node.storage.rglob("*.img")
        with image.open("rb") as file:
            assert file.read(4) == b"LUKS"

        # The volume is Kubernetes' own; the administrator reaches it, and so does a switch of context
        volume = json.loads(shell.type(f"hfctl volume inspect {name} -j"))
        ownership = volume["spec"]["ownership"]
        assert ownership["owner"] == "${uuid} or email of the kubernetes admin"
        assert volume["spec"]["encrypted"] is True
        assert name in shell.type("hfctl volume list --context kube")
        shell.type(f"hfctl host attach {name}")
        shell.type(f"hfctl host mount {name} {target}")
        assert (target / "ibdata1").read_text() == "rows of a table that nobody else reads"
        shell.type(f"hfctl host detach {name} --unmount")

        # Everybody else
        (shell.directory / "other.yaml").write_text(
            "name: Other\nemail: other@example.com\nroles: [system.user]\ngroups: [kubernetes]\n"
        )
        strangers = {
            "other": make_token(shell, user="other"),
            "elsewhere": make_token(shell, user="kube", issuer="example.com"),
            "expired": make_token(shell, user="kube", duration="0s"),
        }
        for stranger, token in strangers.items():
            shell.type(CONTEXT.format(name=stranger, token=token))
        assert "Access denied" in shell.refused(f"hfctl --context other volume inspect {name}")
        assert name not in shell.type("hfctl --context other volume list")
        assert "Access denied" in shell.refused(f"hfctl --context other host attach {name}")
        assert "Access denied" in shell.refused(f"hfctl --context other volume delete {name}")
        assert "unknown_issuer" in shell.refused(f"hfctl --context elsewhere volume inspect {name}")
        assert "Reason: expired" in shell.refused(f"hfctl --context expired volume inspect {name}")
        assert "Access denied to roles: [system.user]" in shell.refused("hfctl --context kube role list")
        shell.type("hfctl context unset")
        assert "without authentication token" in shell.refused(f"hfctl volume inspect {name}")
        with pytest.raises(errors.UnauthenticatedError) as forged:
            node.client(node.token("kube", secret="x" * 64)).request("GET", "volumes")
        assert forged.value.reason == "unknown_issuer"  # it is not even of this cluster

        # The end
        shell.type(f"hfctl --context kube volume delete {name}")
        for shown in (shell.type("hfctl context list"), node.log_path.read_text()):
            assert not any(secret in shown for secret in (*printed, admin, kube))
