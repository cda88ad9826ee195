"""Services ``Node`` and ``Cluster``: which nodes there are, what each can do, and how secured they are."""

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.errors import ConflictError, InvalidInputError, NotFoundError
from holdfast.node import apis
from holdfast.node.access.gate import Gate
from holdfast.node.api import Admission, operation
from holdfast.node.cluster.cluster_records import NodeRecord
from holdfast.node.cluster.cluster_security import ClusterState
from holdfast.node.cluster.membership import Member
from holdfast.node.cluster.node_cluster import NodeCluster

MAX_NODE_ID_CHARACTERS = 253


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterStatus:
    """How the cluster is.

    Attributes:
        cluster_id: its name.
        state: what its nodes have in common.
        security_required: whether each of them must look at tokens.
        nodes: all of them.
    """

    cluster_id: str
    state: ClusterState
    security_required: bool
    nodes: Sequence[Member]


class ClusterService:
    """What may be asked about nodes, and forgetting those that are gone for good."""

    def __init__(self, *, gate: Gate, cluster: NodeCluster, cluster_id: str) -> None:
        self._gate = gate
        self._cluster = cluster
        self._cluster_id = cluster_id

    @property
    def current(self) -> Member:
        """This node, for whoever was admitted to look at it."""
        return self._cluster.membership.current()

    @operation(apis.CLUSTER_INSPECT)
    def inspect(self, admission: Admission) -> ClusterStatus:  # noqa: ARG002 - being admitted is all it takes
        """Return how the cluster is."""
        return ClusterStatus(
            cluster_id=self._cluster_id,
            state=self._cluster.security.state(),
            security_required=self._cluster.security.required,
            nodes=self._cluster.membership.members(),
        )

    @operation(apis.NODE_ENUMERATE)
    def enumerate(self, admission: Admission) -> list[str]:  # noqa: ARG002 - being admitted is all it takes
        """Return the names of all nodes."""
        return [member.record.node_id for member in self._cluster.membership.members()]

    @operation(apis.NODE_ENUMERATE_WITH_FILTERS)
    def enumerate_with_filters(self, admission: Admission) -> list[Member]:  # noqa: ARG002 - see above
        """Return all nodes."""
        return self._cluster.membership.members()

    @operation(apis.NODE_INSPECT_ONE)
    def inspect_node(self, admission: Admission, node_id: str) -> Member:  # noqa: ARG002 - see above
        """Return one node.

        Raises:
            NotFoundError: there is none of that name.
        """
        return self._find(node_id)

    @operation(apis.NODE_REMOVE)
    def remove(self, admission: Admission, node_id: str) -> NodeRecord:
        """Forget a node that is gone for good. Should it come back, it joins as a new one.

        Raises:
            NotFoundError: there is none of that name.
            ConflictError: it is there.
        """
        member = self._find(node_id)
        if member.online:
            raise ConflictError("the node is there; stop it first")
        self._cluster.membership.remove(member.record)
        self._gate.done(admission, node_id, "node forgotten")
        return member.record

    def _find(self, node_id: str) -> Member:
        if not 0 < len(node_id) <= MAX_NODE_ID_CHARACTERS or "/" in node_id:
            raise InvalidInputError("node_id: expected the name of a node")
        member = self._cluster.membership.member(node_id)
        if member is None:
            raise NotFoundError(f"Node {node_id} not found")
        return member
