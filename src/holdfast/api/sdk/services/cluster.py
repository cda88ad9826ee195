"""Service ``Cluster``: which cluster this is, and how secured it is."""

from holdfast.api.sdk.proto.cluster_pb2 import (
    STATUS_OK,
    ClusterDetails,
    SdkClusterInspectCurrentRequest,
    SdkClusterInspectCurrentResponse,
    StorageCluster,
)
from holdfast.api.sdk.table import Call, serve
from holdfast.node.cluster.cluster_records import SecurityStatus
from holdfast.node.cluster.cluster_service import ClusterService


def inspect_current(
    call: Call,
    request: SdkClusterInspectCurrentRequest,  # noqa: ARG001
) -> SdkClusterInspectCurrentResponse:
    found = call.node.nodes.inspect(call.admission)
    details = ClusterDetails(
        security=found.state.value,
        security_required=found.security_required,
        unsecured_nodes=[
            member.record.node_id
            for member in found.nodes
            if member.online and member.record.security is SecurityStatus.UNSECURED
        ],
    )
    cluster = StorageCluster(id=found.cluster_id, name=found.cluster_id, status=STATUS_OK, holdfast=details)
    return SdkClusterInspectCurrentResponse(cluster=cluster)


ROWS = (
    serve(
        ClusterService.inspect,
        SdkClusterInspectCurrentRequest,
        SdkClusterInspectCurrentResponse,
        inspect_current,
        "GET clusters/inspectcurrent",
    ),
)
