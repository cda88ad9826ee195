"""The life of volumes on one node: real LUKS2 files, real mounts, keys from a real provider."""

import base64
import os

import msgspec
import pytest
from tests.support.node_caller import Caller
from tests.support.node_under_test import new_node, release

from holdfast.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
    UnsupportedError,
)
from holdfast.model import SecretBytes
from holdfast.node.errors import (
    ClusterKeyExistsError,
    NoClusterKeyError,
    NotAttachedError,
    OwnershipDeniedError,
    VolumeExistsError,
    VolumeIncompleteError,
)
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.records import VolumeState
from holdfast.node.keys.secrets_service import SecretsService
from holdfast.node.volume.attach_service import AttachService
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.providers import ProviderUnavailableError, SecretDataError, SecretNotFoundError, SecretRef
from holdfast.providers.file import FileProvider
from holdfast.volumes.errors import ErasedVolumeError, VolumeBusyError, WrongKeyError

MIB = 1 << 20
CANARY = b"canary-content-that-must-not-be-seen"


def random_key():
    return SecretBytes(base64.b64encode(os.urandom(32)))


def test_write_unmount_and_read_again(alice, under_test):
    record = alice.create()
    target = under_test.directory("mnt")
    alice.host(AttachService.attach, "vol1")
    alice.host(AttachService.mount, "vol1", str(target))
    (target / "letter.txt").write_bytes(CANARY)
    alice.host(AttachService.unmount, "vol1", str(target))
    assert list(target.iterdir()) == []
    alice.host(AttachService.detach, "vol1")
    assert CANARY not in under_test.devices.file(record).path.read_bytes()
    alice.host(AttachService.attach, "vol1")
    alice.host(AttachService.mount, "vol1", str(target))
    assert (target / "letter.txt").read_bytes() == CANARY
    alice.host(AttachService.detach, "vol1", unmount=True)
    assert list(target.iterdir()) == []


def test_every_step_may_be_repeated(alice, under_test):
    record = alice.create()
    assert alice.create() == record
    target = str(under_test.directory("mnt"))
    for _ in range(2):
        alice.host(AttachService.attach, record.id)
    for _ in range(2):
        alice.host(AttachService.mount, record.id, target)
    for _ in range(2):
        alice.host(AttachService.unmount, record.id, target)
    for _ in range(2):
        alice.host(AttachService.detach, record.id)


def test_for_reading_only_nothing_is_changed_and_the_other_way_is_refused(alice, under_test):
    record = alice.create()
    target = under_test.directory("mnt")
    alice.host(AttachService.attach, "vol1", read_only=True)
    with pytest.raises(ConflictError, match="no file system yet"):
        alice.host(AttachService.mount, "vol1", str(target))
    with pytest.raises(VolumeBusyError, match="for reading only already"):
        alice.host(AttachService.attach, "vol1")
    alice.host(AttachService.detach, "vol1")
    alice.host(AttachService.attach, "vol1")
    alice.host(AttachService.mount, "vol1", str(target))
    (target / "letter.txt").write_bytes(CANARY)
    with pytest.raises(VolumeBusyError, match="for writing already"):
        alice.host(AttachService.attach, "vol1", read_only=True)
    alice.host(AttachService.detach, "vol1", unmount=True)
    before = under_test.devices.file(record).path.read_bytes()
    for _ in range(2):
        assert alice.host(AttachService.attach, "vol1", read_only=True).readonly
    alice.host(AttachService.mount, "vol1", str(target))
    assert (target / "letter.txt").read_bytes() == CANARY
    with pytest.raises(OSError, match="Read-only"):
        (target / "more.txt").write_bytes(b"no")
    alice.host(AttachService.detach, "vol1", unmount=True)
    assert under_test.devices.file(record).path.read_bytes() == before


def test_the_header_refers_to_the_key_by_provider_name_and_version(alice):
    record = alice.create()
    reference = alice.header(record).noted_key().reference
    assert (reference.provider, reference.path, reference.version) == ("file", "cluster-key", 1)
    assert len(alice.key()) == 44  # 32 bytes in base64


