"""Service ``Node``: the machines of the cluster."""

from holdfast.api.sdk.proto.cluster_pb2 import STATUS_OK
from holdfast.api.sdk.proto.node_pb2 import (
    NodeDetails,
    SdkNodeInspectCurrentRequest,
    SdkNodeInspectCurrentResponse,
    StorageNode,
)
from holdfast.api.sdk.table import Call, serve, unserved
from holdfast.node.status_service import StatusService


def inspect_current(
    call: Call,
    request: SdkNodeInspectCurrentRequest,  # noqa: ARG001
) -> SdkNodeInspectCurrentResponse:
    status = call.node.status.inspect_node(call.admission)
    node = StorageNode(
        id=status.identity.node_id,
        status=STATUS_OK,
        security_status=StorageNode.SECURED,
        holdfast=NodeDetails(
            cluster_id=status.identity.cluster_id,
            backend=status.backend,
            attaches=status.attaches,
            passed_over=dict(status.passed_over),
            pool_free_bytes=status.free_bytes,
        ),
    )
    return SdkNodeInspectCurrentResponse(node=node)


ROWS = (
    serve(
        StatusService.inspect_node,
        SdkNodeInspectCurrentRequest,
        SdkNodeInspectCurrentResponse,
        inspect_current,
        "GET nodes/inspectcurrent",
    ),
    unserved("Node", "Inspect", "GET nodes/inspect/{node_id}"),
    unserved("Node", "Enumerate", "GET nodes"),
    unserved("Node", "EnumerateWithFilters", "GET nodes/filters"),
    unserved("Node", "VolumeUsageByNode", "GET nodes/usage/{node_id}"),
    unserved("Node", "VolumeBytesUsedByNode", "POST nodes/bytesused"),
    unserved("Node", "DrainAttachments", "PUT nodes/attachments/drain/{node_id}"),
    unserved("Node", "CordonAttachments", "PUT nodes/attachments/disable/{node_id}"),
    unserved("Node", "UncordonAttachments", "PUT nodes/attachments/enable/{node_id}"),
    unserved("Node", "RelaxedReclaimPurge"),  # the SDK gives it the path of VolumeUsageByNode
)
