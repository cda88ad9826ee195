"""What the default roles allow, against every service and method that there is."""

import pytest
from tests.support.sdk_services import SDK_SERVICES

from holdfast.model import Principal
from holdfast.policy.default_roles import (
    GUEST_ENABLED,
    SYSTEM_ADMIN,
    SYSTEM_USER,
    SYSTEM_VIEW,
    default_roles,
)
from holdfast.policy.roles import Role, decide_role

ALL = "*"
READ_NODES = "Inspect InspectCurrent Enumerate EnumerateWithFilters"

# By role and service: the methods allowed, or ALL; what is not listed is refused.
ALLOWED = {
    "system.admin": dict.fromkeys(SDK_SERVICES, ALL),
    "system.view": {
        "identity": ALL,
        "cluster": ALL,
        "node": READ_NODES,
        "volume": "Inspect InspectWithFilters Stats CapacityUsage Enumerate EnumerateWithFilters"
        " SnapshotEnumerate SnapshotEnumerateWithFilters",
        "credentials": "Enumerate Inspect Validate",
        "role": "Enumerate Inspect",
        "policy": "Enumerate Inspect",
        "schedulepolicy": "Enumerate Inspect",
        "cloudbackup": "EnumerateWithFilters Status SchedEnumerate",
        "migrate": "Status",
        "objectstore": "Inspect",
        "clusterpair": "Inspect Enumerate",
        "clusterdomains": "Enumerate Inspect",
        "alerts": "EnumerateWithFilters",
        "watch": ALL,
        "pool": "EnumerateRebalanceJobs",
        "job": "Enumerate",
        "schedule": "Inspect Enumerate",
        "filesystemtrim": "Status",
        "filesystemcheck": "Status",
        "verifychecksum": "Status",
        "filesystemdefrag": "EnumerateNodeStatus",
    },
    "system.user": {
        "identity": ALL,
        "cluster": ALL,
        "node": READ_NODES,
        "volume": ALL,
        "mountattach": ALL,
        "credentials": ALL,
        "policy": "Enumerate Inspect DefaultInspect",
        "schedulepolicy": ALL,
        "cloudbackup": ALL,
        "migrate": ALL,
        "objectstore": ALL,
    },
    "system.guest": {
        "identity": "Version",
        "cluster": ALL,
        "node": READ_NODES,
        "volume": ALL,
        "mountattach": ALL,
        "cloudbackup": ALL,
        "migrate": ALL,
    },
}


def allowed_methods(role: Role, service: str) -> set[str]:
    bearer = Principal(name="bearer", roles=(role.name,))
    return {api for api in SDK_SERVICES[service] if decide_role(bearer, service, api, {role.name: role})}


@pytest.mark.parametrize("service", SDK_SERVICES)
@pytest.mark.parametrize(
    "role", [SYSTEM_ADMIN, SYSTEM_VIEW, SYSTEM_USER, GUEST_ENABLED], ids=lambda role: role.name
)
def test_a_default_role_allows_exactly_these_methods(role: Role, service: str):
    expected = ALLOWED[role.name].get(service, "")

    assert allowed_methods(role, service) == (
        SDK_SERVICES[service] if expected == ALL else set(expected.split())
    )


@pytest.mark.parametrize(
    ("role", "call", "allowed"),
    [
        pytest.param("system.admin", ("newservice", "Invent"), True, id="admin-any-future-call"),
        pytest.param("system.view", ("newservice", "LazyEnumerateThings"), True, id="view-future-listing"),
        pytest.param("system.view", ("newservice", "Invent"), False, id="view-no-future-change"),
        pytest.param("system.user", ("node", "Invent"), False, id="user-no-future-node-call"),
    ],
)
def test_default_roles_meet_methods_that_do_not_exist_yet(role: str, call: tuple[str, str], allowed: bool):
    bearer = Principal(name="bearer", roles=(role,))

    assert bool(decide_role(bearer, *call, default_roles())) is allowed


@pytest.mark.parametrize("service", SDK_SERVICES)
def test_guest_access_is_off_unless_it_is_switched_on(service: str):
    assert allowed_methods(default_roles()["system.guest"], service) == set()
    assert default_roles(guest_access=True)["system.guest"] is GUEST_ENABLED


def test_switching_guests_off_takes_nothing_from_a_user_with_both_roles():
    both = Principal(name="alice", roles=("system.guest", "system.user"))

    assert decide_role(both, "volume", "create", default_roles(guest_access=False))