def test_without_a_cluster_key_there_is_no_encrypted_volume(under_test):
    spec = VolumeSpec(name="vol1", size_bytes=16 * MIB, encrypted=True)
    with pytest.raises(NoClusterKeyError, match="set-cluster-key"):
        under_test.call(under_test.token("alice"), VolumeService.create, under_test.node.volumes, spec)
    assert list(Catalog(under_test.storage).enumerate()) == []


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        pytest.param({"name": ""}, InvalidInputError, id="empty-name"),
        pytest.param({"name": "../x"}, InvalidInputError, id="path-as-name"),
        pytest.param({"name": "12345"}, InvalidInputError, id="name-like-an-id"),
        pytest.param({"name": "x" * 129}, InvalidInputError, id="huge-name"),
        pytest.param({"name": "a\nb"}, InvalidInputError, id="newline-in-name"),
        pytest.param({"size_bytes": 0}, InvalidInputError, id="no-size"),
        pytest.param({"size_bytes": -1}, InvalidInputError, id="negative-size"),
        pytest.param({"size_bytes": 1 << 49}, UnavailableError, id="larger-than-the-pool"),
        pytest.param({"size_bytes": 1 << 60}, InvalidInputError, id="absurd-size"),
        pytest.param({"file_system": "ntfs"}, InvalidInputError, id="other-file-system"),
        pytest.param(
            {"file_system": "xfs", "size_bytes": (300 << 20) - 1}, InvalidInputError, id="too-small-for-xfs"
        ),
        pytest.param({"secret_name": "nothing"}, SecretNotFoundError, id="missing-secret"),
        pytest.param({"secret_name": "two"}, SecretDataError, id="secret-with-two-values"),
        pytest.param({"secret_name": "/abs"}, InvalidInputError, id="secret-name-is-no-path"),
        pytest.param({"secret_name": "a", "own_key": True}, InvalidInputError, id="two-keys"),
        pytest.param({"labels": {"": "x"}}, InvalidInputError, id="label-without-name"),
        pytest.param({"labels": {str(i): "x" for i in range(65)}}, InvalidInputError, id="many-labels"),
    ],
)
def test_a_refused_creation_leaves_nothing(alice, under_test, fields, kind):
    under_test.provider.put(SecretRef("two"), SecretBytes(b'{"a": "1", "b": "2"}'))
    with pytest.raises(kind):
        alice.create(**fields)
    assert list(Catalog(under_test.storage).enumerate()) == []
    assert list(under_test.devices.pool.directory.glob("*.img")) == []


def test_the_same_name_with_another_size_is_refused(alice):
    alice.create()
    with pytest.raises(VolumeExistsError, match="another size"):
        alice.create(size_bytes=32 * MIB)


def test_mounting_needs_an_attached_volume_and_an_allowed_directory(alice, under_test, tmp_path):
    alice.create()
    with pytest.raises(NotAttachedError):
        alice.host(AttachService.mount, "vol1", str(under_test.directory("mnt")))
    alice.host(AttachService.attach, "vol1")
    (under_test.host_root / "link").symlink_to(tmp_path)
    for path, kind in (
        ("/etc", PermissionDeniedError),
        (str(under_test.host_root), PermissionDeniedError),
        (f"{under_test.host_root}/../pool", InvalidInputError),
        (f"{under_test.host_root}//mnt", InvalidInputError),
        (f"{under_test.host_root}/link", InvalidInputError),
        ("relative", InvalidInputError),
        ("", InvalidInputError),
        (f"{under_test.host_root}/none", NotFoundError),
    ):
        with pytest.raises(kind):
            alice.host(AttachService.mount, "vol1", path)
    alice.host(AttachService.detach, "vol1")


def test_a_mounted_volume_is_neither_detached_nor_deleted(alice, under_test):
    alice.create()
    target = under_test.directory("mnt")
    alice.host(AttachService.attach, "vol1")
    alice.host(AttachService.mount, "vol1", str(target))
    with pytest.raises(VolumeBusyError):
        alice.host(AttachService.detach, "vol1")
    with pytest.raises(VolumeBusyError):
        alice.volume(VolumeService.delete, "vol1")
    (target / "still").write_text("here")
    alice.host(AttachService.detach, "vol1", unmount=True)


class _Away(FileProvider):
    """A provider that can go away."""

    away = False

    def get(self, ref):
        if self.away:
            raise ProviderUnavailableError("the secrets provider is sealed; unseal it and try again")
        return super().get(ref)


