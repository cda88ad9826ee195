"""Service ``ClusterPair``: two clusters that know each other."""

from holdfast.api.sdk.proto import clusterpair_pb2  # noqa: F401 - the rows below are looked up in it
from holdfast.api.sdk.table import unserved

ROWS = (
    unserved("ClusterPair", "Create", "POST clusterpairs"),
    unserved("ClusterPair", "Enumerate", "GET clusterpairs"),
    unserved("ClusterPair", "Inspect", "GET clusterpairs/inspect/{id}"),
    unserved("ClusterPair", "GetToken", "GET clusterpairs/token"),
    unserved("ClusterPair", "ResetToken", "POST clusterpairs/token"),
    unserved("ClusterPair", "Delete", "DELETE clusterpairs/{cluster_id}"),
)
