"""Service ``Volume``, second part: copies of a volume, and what one takes up."""

from holdfast.api.sdk.proto import volume_pb2  # noqa: F401 - the rows below are looked up in it
from holdfast.api.sdk.table import unserved

ROWS = (
    unserved("Volume", "Clone", "POST volumes/clone"),
    unserved("Volume", "Stats", "GET volumes/stats/{volume_id}"),
    unserved("Volume", "CapacityUsage", "GET volumes/usage/{volume_id}"),
    unserved("Volume", "SnapshotCreate", "POST volumes/snapshots"),
    unserved("Volume", "SnapshotEnumerate", "GET volumes/snapshots"),
    unserved("Volume", "SnapshotRestore", "POST volumes/snapshots/restore"),
    unserved("Volume", "SnapshotEnumerateWithFilters", "POST volumes/snapshots/filters/{volume_id}"),
    unserved("Volume", "SnapshotScheduleUpdate", "POST volumes/snapshot/schedules/{volume_id}"),
)