def test_a_sealed_provider_refuses_attach_and_changes_nothing(tmp_path):
    provider = _Away(tmp_path / "secrets")
    under_test = new_node(tmp_path, provider=provider)
    alice = Caller(under_test)
    record = alice.create()
    before = under_test.devices.file(record).path.read_bytes()
    provider.away = True
    with pytest.raises(UnavailableError, match="is sealed; unseal it and try again"):
        alice.host(AttachService.attach, "vol1")
    with pytest.raises(UnavailableError):
        alice.create("vol2")
    assert under_test.devices.file(record).path.read_bytes() == before
    assert [r.name for r in Catalog(under_test.storage).enumerate()] == ["vol1"]
    provider.away = False
    alice.host(AttachService.attach, "vol1")
    release(under_test)


def test_a_wrong_key_does_not_open(alice, under_test):
    alice.create()
    under_test.provider.put(SecretRef("other"), random_key())
    with pytest.raises(WrongKeyError):
        alice.host(AttachService.attach, "vol1", secret_name="other")


class TestRotation:
    def rotate(self, under_test, **options):
        return under_test.call(
            under_test.admin, SecretsService.rotate_cluster_key, under_test.node.secrets, **options
        )

    def test_every_volume_opens_with_the_new_version_and_no_longer_with_the_old(self, alice, under_test):
        records = [alice.create("vol1"), alice.create("vol2")]
        report = self.rotate(under_test)
        assert report.key.version == 2
        assert all(outcome.rotated for outcome in report.outcomes)
        for record in records:
            header = alice.header(record)
            assert header.noted_key().reference.version == 2
            header.verify(alice.key(version=2))
            with pytest.raises(WrongKeyError):
                header.verify(alice.key(version=1))
        alice.host(AttachService.attach, "vol1")
        assert alice.create("vol3").key.version == 2

    def test_an_attached_volume_rotates_under_its_users(self, alice, under_test):
        alice.create()
        target = under_test.directory("mnt")
        alice.host(AttachService.attach, "vol1")
        alice.host(AttachService.mount, "vol1", str(target))
        assert self.rotate(under_test).outcomes[0].rotated
        (target / "after").write_text("rotation")
        alice.host(AttachService.detach, "vol1", unmount=True)

    def test_volumes_of_other_keys_are_left_alone(self, alice, under_test):
        under_test.provider.put(SecretRef("named"), random_key())
        alice.create("named", secret_name="named")
        alice.create("own", own_key=True)
        assert self.rotate(under_test).outcomes == ()

    def test_a_volume_that_cannot_move_keeps_its_key_and_follows_later(self, alice, under_test):
        record = alice.create()
        path = under_test.devices.file(record).path
        path.rename(path.with_suffix(".away"))
        (outcome,) = self.rotate(under_test).outcomes
        assert not outcome.rotated
        assert outcome.problem
        path.with_suffix(".away").rename(path)
        alice.header(record).verify(alice.key(version=1))
        (outcome,) = self.rotate(under_test, resume=True).outcomes
        assert outcome.rotated
        alice.header(record).verify(alice.key(version=2))
        assert self.rotate(under_test, resume=True).outcomes == ()

    def test_a_crash_between_header_and_record_is_healed_by_the_header(self, alice, under_test):
        record = alice.create()
        self.rotate(under_test)
        Catalog(under_test.storage).update(record.id, lambda _: record)  # the record as it was before
        alice.host(AttachService.attach, "vol1")
        alice.host(AttachService.detach, "vol1")
        (outcome,) = self.rotate(under_test, resume=True).outcomes
        assert outcome.rotated
        assert Catalog(under_test.storage).get(record.id).key.version == 2

    def test_one_volume_moves_to_a_named_secret_and_back(self, alice, under_test):
        record = alice.create()
        under_test.provider.put(SecretRef("named"), random_key())
        alice.volume(VolumeService.rotate_key, "vol1", secret_name="named")
        alice.header(record).verify(alice.key("named"))
        alice.volume(VolumeService.rotate_key, "vol1", secret_name="default")
        alice.header(record).verify(alice.key())
        with pytest.raises(WrongKeyError):
            alice.header(record).verify(alice.key("named"))


