"""Who waits for his turn at a volume and loses his rights meanwhile does nothing to it when it comes.

Every API about a volume has its row: what it does while somebody else has the volume's turn. So a new one
cannot be forgotten, and neither can one that begins to wait.
"""

import ast
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest

import holdfast.node
from holdfast.errors import InternalError
from holdfast.model import SecretBytes
from holdfast.node import apis
from holdfast.node.cluster.locks import VolumeLocks, by_role_alone
from holdfast.node.errors import OwnershipDeniedError, RoleDeniedError
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.records import VolumeState
from holdfast.node.keys.secrets_service import SecretsService
from holdfast.node.keys.volume_key_service import VolumeKeyService
from holdfast.node.roles.role_service import RoleService
from holdfast.node.schedules.snapshot_plan_service import SnapshotPlanService
from holdfast.node.volume.attach_service import AttachService
from holdfast.node.volume.file_list_service import FileListService
from holdfast.node.volume.snapshot_service import CloneSpec, SnapshotService
from holdfast.node.volume.usage_service import UsageService
from holdfast.node.volume.volume_listing import VolumeFilter, VolumeListService
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.policy.ownership import AccessControl, AccessType
from holdfast.policy.ownership_change import AccessChange
from holdfast.policy.roles import Role, Rule

PATIENCE_SECONDS = 60.0
SIZE = 16 << 20
SPEC = VolumeSpec(name="vol1", size_bytes=SIZE, acls=AccessControl(collaborators={"bob": AccessType.ADMIN}))
WHOLE_NODE = Path(holdfast.node.__file__).parent


@dataclass(frozen=True)
class Waiting:
    """A call that waits.

    Attributes:
        call: the operation, its service and its arguments.
        held: the volume at which somebody else is.
        lost: the volume that is taken away from the caller meanwhile.
        asked: how often the third gate is passed before the wait.
        encrypted: whether it is about a volume with a key.
        snapshot: whether the volume needs one.
        before: what is done before.
        in_background: what the log says of work that goes on after the answer; empty for a call that waits.
    """

    call: Callable
    held: str = "vol1"
    lost: str = "vol1"
    asked: int = 1
    encrypted: bool = False
    snapshot: bool = False
    before: Callable = lambda t: None
    in_background: str = ""


def _prepared(t) -> None:
    catalog = Catalog(t.storage)
    catalog.update(
        catalog.find("vol1").id, lambda now: msgspec.structs.replace(now, state=VolumeState.PREPARED)
    )


def _prepared_clone(t) -> None:
    catalog = Catalog(t.storage)
    volume = catalog.find("vol1")
    catalog.insert(
        msgspec.structs.replace(
            volume, id="12345", name="clone1", parent=volume.id, state=VolumeState.PREPARED
        )
    )


def _of(operation, service, *arguments, **named):
    return lambda node: (operation, getattr(node, service), *arguments, named)


CLONE = _of(SnapshotService.clone, "snapshots", CloneSpec(name="clone1", parent="vol1"))
RESTORE = _of(SnapshotService.restore, "snapshots", "vol1", "snap1")
RECOVER = _of(VolumeKeyService.recover, "volume_keys", "vol1", SecretBytes(b"key"))

