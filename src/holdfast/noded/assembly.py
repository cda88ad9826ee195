"""Building a node from its configuration: directories, storage, volume back ends, gates.

<storage>/records/    the node's records, unless they are in the storage of a cluster
<storage>/volumes/    backing files, unless another pool was named
<storage>/audit.log   decisions, unless configured elsewhere
<storage>/audit.key   what chains them
<storage>/node-identity, lease.json, lease.guard   which node this is, and for how long it may use volumes
<storage>/lock        held while a node runs: two nodes on one directory would not see each other's locks
"""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, cast

from holdfast.clock import SystemClock
from holdfast.errors import ConflictError, InvalidInputError
from holdfast.node.access.decision_log import DecisionLog
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.devices import Devices
from holdfast.node.node import Node
from holdfast.noded.audit_key import read_audit_key
from holdfast.noded.cluster import join_cluster
from holdfast.noded.config import NodeConfig
from holdfast.noded.heart import Heart
from holdfast.noded.host_files import open_audit_log
from holdfast.noded.node_identity import read_node_identity
from holdfast.noded.ownerless import ownerless_report
from holdfast.noded.state import open_state
from holdfast.tokens.verify import Verifier
from holdfast.volumes.backend import CopyBackend, VolumeBackend, select
from holdfast.volumes.dm_crypt import DmCryptBackend
from holdfast.volumes.luks_fuse import DEFAULT_RUNTIME_DIRECTORY, LuksFuseBackend
from holdfast.volumes.plain import PlainBackend
from holdfast.volumes.pool import Pool
from holdfast.volumes.pool_identity import open_pool
from holdfast.volumes.user_copy import UserCopyBackend

_log = logging.getLogger(__name__)


class OpenNode(NamedTuple):
    """A node, and what its process turns to besides.

    Attributes:
        node: the services.
        devices: what the node can do with volumes.
        decisions: the audit log, to be opened again after rotation.
        verifier: checks tokens, by keys that can be read again.
        heart: keeps the node in its cluster, once it is started.
    """

    node: Node
    devices: Devices
    decisions: DecisionLog
    verifier: Verifier
    heart: Heart


@contextmanager
def open_node(config: NodeConfig, *, backend: str) -> Iterator[OpenNode]:
    """Open a node for the length of a block.

    Raises:
        ConflictError: another node uses the storage directory, the pool or the name.
        InvalidInputError: the directory or the audit log cannot be used.
        UnsupportedError: no volume back end works on this host, or not the one asked for.
    """
    with ExitStack() as closing:
        closing.enter_context(_directory(config.storage))
        clock, cluster_id = SystemClock(), config.settings.identity.cluster_id
        storage = open_state(
            config.state,
            config.storage / "records",
            cluster_id=cluster_id,
            clock=clock,
        )
        closing.callback(storage.close)
        sink = open_audit_log(config.audit_log)
        closing.callback(sink.close)
        decisions = DecisionLog(sink, key=read_audit_key(config.storage), clock=clock)
        identity = read_node_identity(config.storage)
        pool = closing.enter_context(
            open_pool(_pool_directory(config), cluster=cluster_id, shared=config.state.shared)
        )
        devices = open_devices(
            config.pool, pool_id=pool.id, runtime=DEFAULT_RUNTIME_DIRECTORY / identity, backend=backend
        )
        cluster = closing.enter_context(
            join_cluster(config, identity=identity, storage=storage, devices=devices, clock=clock)
        )
        provider = config.provider(storage) if config.provider is not None else None
        if provider is not None:
            closing.callback(provider.close)
        former_provider = config.former_provider(storage) if config.former_provider is not None else None
        if former_provider is not None:
            closing.callback(former_provider.close)
        verifier = Verifier(config.authentication.read(), clock=clock)
        node = Node(
            config.settings,
            storage=storage,
            devices=devices,
            provider=provider,
            former_provider=former_provider,
            verifier=verifier,
            decisions=decisions,
            clock=clock,
            cluster=cluster.parts,
        )
        config.authentication.prefetch()
        heart = cluster.beat_with(node.attachments.release)
        if report := ownerless_report(Catalog(storage), is_public=config.settings.ownerless_is_public):
            _log.warning("%s", report)
        yield OpenNode(node, devices, decisions, verifier, heart)


def open_devices(pool: Path, *, pool_id: str, runtime: Path, backend: str) -> Devices:
    """Find out what this host can do with volumes.

    Args:
        pool: the directory of backing files.
        pool_id: its identity.
        runtime: where this node alone mounts what it attaches; another of this host has its own.
        backend: which back end to use, or ``auto``.

    Raises:
        UnsupportedError: no volume back end works on this host, or not the one asked for.
    """
    copier, plain = UserCopyBackend(), PlainBackend()
    selection = select((DmCryptBackend(), LuksFuseBackend(runtime), copier), requested=backend)
    attaches = selection.capabilities.attaches
    return Devices(
        pool=Pool(pool),
        encrypted=cast("VolumeBackend", selection.backend) if attaches else None,
        plain=plain if attaches and plain.probe().usable else None,
        copier=cast("CopyBackend", copier) if copier.probe().usable else None,
        passed_over=selection.passed_over,
        pool_id=pool_id,
    )


def _pool_directory(config: NodeConfig) -> Path:
    try:
        config.pool.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(f"--pool: the directory cannot be made ({error.strerror})") from None
    return config.pool


@contextmanager
def _directory(path: Path) -> Iterator[None]:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.stat().st_mode & 0o022:
            raise InvalidInputError(f"-s {path}: expected a directory that only its owner may write")
        lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except (FileExistsError, NotADirectoryError):
        raise InvalidInputError(
            f"-s {path}: expected a directory; volumes are files in it. For a disk make a file system on it, "
            "mount that, and give a directory there"
        ) from None
    except OSError as error:
        raise InvalidInputError(f"-s {path}: cannot be used ({error.strerror})") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConflictError(f"-s {path}: another node uses this directory") from None
        yield
    finally:
        os.close(lock)