class TestClusterKey:
    def set(self, under_test, name, **options):
        return under_test.call(
            under_test.admin, SecretsService.set_cluster_key, under_test.node.secrets, name, **options
        )

    def test_a_missing_secret_is_found_out_at_once(self, under_test):
        with pytest.raises(SecretNotFoundError):
            self.set(under_test, "nothing")

    def test_it_is_not_replaced_by_accident(self, alice, under_test):
        under_test.provider.put(SecretRef("second"), random_key())
        self.set(under_test, "cluster-key")  # the same again is no error
        with pytest.raises(ClusterKeyExistsError, match="--overwrite"):
            self.set(under_test, "second")
        record = alice.create()
        self.set(under_test, "second", overwrite=True)
        alice.host(AttachService.attach, "vol1")  # the old volume finds its old key
        alice.host(AttachService.detach, "vol1")
        rotation = under_test.call(
            under_test.admin, SecretsService.rotate_cluster_key, under_test.node.secrets, resume=True
        )
        assert [outcome.rotated for outcome in rotation.outcomes] == [True]
        alice.header(record).verify(alice.key("second"))

    def test_one_that_is_configured_and_nowhere_is_named_as_that(self, tmp_path):
        under_test = new_node(tmp_path, configured_cluster_key="from-config")
        status = under_test.call(under_test.admin, SecretsService.status, under_test.node.secrets)
        assert status.provider.usable
        (note,) = status.provider.notes
        assert note.startswith("the cluster-wide key cannot be had: No Secret Data found")
        spec = VolumeSpec(name="vol1", size_bytes=16 << 20, encrypted=True)
        with pytest.raises(SecretNotFoundError, match="the cluster-wide key is not in the provider"):
            under_test.call(under_test.token("alice"), VolumeService.create, under_test.node.volumes, spec)
        assert Catalog(under_test.storage).find("vol1") is None

    def test_one_set_through_the_api_wins_over_the_configured_one(self, tmp_path):
        under_test = new_node(tmp_path, configured_cluster_key="from-config")
        under_test.provider.put(SecretRef("from-config"), random_key())
        spec = VolumeSpec(name="vol1", size_bytes=16 * MIB, encrypted=True)
        record = under_test.call(under_test.token("a"), VolumeService.create, under_test.node.volumes, spec)
        assert (record.key.name, record.key.version) == ("from-config", 1)
        self.set(under_test, "from-api", generate=True)
        under_test.stop()
        again = new_node(
            tmp_path,
            configured_cluster_key="from-config",
            storage=under_test.storage,
            provider=under_test.provider,
        )
        status = again.call(again.admin, SecretsService.status, again.node.secrets)
        assert (status.cluster_key.name, status.source) == ("from-api", "stored")
        assert status.volumes == {"from-config@1": 1}


class TestDelete:
    def test_no_key_ever_held_opens_it_again(self, alice, under_test):
        record = alice.create()
        copy = under_test.devices.file(record).path.with_suffix(".kept")
        under_test.call(under_test.admin, SecretsService.rotate_cluster_key, under_test.node.secrets)
        path = under_test.devices.file(record).path
        copy.hardlink_to(path)  # what a user keeps hold of is the same, erased, file
        report = alice.volume(VolumeService.delete, "vol1")
        assert report.erased.destroyed
        assert report.own_key_destroyed is None
        assert not path.exists()
        copy.rename(path)
        for version in (1, 2):
            with pytest.raises(ErasedVolumeError):
                alice.header(record).verify(alice.key(version=version))
        path.unlink()
        with pytest.raises(OwnershipDeniedError):
            alice.volume(VolumeService.inspect, "vol1")

    def test_a_key_of_its_own_dies_with_the_volume(self, alice, under_test):
        record = alice.create(own_key=True)
        assert record.key.name == f"holdfast/volumes/{record.id}"
        under_test.provider.get(SecretRef(record.key.name))
        assert alice.volume(VolumeService.delete, "vol1").own_key_destroyed is True
        with pytest.raises(SecretNotFoundError):
            under_test.provider.get(SecretRef(record.key.name))

    def test_a_named_secret_survives(self, alice, under_test):
        under_test.provider.put(SecretRef("named"), random_key())
        alice.create(secret_name="named")
        alice.volume(VolumeService.delete, "vol1")
        assert alice.key("named")

    def test_the_name_is_free_again(self, alice):
        first = alice.create()
        alice.volume(VolumeService.delete, "vol1")
        assert alice.create().id != first.id


