"""The three gates, row by row, and what is written about them."""

import pytest

from holdfast.errors import InternalError, NotFoundError, UnauthenticatedError, UnavailableError
from holdfast.model import SecretBytes
from holdfast.node import apis
from holdfast.node.cluster.status_service import StatusService
from holdfast.node.errors import OwnershipDeniedError, RoleDeniedError, VolumeExistsError
from holdfast.node.keys.secrets_service import SecretsService
from holdfast.node.keys.volume_key_service import VolumeKeyService
from holdfast.node.roles.role_service import RoleService
from holdfast.node.schedules.snapshot_plan_service import SnapshotPlanService
from holdfast.node.volume.attach_service import AttachService
from holdfast.node.volume.file_list_service import FileListService
from holdfast.node.volume.snapshot_service import CloneSpec, SnapshotService
from holdfast.node.volume.usage_service import UsageService
from holdfast.node.volume.volume_listing import VolumeListService
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.policy.ownership import AccessControl, AccessType
from holdfast.policy.ownership_change import AccessChange
from holdfast.policy.role_scope import Scope
from holdfast.policy.roles import Role, Rule

MIB = 1 << 20


@pytest.fixture
def alices(under_test):
    """A volume of alice's, not encrypted, so that the gates alone are under test."""
    spec = VolumeSpec(name="vol1", size_bytes=16 * MIB)
    return under_test.call(under_test.token("alice"), VolumeService.create, under_test.node.volumes, spec)


OPERATIONS = {
    "inspect": lambda t: (VolumeService.inspect, t.node.volumes, "vol1"),
    "update": lambda t: (VolumeService.update, t.node.volumes, "vol1"),
    "update-access": lambda t: (VolumeService.update_access, t.node.volumes, "vol1", AccessChange()),
    "delete": lambda t: (VolumeService.delete, t.node.volumes, "vol1"),
    "rotate-key": lambda t: (VolumeService.rotate_key, t.node.volumes, "vol1"),
    "key-doctor": lambda t: (VolumeKeyService.examine, t.node.volume_keys, ["vol1"]),
    "add-recovery-key": lambda t: (VolumeKeyService.add_recovery_key, t.node.volume_keys, "vol1"),
    "remove-recovery-key": lambda t: (VolumeKeyService.remove_recovery_key, t.node.volume_keys, "vol1"),
    "recover-key": lambda t: (VolumeKeyService.recover, t.node.volume_keys, "vol1", SecretBytes(b"key")),
    "reencrypt": lambda t: (VolumeKeyService.reencrypt, t.node.volume_keys, "vol1"),
    "reencryption-status": lambda t: (VolumeKeyService.reencryption_status, t.node.volume_keys, "vol1"),
    "files": lambda t: (FileListService.files, t.node.files, "vol1"),
    "stats": lambda t: (UsageService.stats, t.node.usage, "vol1"),
    "capacity-usage": lambda t: (UsageService.capacity_usage, t.node.usage, "vol1"),
    "clone": lambda t: (SnapshotService.clone, t.node.snapshots, CloneSpec(name="copy", parent="vol1")),
    "snapshot": lambda t: (SnapshotService.create, t.node.snapshots, "vol1", "copy"),
    "snapshots": lambda t: (SnapshotService.enumerate, t.node.snapshots, "vol1"),
    "snapshots-with-filters": lambda t: (
        SnapshotService.enumerate_with_filters,
        t.node.snapshots,
        "vol1",
    ),
    "schedule": lambda t: (SnapshotPlanService.inspect, t.node.snapshot_plans, "vol1"),
    "set-schedule": lambda t: (SnapshotPlanService.update, t.node.snapshot_plans, "vol1", ()),
    "restore": lambda t: (SnapshotService.restore, t.node.snapshots, "vol1", "vol1"),
    "attach": lambda t: (AttachService.attach, t.node.attachments, "vol1"),
    "detach": lambda t: (AttachService.detach, t.node.attachments, "vol1"),
    "format": lambda t: (AttachService.format, t.node.attachments, "vol1"),
    "mount": lambda t: (AttachService.mount, t.node.attachments, "vol1", "/mnt/x"),
    "unmount": lambda t: (AttachService.unmount, t.node.attachments, "vol1", "/mnt/x"),
    "import": lambda t: (AttachService.import_tree, t.node.attachments, "vol1", "/mnt/x"),
    "export": lambda t: (AttachService.export_tree, t.node.attachments, "vol1", "/mnt/x"),
}

