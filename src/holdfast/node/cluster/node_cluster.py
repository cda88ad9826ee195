"""A node's part in its cluster: membership, the lock on volumes, and how secured the cluster is."""

import secrets
from dataclasses import dataclass

from holdfast.clock import Clock
from holdfast.errors import HoldfastError
from holdfast.node.cluster.attach_lock import AttachLock
from holdfast.node.cluster.cluster_records import SecurityStatus
from holdfast.node.cluster.cluster_security import ClusterSecurity, Standing
from holdfast.node.cluster.membership import Membership, SelfDescription
from holdfast.storage.interface import Storage
from holdfast.version import VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCluster:
    """See the module.

    Attributes:
        membership: this node among the others.
        security: whether nodes look at tokens.
        lock: who has a volume; ``None`` for a node whose state is its own.
    """

    membership: Membership
    security: ClusterSecurity
    lock: AttachLock | None = None

    def is_serving(self) -> bool:
        """Whether this node can serve: it is in touch with the others, and as secured as they demand."""
        if self.lock is not None and not self.membership.is_valid:
            return False
        if self.security.own is not SecurityStatus.UNSECURED:
            return True
        try:
            return self.security.standing() is not Standing.NOTHING
        except HoldfastError:
            return False


def alone(
    storage: Storage, node_id: str, *, clock: Clock, security: SecurityStatus = SecurityStatus.SECURED
) -> NodeCluster:
    """Return the cluster of one node that keeps its state to itself, and has joined it."""
    own = SelfDescription(
        node_id=node_id,
        identity=secrets.token_hex(16),
        version=VERSION,
        pool="",
        backend="",
        security=security,
    )
    membership = Membership(storage, own, clock=clock)
    membership.join()
    return NodeCluster(membership=membership, security=ClusterSecurity(storage, membership, clock=clock))
