"""A whole node in one process: real volumes, keys in real files, real signed tokens, audit log in memory."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from holdfast.audit import AuditSinkError
from holdfast.clock import ManualClock
from holdfast.model import SecretBytes
from holdfast.node.access.decision_log import DecisionLog
from holdfast.node.cluster.cluster_records import SecurityStatus
from holdfast.node.cluster.node_cluster import alone
from holdfast.node.cluster.status_service import NodeIdentity
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.devices import Devices
from holdfast.node.keys.secret_scopes import ScopeBook
from holdfast.node.node import Node, NodeSettings
from holdfast.policy.secret_scopes import SecretScope
from holdfast.providers.file import FileProvider
from holdfast.storage.memory import MemoryStorage
from holdfast.tokens.generate import generate_token
from holdfast.tokens.issuer import Issuer, IssuerRegistry
from holdfast.tokens.shared_secret import SharedSecretKey
from holdfast.tokens.user_file import User
from holdfast.tokens.verify import Verifier
from holdfast.volumes.luks_fuse import LuksFuseBackend
from holdfast.volumes.plain import PlainBackend
from holdfast.volumes.pool import Pool
from holdfast.volumes.user_copy import UserCopyBackend

SECRET = b"s" * 32
CHAIN_KEY = b"c" * 32


@dataclass
class MemorySink:
    lines: list[dict] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    reopened: int = 0
    broken: bool = False

    def write(self, line: bytes) -> None:
        if self.broken:
            raise AuditSinkError("the audit file cannot be written", detail="No space left on device")
        assert line.endswith(b"\n")
        self.raw.append(line)
        self.lines.append(json.loads(line))

    def reopen(self) -> None:
        self.reopened += 1

    def close(self) -> None:
        pass


@dataclass
class NodeUnderTest:
    """The node, and the things around it that a test turns or looks at."""

    node: Node
    provider: FileProvider
    sink: MemorySink
    clock: ManualClock
    devices: Devices
    storage: MemoryStorage
    host_root: Path
    verifier: Verifier

    def token(self, name: str, *, roles=("system.user",), groups=(), secret=SECRET, lifetime=3600) -> str:
        user = User(name=name, email=f"{name}@example.com", sub=name, roles=roles, groups=groups)
        key = SharedSecretKey(SecretBytes(secret))
        return generate_token(
            user, issuer="test", key=key, issued_at=self.clock.now(), lifetime_seconds=lifetime
        )

    @property
    def admin(self) -> str:
        return self.token("admin", roles=("system.admin",), groups=("*",))

    def call(self, token, operation, service, *args, **kwargs):
        """Pass all gates and act, as a wire dialect does."""
        return operation(service, self.node.admit(token, operation, peer="test"), *args, **kwargs)

    def stop(self) -> None:
        """Leave, as a node does when it is stopped, so that another of its name need not wait."""
        self.node.cluster.membership.leave(keep_lease=False)

    def directory(self, name: str) -> Path:
        path = self.host_root / name
        path.mkdir()
        return path


def new_node(
    tmp_path: Path,
    *,
    attaching: bool = True,
    storage=None,
    provider=None,
    any_secret: bool = True,
    clock=None,
    issuers=(),
    node_id: str = "node-1",
    security: SecurityStatus = SecurityStatus.SECURED,
    **settings,
) -> NodeUnderTest:
    clock, sink = clock or ManualClock(), MemorySink()
    if provider is None:
        provider = FileProvider(tmp_path / "secrets")
    storage = storage or MemoryStorage()
    if any_secret:  # for tests about something else than who may name which secrets
        ScopeBook(storage, cluster_key=lambda: None).put(SecretScope(name="any", prefix=""))
    host_root = (tmp_path / "host").resolve()
    host_root.mkdir(exist_ok=True)
    pool = Pool(tmp_path / "pool")
    pool.directory.mkdir(mode=0o700, exist_ok=True)
    devices = Devices(
        pool=pool,
        encrypted=LuksFuseBackend(tmp_path / "run") if attaching else None,
        plain=PlainBackend() if attaching else None,
        copier=UserCopyBackend(),
        passed_over=() if attaching else (("luks-fuse", "switched off by the test"),),
    )
    issuer = Issuer(name="test", keys=(SharedSecretKey(SecretBytes(SECRET)),), renews=True)
    verifier = Verifier(IssuerRegistry([issuer, *issuers]), clock=clock)
    node = Node(
        NodeSettings(
            identity=NodeIdentity(cluster_id="test-cluster", node_id=node_id),
            host_roots=(host_root,),
            **settings,
        ),
        storage=storage,
        devices=devices,
        provider=provider or None,  # False for a node without one
        verifier=verifier,
        decisions=DecisionLog(sink, key=CHAIN_KEY, clock=clock),
        clock=clock,
        cluster=alone(storage, node_id, clock=clock, security=security),
    )
    return NodeUnderTest(node, provider, sink, clock, devices, storage, host_root, verifier)


def release(made: NodeUnderTest) -> None:
    """Detach what a failed test left attached."""
    for record in Catalog(made.storage).enumerate():
        made.devices.attacher(record).detach(made.devices.file(record), force=True)