CALLERS = {
    "no-token": (lambda t: None, RoleDeniedError, "Access denied without authentication token"),
    "expired": (lambda t: t.token("alice", lifetime=0), UnauthenticatedError, "expired"),
    "forged": (lambda t: t.token("alice", secret=b"x" * 32), UnauthenticatedError, "signature"),
    "garbage": (lambda t: "not-a-token", UnauthenticatedError, "token"),
    "empty": (lambda t: "", UnauthenticatedError, "token"),
    "no-role": (lambda t: t.token("alice", roles=()), RoleDeniedError, r"Access denied to roles: \[\]"),
    "unknown-role": (lambda t: t.token("alice", roles=("nope",)), RoleDeniedError, r"roles: \[nope\]"),
    "other-user": (lambda t: t.token("bob"), OwnershipDeniedError, "Access denied to volume vol1"),
    "admin-role-without-group": (
        lambda t: t.token("root", roles=("system.admin",)),
        OwnershipDeniedError,
        "Access denied to volume vol1",
    ),
    "out-of-scope": (
        lambda t: t.token("root", roles=("team.blue",), groups=("*",)),
        OwnershipDeniedError,
        "Access denied to volume vol1",
    ),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("caller", CALLERS)
def test_every_way_to_a_volume_is_closed_to(under_test, alices, caller, operation):
    blue = Rule(("volume", "mountattach"), ("*",), Scope({"team": "blue"}))
    under_test.call(under_test.admin, RoleService.create, under_test.node.roles, Role("team.blue", (blue,)))
    token, kind, text = CALLERS[caller]
    call, *arguments = OPERATIONS[operation](under_test)
    with pytest.raises(kind, match=text):
        under_test.call(token(under_test), call, *arguments)
    denial = under_test.sink.lines[-1]
    assert denial["decision"] == "denied"
    assert denial["reason"]


def test_the_operations_above_are_all_that_touch_a_volume():
    stated = {api for api in apis.ALL if api.access is not None and api.service in {"Volume", "MountAttach"}}
    tested = {build(_Names())[0].api for build in OPERATIONS.values()}
    assert tested == stated


class _Names:
    def __getattr__(self, name):
        return self


def test_a_volume_that_does_not_exist_looks_like_one_of_somebody_else(under_test, alices):
    bob, texts = under_test.token("bob"), []
    for name in ("vol1", "vol2"):
        with pytest.raises(OwnershipDeniedError) as caught:
            under_test.call(bob, VolumeService.inspect, under_test.node.volumes, name)
        texts.append(caught.value.message.replace(name, "NAME"))
    assert texts[0] == texts[1]
    with pytest.raises(NotFoundError):
        under_test.call(under_test.admin, VolumeService.inspect, under_test.node.volumes, "vol2")


def test_owner_and_administrator_pass(under_test, alices):
    for token in (under_test.token("alice"), under_test.admin):
        status = under_test.call(token, VolumeService.inspect, under_test.node.volumes, alices.id)
        assert status.record.ownership.owner == "alice"


@pytest.mark.parametrize(
    ("access", "allowed"),
    [
        pytest.param(AccessType.READ, {"inspect"}, id="read"),
        pytest.param(AccessType.WRITE, {"inspect", "update", "detach"}, id="write"),
        pytest.param(AccessType.ADMIN, {"inspect", "update", "detach", "delete"}, id="admin"),
    ],
)
def test_a_collaborator_reaches_as_far_as_the_access_type(under_test, alices, access, allowed):
    acls = AccessControl(collaborators={"bob": access})
    under_test.call(
        under_test.token("alice"), VolumeService.update, under_test.node.volumes, "vol1", acls=acls
    )
    passed = set()
    for name in ("inspect", "update", "detach", "delete"):
        call, *arguments = OPERATIONS[name](under_test)
        try:
            under_test.call(under_test.token("bob"), call, *arguments)
        except OwnershipDeniedError:
            continue
        passed.add(name)
    assert passed == allowed


def test_enumerate_leaves_out_what_is_not_readable(under_test, alices):
    def names(token):
        return [
            s.record.name
            for s in under_test.call(
                token, VolumeListService.inspect_with_filters, under_test.node.volume_lists
            ).entries
        ]

    assert names(under_test.token("alice")) == ["vol1"]
    assert names(under_test.token("bob")) == []
    assert names(under_test.admin) == ["vol1"]


def test_a_taken_name_is_refused_without_more(under_test, alices):
    spec = VolumeSpec(name="vol1", size_bytes=16 * MIB)
    with pytest.raises(VolumeExistsError, match="owned by another user"):
        under_test.call(under_test.token("bob"), VolumeService.create, under_test.node.volumes, spec)


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        pytest.param(SecretsService.status, (), id="status"),
        pytest.param(SecretsService.set_cluster_key, ("key",), id="set"),
        pytest.param(SecretsService.rotate_cluster_key, (), id="rotate"),
    ],
)
def test_only_the_administrator_reaches_the_cluster_key(under_test, operation, arguments):
    with pytest.raises(RoleDeniedError, match=r"/openstorage\.api\.OpenStorageSecrets/"):
        under_test.call(under_test.token("alice"), operation, under_test.node.secrets, *arguments)