class TestInterruptedCreation:
    @pytest.mark.parametrize("left", ["record-only", "blank-file", "formatted"])
    def test_the_same_request_again_finishes_it(self, alice, under_test, left):
        record = alice.create(own_key=True)
        path = under_test.devices.file(record).path
        Catalog(under_test.storage).update(record.id, _prepared)
        if left == "record-only":
            path.unlink()
        elif left == "blank-file":
            size = path.stat().st_size
            path.write_bytes(b"")
            with path.open("r+b") as file:
                file.truncate(size)
        with pytest.raises(VolumeIncompleteError, match="create it again"):
            alice.host(AttachService.attach, "vol1")
        assert alice.create(own_key=True).state is VolumeState.FORMATTED
        alice.host(AttachService.attach, "vol1")

    def test_or_it_can_be_deleted(self, alice, under_test):
        record = alice.create()
        under_test.devices.file(record).path.unlink()
        Catalog(under_test.storage).update(record.id, _prepared)
        report = alice.volume(VolumeService.delete, "vol1")
        assert "there was no backing file" in report.remarks


def _prepared(record):
    import msgspec

    return msgspec.structs.replace(record, state=VolumeState.PREPARED)


class TestWithoutPrivileges:
    @pytest.fixture
    def copying(self, tmp_path):
        return Caller(new_node(tmp_path, attaching=False))

    def test_trees_go_in_and_out(self, copying, tmp_path):
        record = copying.create()
        source = copying.t.directory("source")
        (source / "letter.txt").write_bytes(CANARY)
        copying.host(AttachService.import_tree, "vol1", str(source))
        assert CANARY not in copying.t.devices.file(record).path.read_bytes()
        target = copying.t.directory("target")
        copying.host(AttachService.export_tree, "vol1", str(target))
        assert (target / "letter.txt").read_bytes() == CANARY

    def test_attach_says_why_not_and_what_to_do_instead(self, copying):
        copying.create()
        with pytest.raises(UnsupportedError, match=r"switched off by the test.*volume import"):
            copying.host(AttachService.attach, "vol1")

    def test_only_allowed_directories_are_read(self, copying):
        copying.create()
        with pytest.raises(PermissionDeniedError):
            copying.host(AttachService.import_tree, "vol1", "/etc")


def test_an_attached_volume_is_not_copied_over(alice, under_test):
    alice.create()
    alice.host(AttachService.attach, "vol1")
    source = str(under_test.directory("source"))
    with pytest.raises(VolumeBusyError, match="detach it first"):
        alice.host(AttachService.import_tree, "vol1", source)


def test_a_restarted_node_knows_what_is_attached(alice, under_test, tmp_path):
    record = alice.create()
    device = alice.host(AttachService.attach, "vol1").device
    under_test.stop()
    again = new_node(tmp_path, storage=under_test.storage, provider=under_test.provider)
    status = again.call(again.token("alice"), VolumeService.inspect, again.node.volumes, record.id)
    assert status.state.attachment.device == device


def test_a_plain_volume_that_was_not_deleted_as_it_is_attached_can_be_detached_and_deleted(alice, under_test):
    alice.volume(VolumeService.create, VolumeSpec(name="plain", size_bytes=16 * MIB))
    alice.host(AttachService.attach, "plain")
    with pytest.raises(VolumeBusyError):
        alice.volume(VolumeService.delete, "plain")
    alice.host(AttachService.detach, "plain")
    alice.host(AttachService.attach, "plain")  # nothing was begun
    catalog = Catalog(under_test.storage)
    # as a node of before has left it, which began to remove it all the same
    catalog.update(
        catalog.find("plain").id, lambda now: msgspec.structs.replace(now, state=VolumeState.REMOVING)
    )
    alice.host(AttachService.detach, "plain")
    with pytest.raises(VolumeIncompleteError):
        alice.host(AttachService.attach, "plain")
    alice.volume(VolumeService.delete, "plain")


def test_a_plain_volume_has_no_key_to_rotate(alice):
    alice.volume(VolumeService.create, VolumeSpec(name="plain", size_bytes=16 * MIB))
    with pytest.raises(ConflictError, match="not encrypted"):
        alice.volume(VolumeService.rotate_key, "plain")
