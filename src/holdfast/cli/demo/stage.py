"""What the demo stands on: a fresh directory, a store, a storage node, and the people who use them.

Whatever happens, leaving the stage unmounts, detaches and stops everything that was started on it, and
removes the directory. ``keep`` leaves store and node running instead.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from holdfast.cli.demo.processes import Daemon, free_port
from holdfast.cli.errors import LocalError
from holdfast.client import DcosClient, SdkClient, VaultClient
from holdfast.errors import HoldfastError
from holdfast.model import SecretBytes
from holdfast.process.capabilities import CAP_IPC_LOCK, has_capability

ISSUER = "demo.holdfast"
ADMIN, USER_ONE, USER_TWO = "admin", "one", "two"
CLUSTER_KEY = "demo/cluster-wide-key"
THRESHOLD = 3

NODE_POLICY = """
# The keys of volumes, and nothing else that the store keeps.
path "secret/data/demo/*" { capabilities = ["create", "read", "update"] }
path "secret/data/holdfast/volumes/*" { capabilities = ["create", "read", "update"] }
path "secret/metadata/holdfast/volumes/*" { capabilities = ["delete"] }
"""


@dataclass(slots=True)
class Stage:
    """Everything that the steps of the demo share.

    Attributes:
        directory: removed at the end.
        store: the store process.
        node: the storage node process, once there is one.
        shares: the unseal shares.
        root_token: the store's root token.
        signing_secret: signs the tokens of administrator and users.
        tokens: the users' tokens by name.
        volume_id: the demo's volume.
        mounts: whether this host can mount it; else trees are copied in and out.
    """

    directory: Path
    store: Daemon
    store_url: str
    node_url: str
    node: Daemon | None = None
    shares: list[str] = field(default_factory=list)
    root_token: str = ""
    signing_secret: str = ""
    tokens: dict[str, str] = field(default_factory=dict)
    volume_id: str = ""
    mounts: bool = True

    @property
    def pool(self) -> Path:
        """Where the node keeps the backing files of volumes."""
        return self.directory / "node"

    @property
    def mount_point(self) -> Path:
        """Where the demo mounts its volume."""
        return self.directory / "mnt"

    def vault(self, token: str | None = None) -> VaultClient:
        """Return a client of the Vault dialect; with the root token unless another is given."""
        return VaultClient(self.store_url, self.root_token if token is None else token or None)

    def dcos(self) -> DcosClient:
        """Return a client of the DC/OS dialect."""
        return DcosClient(self.store_url, self.root_token)

    def sdk(self, user: str | None) -> SdkClient:
        """Return a client of the storage node, acting as a user; as nobody for ``None``."""
        return SdkClient(self.node_url, None if user is None else self.tokens[user])

    def sdk_with(self, token: str) -> SdkClient:
        """Return a client of the storage node with any token."""
        return SdkClient(self.node_url, token)

    def backing_file(self) -> Path:
        """Return the file that holds the demo's volume."""
        return next(self.pool.rglob(f"{self.volume_id}.img"))

    def secret_values(self, name: str) -> list[SecretBytes]:
        """Return every version of a secret of the store that still has a value, oldest first."""
        vault = self.vault()
        versions = vault.request("GET", f"secret/metadata/{name}")["data"]["versions"]
        values = []
        for number, state in sorted(versions.items(), key=lambda item: int(item[0])):
            if not state["deletion_time"] and not state["destroyed"]:
                data = vault.request("GET", f"secret/data/{name}", query={"version": number})["data"]["data"]
                values.append(SecretBytes(next(iter(data.values())).encode()))
        return values

    def unseal(self) -> None:
        """Hand in as many shares as are needed."""
        client = self.vault("")
        for share in self.shares[:THRESHOLD]:
            client.unseal(share)

    def start_node(self, store_token: str, source: Path) -> None:
        """Start the storage node with token security on and this store as its secrets provider.

        Args:
            store_token: the node's own token of the store.
            source: the file tree that volumes may be filled from.

        Raises:
            LocalError: it did not start.
        """
        words = [
            *("node", "--cluster-id", "demo", "--node-id", "demo-node", "--storage", str(self.pool)),
            *("--listen", self.node_url.removeprefix("http://"), "--grpc-listen", "off"),
            *("--mount-root", str(self.directory)),
            *("--mount-root", str(source.parent), "-secret_type", "vault", "-jwt_issuer", ISSUER),
            *([] if has_capability(CAP_IPC_LOCK) else ["--disable-mlock"]),
        ]
        environment = {
            "VAULT_ADDR": self.store_url,
            "VAULT_TOKEN": store_token,
            "PORTWORX_AUTH_JWT_SHAREDSECRET": self.signing_secret,
        }
        self.node = Daemon(
            "storage node", words, log_path=self.directory / "node.log", environment=environment
        )
        self.node.start(lambda: bool(self.sdk(ADMIN).request("GET", "identities/version")))

    def hfctl(self, *words: str, secret: str = "") -> str:
        """Run ``hfctl`` as a person would, and return what it printed.

        Args:
            words: the command.
            secret: handed over on standard input.

        Raises:
            LocalError: it failed; with its own words.
        """
        done = subprocess.run(
            [sys.executable, "-m", "holdfast.cli.hfctl", *words],
            check=False,
            capture_output=True,
            text=True,
            input=secret,
            timeout=60,
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(self.directory), "LC_ALL": "C.UTF-8"},
        )
        if done.returncode:
            raise LocalError(f"hfctl {words[0]} failed: {(done.stderr or done.stdout).strip()[-300:]}")
        return done.stdout.strip()

    def write_token_files(self) -> dict[str, Path]:
        """Write every token to a file that only its owner can read; return the files by name."""
        people = {
            "root": self.root_token,
            **{name: self.tokens[name] for name in (ADMIN, USER_ONE, USER_TWO)},
        }
        files = {}
        for name, token in people.items():
            files[name] = self.directory / f"{name}.token"
            descriptor = os.open(files[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(token)
        return files

    def let_go(self) -> list[int]:
        """Leave both daemons running; return their process ids."""
        daemons = [daemon for daemon in (self.node, self.store) if daemon is not None]
        pids = [daemon.pid for daemon in daemons]
        for daemon in daemons:
            daemon.let_go()
        return pids

    def close(self) -> list[str]:
        """Take everything down; return what could not be."""
        problems = [*self._detach_volumes(), *self._unmount_leftovers()]
        for daemon in (self.node, self.store):
            if daemon is not None:
                daemon.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
        if self.directory.exists():
            problems.append(f"{self.directory} could not be removed")
        return problems

    def _detach_volumes(self) -> list[str]:
        if self.node is None or not self.node.pid or not self.mounts:
            return []
        problems = []
        try:
            client = self.sdk(ADMIN)
            for volume_id in client.request("GET", "volumes").get("volume_ids", []):
                options = {"force": True, "unmount_before_detach": True}
                client.request("POST", "mountattach/detach", {"volume_id": volume_id, "options": options})
        except HoldfastError as error:
            problems.append(f"detaching: {error.message}")
        return problems

    def _unmount_leftovers(self) -> list[str]:
        """Unmount what is still mounted below the stage, deepest first; the node may have died."""
        own = str(self.directory) + "/"
        mounted = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        problems = []
        for target in sorted((path for path in mounted if path.startswith(own)), key=len, reverse=True):
            done = subprocess.run(["umount", "-l", target], check=False, capture_output=True, timeout=30)
            if done.returncode:
                problems.append(f"{target} could not be unmounted")
        return problems


def set_stage() -> Stage:
    """Make a fresh directory and a store process that is not started yet."""
    directory = Path(tempfile.mkdtemp(prefix="holdfast-demo-"))
    port = free_port()
    audit = directory / "audit"
    audit.mkdir(mode=0o700)
    (directory / "mnt").mkdir(mode=0o700)
    config = {
        "storage": {"file": {"path": str(directory / "store")}},
        "listener": {"tcp": {"address": f"127.0.0.1:{port}", "tls_disable": True}},
        "audit": {"file": {"demo": {"options": {"file_path": str(audit / "audit.log")}}}},
        "disable_mlock": not has_capability(CAP_IPC_LOCK),
        "workers": 2,
    }
    config_path = directory / "store.json"
    config_path.write_text(json.dumps(config, indent=2))
    store = Daemon("store", ["server", f"-config={config_path}"], log_path=directory / "store.log")
    return Stage(
        directory=directory,
        store=store,
        store_url=f"http://127.0.0.1:{port}",
        node_url=f"http://127.0.0.1:{free_port()}",
    )


def volume_of(client: SdkClient, volume_id: str) -> dict[str, Any]:
    """Return what the node says of a volume."""
    volume: dict[str, Any] = client.request("GET", f"volumes/inspect/{volume_id}")["volume"]
    return volume