def test_an_admission_opens_only_its_own_operation(under_test, alices):
    admission = under_test.node.admit(under_test.token("alice"), VolumeService.inspect)
    with pytest.raises(InternalError):
        under_test.node.volumes.delete(admission, "vol1")


def test_a_role_change_acts_on_live_tokens_at_once(under_test):
    token = under_test.token("carol", roles=("team.reader",))
    role = Role("team.reader", (Rule(("identity",), ("*",)),))
    with pytest.raises(RoleDeniedError):
        under_test.call(token, StatusService.who_am_i, under_test.node.status)
    under_test.call(under_test.admin, RoleService.create, under_test.node.roles, role)
    assert under_test.call(token, StatusService.who_am_i, under_test.node.status).name == "carol"
    under_test.call(under_test.admin, RoleService.delete, under_test.node.roles, "team.reader")
    with pytest.raises(RoleDeniedError):
        under_test.call(token, StatusService.who_am_i, under_test.node.status)


def test_decisions_name_subject_rule_resource_and_peer_and_never_the_token(under_test, alices):
    token = under_test.token("alice")
    under_test.sink.lines.clear()
    under_test.call(token, VolumeService.inspect, under_test.node.volumes, "vol1")
    role, ownership = under_test.sink.lines
    assert (role["gate"], role["rule"], role["api"]) == ("role", "role system.user, rule 1", "volume.inspect")
    assert (ownership["gate"], ownership["rule"], ownership["resource"]) == ("ownership", "owner", alices.id)
    assert role["request"] == ownership["request"]
    assert (role["subject"], role["issuer"], role["peer"]) == ("alice", "test", "test")
    assert token not in str(under_test.sink.lines)


def test_without_a_working_audit_log_nothing_is_done(under_test, alices):
    under_test.sink.broken = True
    with pytest.raises(UnavailableError, match="audit log"):
        under_test.call(under_test.token("alice"), VolumeService.delete, under_test.node.volumes, "vol1")
    under_test.sink.broken = False
    under_test.call(under_test.token("alice"), VolumeService.inspect, under_test.node.volumes, "vol1")