WAITING = {
    "create-again": Waiting(_of(VolumeService.create, "volumes", SPEC), before=_prepared),
    "resize": Waiting(_of(VolumeService.update, "volumes", "vol1", size_bytes=2 * SIZE)),
    "delete": Waiting(_of(VolumeService.delete, "volumes", "vol1")),
    "snapshot": Waiting(_of(SnapshotService.create, "snapshots", "vol1", "snap2")),
    "clone": Waiting(CLONE),
    "clone-again": Waiting(CLONE, held="clone1", asked=2, before=_prepared_clone),
    "restore": Waiting(RESTORE, asked=2, snapshot=True),
    "restore-at-the-snapshot": Waiting(RESTORE, held="snap1", asked=2, snapshot=True),
    "restore-without-the-snapshot": Waiting(RESTORE, lost="snap1", asked=2, snapshot=True),
    "rotate": Waiting(_of(VolumeService.rotate_key, "volumes", "vol1"), encrypted=True),
    "reencrypt": Waiting(
        _of(VolumeKeyService.reencrypt, "volume_keys", "vol1"),
        encrypted=True,
        in_background="not re-encrypted: Access denied to volume",
    ),
    "recovery-key": Waiting(_of(VolumeKeyService.add_recovery_key, "volume_keys", "vol1"), encrypted=True),
    "no-recovery-key": Waiting(_of(VolumeKeyService.remove_recovery_key, "volume_keys", "vol1")),
    "recover": Waiting(RECOVER),
    "attach": Waiting(_of(AttachService.attach, "attachments", "vol1")),
    "detach": Waiting(_of(AttachService.detach, "attachments", "vol1")),
    "format": Waiting(_of(AttachService.format, "attachments", "vol1")),
    "mount": Waiting(_of(AttachService.mount, "attachments", "vol1", "/mnt/x")),
    "unmount": Waiting(_of(AttachService.unmount, "attachments", "vol1", "/mnt/x")),
    "import": Waiting(_of(AttachService.import_tree, "attachments", "vol1", "/mnt/x")),
    "files": Waiting(_of(FileListService.files, "files", "vol1")),
    "export": Waiting(_of(AttachService.export_tree, "attachments", "vol1", "/mnt/x")),
}
AT_ONCE = {
    "inspect": _of(VolumeService.inspect, "volumes", "vol1"),
    "enumerate": _of(VolumeListService.enumerate, "volume_lists"),
    "enumerate-some": _of(VolumeListService.enumerate_with_filters, "volume_lists", VolumeFilter()),
    "inspect-some": _of(VolumeListService.inspect_with_filters, "volume_lists"),
    "relabel": _of(VolumeService.update, "volumes", "vol1", labels={"a": "b"}),
    "access": _of(VolumeService.update_access, "volumes", "vol1", AccessChange()),
    "doctor": _of(VolumeKeyService.examine, "volume_keys", ["vol1"]),
    "reencryption": _of(VolumeKeyService.reencryption_status, "volume_keys", "vol1"),
    "stats": _of(UsageService.stats, "usage", "vol1"),
    "capacity": _of(UsageService.capacity_usage, "usage", "vol1"),
    "snapshots": _of(SnapshotService.enumerate, "snapshots", "vol1"),
    "plan": _of(SnapshotPlanService.update, "snapshot_plans", "vol1", []),
    "plan-shown": _of(SnapshotPlanService.inspect, "snapshot_plans", "vol1"),
    "some-snapshots": _of(SnapshotService.enumerate_with_filters, "snapshots"),
}


def test_every_api_about_a_volume_has_its_row():
    stated = {api for api in apis.ALL if api.service in {"Volume", "MountAttach"}}
    rows = [*(row.call for row in WAITING.values()), *AT_ONCE.values()]
    assert {call(_Names())[0].api for call in rows} == stated


@pytest.mark.parametrize("name", WAITING)
def test_rights_are_asked_about_again_when_the_turn_has_come(under_test, name):
    t, row = under_test, WAITING[name]
    _volume(t, row)
    outcome, refusals = _outcome_of(t, row, lambda: _take_away(t, row.lost))
    if row.in_background:
        assert _eventually(lambda: _reasons(t, row.in_background))
        refusals = [line for line in t.sink.lines if line["decision"] == "denied"]
    else:
        assert isinstance(outcome, OwnershipDeniedError)
    (refusal,) = refusals
    assert (refusal["gate"], refusal["user"]) == ("ownership", "bob")


@pytest.mark.parametrize("name", ["resize", "attach", "delete"])
def test_a_role_that_is_changed_meanwhile_opens_nothing_more(under_test, name):
    t, row = under_test, WAITING[name]
    every, none = Rule(("volume", "mountattach"), ("*",)), Rule(("identity",), ("*",))
    t.call(t.admin, RoleService.create, t.node.roles, Role("team", (every,)))
    _volume(t, row)
    change = Role("team", (none,))
    outcome, (refusal,) = _outcome_of(
        t, row, lambda: t.call(t.admin, RoleService.update, t.node.roles, change), role="team"
    )
    assert isinstance(outcome, RoleDeniedError)
    assert (refusal["gate"], refusal["user"]) == ("role", "bob")


