"""Services ``Identity`` and ``Node``: who we are, who the caller is, what this host can do."""

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.model import Principal
from holdfast.node import apis
from holdfast.node.api import Admission, operation
from holdfast.node.inventory.devices import Devices
from holdfast.version import VERSION

# The level of the OpenStorage SDK whose paths and field names are used.
SDK_VERSION = (0, 186, 0)
CAPABILITIES = (
    *("CLUSTER", "CLOUD_BACKUP", "CREDENTIALS", "NODE", "VOLUME"),
    *("MOUNT_ATTACH", "ROLE", "SCHEDULE_POLICY", "STORAGE_POLICY"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeIdentity:
    """Which node of which cluster this is.

    Attributes:
        cluster_id: the cluster's name, also the issuer of the tokens that nodes make for each other.
        node_id: the node's name.
    """

    cluster_id: str
    node_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStatus:
    """What this host can do with volumes.

    Attributes:
        identity: which node it is.
        backend: name of what serves encrypted volumes.
        attaches: whether it attaches them; otherwise trees are copied in and out.
        passed_over: name of each back end that does not work here, and why.
        free_bytes: free space of the pool.
    """

    identity: NodeIdentity
    backend: str
    attaches: bool
    passed_over: Sequence[tuple[str, str]]
    free_bytes: int


class StatusService:
    """What may be asked about the node and by whom."""

    def __init__(self, *, identity: NodeIdentity, devices: Devices) -> None:
        self._identity = identity
        self._devices = devices

    @operation(apis.IDENTITY_VERSION)
    def version(self, admission: Admission) -> tuple[tuple[int, int, int], str]:  # noqa: ARG002 - see module
        """Return the SDK's version that is spoken, and our own."""
        return SDK_VERSION, VERSION

    @operation(apis.IDENTITY_CAPABILITIES)
    def capabilities(self, admission: Admission) -> tuple[str, ...]:  # noqa: ARG002 - see module
        """Return the names of the SDK's capabilities that are offered."""
        return CAPABILITIES

    @operation(apis.IDENTITY_WHO_AM_I)
    def who_am_i(self, admission: Admission) -> Principal:
        """Return who the node takes the caller for."""
        return admission.principal

    @operation(apis.NODE_INSPECT)
    def inspect_node(self, admission: Admission) -> NodeStatus:  # noqa: ARG002 - see module
        """Return what this host can do with volumes."""
        backend = self._devices.encrypted or self._devices.copier
        return NodeStatus(
            identity=self._identity,
            backend=backend.name if backend is not None else "",
            attaches=self._devices.encrypted is not None,
            passed_over=tuple(self._devices.passed_over),
            free_bytes=self._devices.pool.free_bytes(),
        )
