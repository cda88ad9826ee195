"""Service ``Node``: the machines of the cluster."""

from urllib.parse import urlsplit

from google.protobuf.timestamp_pb2 import Timestamp

from holdfast.api.sdk.proto.cluster_pb2 import STATUS_OFFLINE, STATUS_OK
from holdfast.api.sdk.proto.node_pb2 import (
    NodeDetails,
    NodeRemoveRequest,
    NodeRemoveResponse,
    SdkNodeEnumerateRequest,
    SdkNodeEnumerateResponse,
    SdkNodeEnumerateWithFiltersRequest,
    SdkNodeEnumerateWithFiltersResponse,
    SdkNodeInspectCurrentRequest,
    SdkNodeInspectCurrentResponse,
    SdkNodeInspectRequest,
    SdkNodeInspectResponse,
    StorageNode,
)
from holdfast.api.sdk.table import Call, serve, unserved
from holdfast.node.cluster.cluster_service import ClusterService
from holdfast.node.cluster.membership import Member
from holdfast.node.cluster.status_service import StatusService


def inspect_current(
    call: Call,
    request: SdkNodeInspectCurrentRequest,  # noqa: ARG001
) -> SdkNodeInspectCurrentResponse:
    status = call.node.status.inspect_node(call.admission)
    node = storage_node(call.node.nodes.current)
    node.holdfast.MergeFrom(
        NodeDetails(
            cluster_id=status.identity.cluster_id,
            backend=status.backend,
            attaches=status.attaches,
            passed_over=dict(status.passed_over),
            pool_free_bytes=status.free_bytes,
        )
    )
    return SdkNodeInspectCurrentResponse(node=node)


def inspect(call: Call, request: SdkNodeInspectRequest) -> SdkNodeInspectResponse:
    member = call.node.nodes.inspect_node(call.admission, request.node_id)
    return SdkNodeInspectResponse(node=storage_node(member))


def enumerate_ids(
    call: Call,
    request: SdkNodeEnumerateRequest,  # noqa: ARG001
) -> SdkNodeEnumerateResponse:
    return SdkNodeEnumerateResponse(node_ids=call.node.nodes.enumerate(call.admission))


def enumerate_with_filters(
    call: Call,
    request: SdkNodeEnumerateWithFiltersRequest,  # noqa: ARG001
) -> SdkNodeEnumerateWithFiltersResponse:
    members = call.node.nodes.enumerate_with_filters(call.admission)
    return SdkNodeEnumerateWithFiltersResponse(nodes=[storage_node(member) for member in members])


def remove(call: Call, request: NodeRemoveRequest) -> NodeRemoveResponse:
    call.node.nodes.remove(call.admission, request.node_id)
    return NodeRemoveResponse()


def storage_node(member: Member) -> StorageNode:
    """Return what the registry knows of a node."""
    record = member.record
    host = urlsplit(record.address).hostname or ""
    return StorageNode(
        id=record.node_id,
        status=STATUS_OK if member.online else STATUS_OFFLINE,
        mgmt_ip=host,
        data_ip=host,
        hostname=record.node_id,
        security_status=StorageNode.SecurityStatus.ValueType(int(record.security)),
        holdfast=NodeDetails(
            backend=record.backend,
            version=record.version,
            address=record.address,
            pool_id=record.pool,
            started_at=_time(record.started_at),
            seen_at=_time(record.seen_at),
        ),
    )


def _time(seconds: float) -> Timestamp:
    return Timestamp(seconds=int(seconds))


ROWS = (
    serve(
        StatusService.inspect_node,
        SdkNodeInspectCurrentRequest,
        SdkNodeInspectCurrentResponse,
        inspect_current,
        "GET nodes/inspectcurrent",
    ),
    serve(
        ClusterService.inspect_node,
        SdkNodeInspectRequest,
        SdkNodeInspectResponse,
        inspect,
        "GET nodes/inspect/{node_id}",
    ),
    serve(
        ClusterService.enumerate,
        SdkNodeEnumerateRequest,
        SdkNodeEnumerateResponse,
        enumerate_ids,
        "GET nodes",
    ),
    serve(
        ClusterService.enumerate_with_filters,
        SdkNodeEnumerateWithFiltersRequest,
        SdkNodeEnumerateWithFiltersResponse,
        enumerate_with_filters,
        "GET nodes/filters",
    ),
    serve(
        ClusterService.remove,
        NodeRemoveRequest,
        NodeRemoveResponse,
        remove,
        "DELETE nodes/{node_id}",
    ),
    unserved("Node", "VolumeUsageByNode", "GET nodes/usage/{node_id}"),
    unserved("Node", "VolumeBytesUsedByNode", "POST nodes/bytesused"),
    unserved("Node", "DrainAttachments", "PUT nodes/attachments/drain/{node_id}"),
    unserved("Node", "CordonAttachments", "PUT nodes/attachments/disable/{node_id}"),
    unserved("Node", "UncordonAttachments", "PUT nodes/attachments/enable/{node_id}"),
    unserved("Node", "RelaxedReclaimPurge"),  # the SDK gives it the path of VolumeUsageByNode
)
