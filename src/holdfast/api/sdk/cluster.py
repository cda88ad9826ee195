"""Service ``Cluster``: which cluster this is."""

from holdfast.api.sdk.proto.cluster_pb2 import (
    STATUS_OK,
    SdkClusterInspectCurrentRequest,
    SdkClusterInspectCurrentResponse,
    StorageCluster,
)
from holdfast.api.sdk.table import Call, serve
from holdfast.node.status_service import StatusService


def inspect_current(
    call: Call,
    request: SdkClusterInspectCurrentRequest,  # noqa: ARG001
) -> SdkClusterInspectCurrentResponse:
    identity = call.node.status.inspect_cluster(call.admission)
    cluster = StorageCluster(id=identity.cluster_id, name=identity.cluster_id, status=STATUS_OK)
    return SdkClusterInspectCurrentResponse(cluster=cluster)


ROWS = (
    serve(
        StatusService.inspect_cluster,
        SdkClusterInspectCurrentRequest,
        SdkClusterInspectCurrentResponse,
        inspect_current,
        "GET clusters/inspectcurrent",
    ),
)
