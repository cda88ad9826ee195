"""Joining a cluster: membership, the guard of a shared pool, and the thread that keeps both going."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from holdfast.clock import Clock
from holdfast.node.cluster.attach_lock import AttachLock, SharedPool
from holdfast.node.cluster.cluster_security import ClusterSecurity
from holdfast.node.cluster.membership import Membership, SelfDescription
from holdfast.node.cluster.node_cluster import NodeCluster
from holdfast.node.inventory.devices import Devices
from holdfast.noded.config import NodeConfig
from holdfast.noded.guard_process import GuardProcess
from holdfast.noded.heart import Heart
from holdfast.storage.interface import Storage
from holdfast.version import VERSION
from holdfast.volumes.lease_file import LeaseWriter


class JoinedCluster(NamedTuple):
    """A node's part in its cluster, and what starts its heart.

    Attributes:
        parts: for the services.
        beat_with: given what detaches a volume by force, makes the thread that renews; not started yet.
    """

    parts: NodeCluster
    beat_with: Callable[[Callable[[str], None]], Heart]


@contextmanager
def join_cluster(
    config: NodeConfig, *, identity: str, storage: Storage, devices: Devices, clock: Clock
) -> Iterator[JoinedCluster]:
    """Be a member for the length of a block.

    Raises:
        ConflictError: another node has the name, or the cluster demands security and this node has none.
    """
    backend = devices.encrypted or devices.copier
    own = SelfDescription(
        node_id=config.settings.identity.node_id,
        identity=identity,
        version=VERSION,
        pool=devices.pool_id,
        backend=backend.name if backend is not None else "",
        security=config.security,
        lease_seconds=config.lease_seconds,
    )
    membership = Membership(storage, own, clock=clock)
    security = ClusterSecurity(storage, membership, clock=clock)
    security.check_start()
    membership.join()
    writer, guard = None, None
    if config.pool_is_shared:
        writer = LeaseWriter(config.storage / "lease.json")
        writer.renew(membership.valid_until)
        guard = GuardProcess(writer.path)
        guard.ensure()
    shared = SharedPool(writer, guard.ensure) if writer is not None and guard is not None else None
    lock = AttachLock(storage, membership, devices, clock=clock, shared=shared)
    if config.state.shared:
        lock.take_up()

    def beat_with(release: Callable[[str], None]) -> Heart:
        return Heart(
            membership,
            lock,
            shared=shared,
            is_alone=not config.state.shared,
            release=release,
            look=security.look,
        )

    parts = NodeCluster(membership=membership, security=security, lock=lock if config.state.shared else None)
    yield JoinedCluster(parts, beat_with)
