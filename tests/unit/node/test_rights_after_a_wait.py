"""Who waits for his turn at a volume and loses his rights meanwhile does nothing to it when it comes."""

import threading
import time

import pytest

from holdfast.node.errors import OwnershipDeniedError
from holdfast.node.keys.secrets_service import SecretsService
from holdfast.node.keys.volume_key_service import VolumeKeyService
from holdfast.node.volume.attach_service import AttachService
from holdfast.node.volume.snapshot_service import CloneSpec, SnapshotService
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.policy.ownership import AccessControl, AccessType

PATIENCE_SECONDS = 20.0
CALLS = {
    "delete": lambda node: (VolumeService.delete, node.volumes, "vol1"),
    "attach": lambda node: (AttachService.attach, node.attachments, "vol1"),
    "snapshot": lambda node: (SnapshotService.create, node.snapshots, "vol1", "snap2"),
    "restore": lambda node: (SnapshotService.restore, node.snapshots, "vol1", "snap1"),
    "clone": lambda node: (SnapshotService.clone, node.snapshots, CloneSpec(name="clone1", parent="vol1")),
    "rotate": lambda node: (VolumeService.rotate_key, node.volumes, "vol1"),
    "recovery-key": lambda node: (VolumeKeyService.add_recovery_key, node.volume_keys, "vol1"),
}


@pytest.mark.parametrize("name", CALLS)
def test_rights_are_asked_about_again_when_the_turn_has_come(under_test, name):
    t, node = under_test, under_test.node
    alice, bob = t.token("alice"), t.token("bob")
    t.call(t.admin, SecretsService.set_cluster_key, node.secrets, "cluster-key", generate=True)
    acls = AccessControl(collaborators={"bob": AccessType.ADMIN})
    spec = VolumeSpec(name="vol1", size_bytes=16 << 20, encrypted=True, acls=acls)
    record = t.call(alice, VolumeService.create, node.volumes, spec)
    t.call(alice, SnapshotService.create, node.snapshots, "vol1", "snap1")
    outcome: list[object] = []

    def act() -> None:
        try:
            outcome.append(t.call(bob, *CALLS[name](node)))
        except OwnershipDeniedError as error:
            outcome.append(error)

    waiting = threading.Thread(target=act, daemon=True)
    before = len(t.sink.lines)
    with node.volumes._locks.holding(record.id):
        waiting.start()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not _passed(t.sink.lines[before:], name) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert waiting.is_alive()
        t.call(alice, VolumeService.update, node.volumes, "vol1", acls=AccessControl())
    waiting.join(PATIENCE_SECONDS)
    assert isinstance(outcome[0], OwnershipDeniedError)
    refusal = t.sink.lines[-1]
    assert (refusal["decision"], refusal["gate"], refusal["user"]) == ("denied", "ownership", "bob")


def _passed(lines: list[dict], name: str) -> bool:
    """Whether Bob has passed the third gate, as often as the call asks there before it waits."""
    passed = [line for line in lines if (line.get("gate"), line.get("user")) == ("ownership", "bob")]
    return len(passed) == (2 if name == "restore" else 1)
