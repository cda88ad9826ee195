"""Every service and method of the OpenStorage SDK 0.186, as facts that role tables are checked against."""


def _methods(text: str) -> frozenset[str]:
    return frozenset(text.split())


SDK_SERVICES = {
    "identity": _methods("Capabilities Version"),
    "cluster": _methods("InspectCurrent"),
    "node": _methods(
        "Inspect InspectCurrent Enumerate EnumerateWithFilters VolumeUsageByNode VolumeBytesUsedByNode"
        " DrainAttachments CordonAttachments UncordonAttachments RelaxedReclaimPurge"
    ),
    "volume": _methods(
        "Create Clone Update Delete Inspect InspectWithFilters Enumerate EnumerateWithFilters Stats"
        " CapacityUsage VolumeCatalog SnapshotCreate SnapshotEnumerate SnapshotRestore"
        " SnapshotEnumerateWithFilters SnapshotScheduleUpdate"
    ),
    "mountattach": _methods("Attach Detach Mount Unmount"),
    "credentials": _methods("Create Enumerate Update Delete Inspect Validate DeleteReferences"),
    "role": _methods("Create Update Enumerate Inspect Delete"),
    "policy": _methods("Create Update Enumerate Inspect Delete SetDefault DefaultInspect Release"),
    "schedulepolicy": _methods("Create Update Enumerate Inspect Delete"),
    "clusterpair": _methods("Create Enumerate Inspect GetToken ResetToken Delete"),
    "clusterdomains": _methods("Enumerate Inspect Activate Deactivate"),
    "cloudbackup": _methods(
        "Create GroupCreate Restore Delete DeleteAll EnumerateWithFilters Status Catalog History"
        " StateChange SchedCreate SchedUpdate SchedEnumerate SchedDelete Size"
    ),
    "migrate": _methods("Start Status Cancel"),
    "objectstore": _methods("Create Inspect Update Delete"),
    "alerts": _methods("EnumerateWithFilters Delete"),
    "watch": _methods("Watch"),
    "pool": _methods(
        "Resize Rebalance UpdateRebalanceJobState GetRebalanceJobStatus EnumerateRebalanceJobs"
        " CreateRebalanceSchedule GetRebalanceSchedule DeleteRebalanceSchedule"
    ),
    "job": _methods("Update GetStatus Enumerate"),
    "schedule": _methods("Inspect Delete Enumerate"),
    "filesystemtrim": _methods(
        "Start Stop Status AutoFSTrimStatus AutoFSTrimUsage AutoFSTrimPush AutoFSTrimPop"
    ),
    "filesystemcheck": _methods("Start Stop DeleteSnapshots Status ListSnapshots ListVolumes"),
    "filesystemdefrag": _methods("CreateSchedule GetNodeStatus EnumerateNodeStatus CleanUpSchedules"),
    "verifychecksum": _methods("Start Stop Status"),
    "diags": _methods("Collect"),
    "bucket": _methods("Create Delete GrantAccess RevokeAccess"),
}
