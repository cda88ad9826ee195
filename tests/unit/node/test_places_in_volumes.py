"""What lies in a mounted volume is its owner's, also on the host: others neither copy nor mount there."""

import pytest
from tests.support.node_under_test import NodeUnderTest

from holdfast.errors import PermissionDeniedError
from holdfast.node.keys.secrets_service import SecretsService
from holdfast.node.volume.attach_service import AttachService
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.policy.ownership import AccessControl, AccessType

MIB = 1 << 20


class User:
    """Somebody with an encrypted volume, which is called as he is."""

    def __init__(self, made: NodeUnderTest, name: str, acls: AccessControl | None = None) -> None:
        self.made, self.name = made, name
        spec = VolumeSpec(name=name, size_bytes=16 * MIB, encrypted=True, acls=acls)
        made.call(made.token(name), VolumeService.create, made.node.volumes, spec)

    def host(self, operation, *args, volume=""):
        node = self.made.node.attachments
        return self.made.call(self.made.token(self.name), operation, node, volume or self.name, *args)

    def mounts(self, path):
        self.host(AttachService.attach)
        self.host(AttachService.mount, str(path))


@pytest.fixture
def made(under_test):
    call, secrets = under_test.call, under_test.node.secrets
    call(under_test.admin, SecretsService.set_cluster_key, secrets, "cluster-key", generate=True)
    return under_test


@pytest.fixture
def place(made):
    """Where Alice's volume is mounted, two levels below the allowed root."""
    place = made.directory("team") / "alice"
    place.mkdir()
    User(made, "alice").mounts(place)
    (place / "letter.txt").write_text("for Alice alone")
    (place / "empty").mkdir()
    return place


def test_no_tree_is_copied_out_of_or_into_a_mounted_volume(made, place):
    bob = User(made, "bob")
    for operation in (AttachService.import_tree, AttachService.export_tree):
        for path in (place, place / "empty", place.parent):
            with pytest.raises(PermissionDeniedError, match="outside of mounted volumes"):
                bob.host(operation, str(path))
    assert sorted(entry.name for entry in place.iterdir()) == ["empty", "letter.txt", "lost+found"]


def test_not_of_ones_own_either_as_its_users_could_lead_the_copy_elsewhere(made):
    other = User(made, "carol")
    other.mounts(made.directory("carol"))
    (made.host_root / "carol" / "tree").mkdir()
    spec = VolumeSpec(name="carol2", size_bytes=16 * MIB, encrypted=True)
    made.call(made.token("carol"), VolumeService.create, made.node.volumes, spec)
    with pytest.raises(PermissionDeniedError):
        other.host(AttachService.import_tree, str(made.host_root / "carol" / "tree"), volume="carol2")


def test_nobody_mounts_in_or_over_a_volume_that_he_may_not_write_to(made, place):
    bob = User(made, "bob")
    bob.host(AttachService.attach)
    for path in (place / "empty", place.parent):
        with pytest.raises(PermissionDeniedError, match="may write to"):
            bob.host(AttachService.mount, str(path))
    assert (place / "letter.txt").read_text() == "for Alice alone"
    refusal = made.sink.lines[-1]
    assert (refusal["decision"], refusal["gate"], refusal["user"]) == ("denied", "ownership", "bob")


def test_a_volume_is_mounted_in_one_that_the_caller_may_write_to(made):
    outer = made.directory("outer")
    User(made, "dave", AccessControl(collaborators={"erin": AccessType.WRITE})).mounts(outer)
    (outer / "inner").mkdir()
    erin = User(made, "erin")
    erin.mounts(outer / "inner")
    (outer / "inner" / "note").write_text("of Erin")
    erin.host(AttachService.unmount, str(outer / "inner"))
    assert list((outer / "inner").iterdir()) == []
