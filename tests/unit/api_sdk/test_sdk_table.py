"""One table: every method of every service has one row, and both wires can reach it."""

import re

import pytest
from google.protobuf import descriptor_pool
from tests.support.protos import PROTOS, SOURCE

from holdfast.api.sdk.rows import ROWS
from holdfast.api.sdk.table import PACKAGE, PREFIX, describe

ALL = {f"{row.api.service}.{row.api.method}": row for row in ROWS}

# What the OpenStorage SDK has in the services that this node knows.
METHODS = {
    "Identity": "Capabilities Version",
    "Cluster": "InspectCurrent",
    "Node": "Inspect InspectCurrent Enumerate EnumerateWithFilters VolumeUsageByNode RelaxedReclaimPurge"
    " DrainAttachments CordonAttachments UncordonAttachments VolumeBytesUsedByNode",
    "Volume": "Create Clone Delete Inspect InspectWithFilters Update Stats CapacityUsage Enumerate"
    " EnumerateWithFilters SnapshotCreate SnapshotRestore SnapshotEnumerate SnapshotEnumerateWithFilters"
    " SnapshotScheduleUpdate VolumeCatalog",
    "MountAttach": "Attach Detach Mount Unmount",
    "Credentials": "Create Update Enumerate Inspect Delete Validate DeleteReferences",
    "Role": "Create Enumerate Inspect Delete Update",
    "Policy": "Create Enumerate Inspect Update Delete SetDefault DefaultInspect Release",
    "SchedulePolicy": "Create Update Enumerate Inspect Delete",
    "ClusterPair": "Create Inspect Enumerate GetToken ResetToken Delete",
    "Watch": "Watch",
}


def declared() -> set[str]:
    """Return every method that the ``.proto`` files declare."""
    found = set()
    for file in (SOURCE / PROTOS).glob("*.proto"):
        described = descriptor_pool.Default().FindFileByName(f"{PROTOS}/{file.name}")
        for service in described.services_by_name.values():
            found |= {f"{service.name.removeprefix(PREFIX)}.{method}" for method in service.methods_by_name}
    return found


def test_every_declared_method_has_exactly_one_row():
    assert set(ALL) == declared()
    assert len(ALL) == len(ROWS)


def test_no_method_that_the_sdk_has_is_missing():
    assert {f"{service}.{method}" for service, text in METHODS.items() for method in text.split()} <= set(ALL)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.api))
def test_a_row_says_what_the_proto_files_say(row):
    described = describe(row.api.service, row.api.method)
    assert described.containing_service.full_name == f"{PACKAGE}.{PREFIX}{row.api.service}"
    assert (described.input_type, described.output_type, described.server_streaming) == (
        row.request.DESCRIPTOR,
        row.response.DESCRIPTOR,
        row.streams,
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.api))
def test_a_rows_path_names_fields_of_its_request(row):
    for route in row.routes:
        assert route.verb in {"GET", "POST", "PUT", "DELETE"}
        for name in re.findall(r"{(.*?)}", route.path):
            assert row.request.DESCRIPTOR.fields_by_name[name].type == 9


def test_no_two_rows_share_a_route():
    routes = [(route.verb, re.sub(r"{.*?}", "{}", route.path)) for row in ROWS for route in row.routes]
    assert len(routes) == len(set(routes))


def test_all_but_one_method_have_a_rest_path():
    assert [name for name, row in ALL.items() if not row.routes] == ["Node.RelaxedReclaimPurge"]