@pytest.mark.parametrize("name", AT_ONCE)
def test_what_needs_no_turn_waits_for_none(under_test, name):
    t = under_test
    _volume(t, Waiting(AT_ONCE[name], encrypted=name == "reencryption"))
    operation, service, *arguments, named = AT_ONCE[name](t.node)
    with _locks(t).turn(Catalog(t.storage).find("vol1").id, by_role_alone):
        t.call(t.token("bob"), operation, service, *arguments, **named)


def test_a_turn_is_had_without_asking_only_where_there_is_nothing_to_ask_about():
    """By role alone, or as nobody's: each place is named here, with the reason beside it in the code."""
    names = {"by_role_alone", "making", "claimed", "_holding"}
    texts = {path: path.read_text() for path in WHOLE_NODE.rglob("*.py") if path.name != "locks.py"}
    places = {
        (path.name, function.name)
        for path, text in texts.items()
        if any(name in text for name in names)
        for function in ast.walk(ast.parse(text))
        if isinstance(function, ast.FunctionDef) and function.name not in names
        for node in ast.walk(function)
        if getattr(node, "id", "") in names or getattr(node, "attr", "") in names
    }
    assert places == {
        ("volume_service.py", "create"),  # of a volume that the same request has just recorded
        ("snapshot_service.py", "_finish"),  # of a copy that is no volume yet
        ("work.py", "restore"),  # likewise
        ("attach_service.py", "release"),  # another node asked for it, with the right of whoever asked there
        ("key_rotation.py", "_try_rotate"),  # the cluster-wide key is everybody's, and its role's to change
    }


def test_a_volume_that_is_there_is_not_had_as_one_that_is_made(under_test):
    _volume(under_test, Waiting(CLONE))
    record = Catalog(under_test.storage).find("vol1")
    with pytest.raises(InternalError), _locks(under_test).making(record.id):
        raise AssertionError("the turn was had without asking")


def _volume(t, row: Waiting) -> None:
    if row.encrypted:
        t.call(t.admin, SecretsService.set_cluster_key, t.node.secrets, "cluster-key", generate=True)
    alice = t.token("alice")
    t.call(alice, VolumeService.create, t.node.volumes, replace(SPEC, encrypted=row.encrypted))
    if row.snapshot:
        t.call(alice, SnapshotService.create, t.node.snapshots, "vol1", "snap1")
    row.before(t)


def _outcome_of(t, row: Waiting, meanwhile: Callable, *, role: str = "system.user") -> tuple[object, list]:
    """Have Bob call while somebody else is at the volume; return what he got, and the refusals in the log."""
    operation, service, *arguments, named = row.call(t.node)
    bob, outcome = t.token("bob", roles=(role,)), []
    before = len(t.sink.lines)

    def act() -> None:
        try:
            outcome.append(t.call(bob, operation, service, *arguments, **named))
        except Exception as error:  # noqa: BLE001 - looked at by the test
            outcome.append(error)

    waiting = threading.Thread(target=act, daemon=True)
    with _locks(t).turn(Catalog(t.storage).find(row.held).id, by_role_alone):
        waiting.start()
        assert _eventually(
            lambda: outcome or (not row.in_background and _passed(t.sink.lines[before:]) == row.asked)
        )
        assert bool(outcome) == bool(row.in_background)
        meanwhile()
    waiting.join(PATIENCE_SECONDS)
    return outcome[0], [line for line in t.sink.lines[before:] if line["decision"] == "denied"]


def _take_away(t, name: str) -> None:
    """End what Bob may do with a volume. Alice has the right to that, and needs no turn for it."""
    t.call(t.token("alice"), VolumeService.update, t.node.volumes, name, acls=AccessControl())


def _locks(t) -> VolumeLocks:
    return t.node.volumes._locks


def _passed(lines: list[dict]) -> int:
    """How often Bob has passed the third gate."""
    return sum((line.get("gate"), line["user"]) == ("ownership", "bob") for line in lines)


def _reasons(t, beginning: str) -> list[str]:
    return [line["reason"] for line in t.sink.lines if line.get("reason", "").startswith(beginning)]


def _eventually(true: Callable[[], object]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


class _Names:
    def __getattr__(self, name):
        return self
