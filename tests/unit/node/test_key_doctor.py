"""The key doctor finds each volume whose key is missing, old or unreadable, and changes nothing."""

import base64
import os

import pytest
from tests.support.node_under_test import new_node

from holdfast.errors import PermissionDeniedError
from holdfast.model import SecretBytes
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.keys.key_doctor import HEALTHY, Verdict
from holdfast.node.keys.secrets_service import SecretsService
from holdfast.node.keys.volume_key_service import VolumeKeyService
from holdfast.node.volume.snapshot_service import SnapshotService
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.providers import ProviderUnavailableError, SecretRef
from holdfast.providers.file import FileProvider
from holdfast.volumes.luks_header import LuksHeader

KEY = "cluster-key"


class SealableProvider(FileProvider):
    """A provider in files that can be sealed, and counts what it is asked for."""

    is_sealed = False
    asked = 0

    def get(self, ref):
        self.asked += 1
        if self.is_sealed:
            raise ProviderUnavailableError("sealed")
        return super().get(ref)


@pytest.fixture
def under_test(tmp_path):
    made = new_node(tmp_path, provider=SealableProvider(tmp_path / "secrets"), attaching=False)
    made.call(made.admin, SecretsService.set_cluster_key, made.node.secrets, KEY, generate=True)
    return made


def random_key():
    return SecretBytes(base64.b64encode(os.urandom(32)))


def create(under_test, name, *, owner="alice", encrypted=True, **spec):
    wanted = VolumeSpec(name=name, size_bytes=4 << 20, encrypted=encrypted, **spec)
    return under_test.call(under_test.token(owner), VolumeService.create, under_test.node.volumes, wanted)


def examine(under_test, *references, token=None, **options):
    service = under_test.node.volume_keys
    return under_test.call(
        token or under_test.admin, VolumeKeyService.examine, service, references, **options
    )


def rotate(under_test):
    under_test.call(under_test.admin, SecretsService.rotate_cluster_key, under_test.node.secrets)


def file_of(under_test, record):
    return under_test.devices.file(record).path


def missing(t, record):
    t.provider.destroy(SecretRef("named"))


def sealed(t, record):
    t.provider.is_sealed = True


def wrong(t, record):
    with t.provider.get(SecretRef("named")).value as key, random_key() as other:
        header = LuksHeader(t.devices.file(record))
        slot = header.add_key(key, other)
        header.kill_slot(1 - slot, surviving_key=other)


def no_file(t, record):
    file_of(t, record).unlink()


def damaged(t, record):
    with file_of(t, record).open("r+b") as file:
        file.write(bytes(1 << 20))


def erased(t, record):
    LuksHeader(t.devices.file(record)).erase()


def healthy(t, record):
    """Nothing is done to it."""


@pytest.mark.parametrize(
    ("harm", "verdict"),
    [
        (healthy, Verdict.GOOD),
        (missing, Verdict.MISSING),
        (sealed, Verdict.UNREADABLE),
        (wrong, Verdict.WRONG),
        (no_file, Verdict.NO_FILE),
        (damaged, Verdict.BAD_HEADER),
        (erased, Verdict.ERASED),
    ],
)
def test_what_is_wrong_with_a_volume_is_found(under_test, harm, verdict):
    under_test.provider.put(SecretRef("named"), random_key())
    record = create(under_test, "vol1", secret_name="named")
    harm(under_test, record)
    (finding,) = examine(under_test, "vol1")
    assert finding.verdict is verdict
    assert bool(finding.problem) == bool(finding.advice) == (verdict not in HEALTHY)


def test_an_old_version_of_the_cluster_key_is_told_until_the_volume_moves(under_test):
    record = create(under_test, "vol1")
    path = file_of(under_test, record)
    path.rename(path.with_suffix(".away"))
    rotate(under_test)
    path.with_suffix(".away").rename(path)
    (finding,) = examine(under_test, "vol1")
    assert (finding.verdict, finding.reference.version) == (Verdict.OLD, 1)
    under_test.call(under_test.admin, SecretsService.rotate_cluster_key, under_test.node.secrets, resume=True)
    (finding,) = examine(under_test, "vol1")
    assert (finding.verdict, finding.reference.version) == (Verdict.GOOD, 2)


def test_an_old_version_of_a_named_secret_is_told_before_the_provider_forgets_it(under_test):
    under_test.provider.put(SecretRef("named"), random_key())
    create(under_test, "vol1", secret_name="named")
    create(under_test, "vol2", secret_name="named")
    under_test.provider.put(SecretRef("named"), random_key())
    under_test.provider.asked = 0
    findings = examine(under_test)
    assert {(finding.verdict, finding.reference.version) for finding in findings} == {(Verdict.OLD, 1)}
    assert under_test.provider.asked == 2  # the key, and which version is the newest
    alice = under_test.token("alice")
    under_test.call(alice, VolumeService.rotate_key, under_test.node.volumes, "vol1")
    (finding,) = examine(under_test, "vol1")
    assert (finding.verdict, finding.reference.version) == (Verdict.GOOD, 2)


def test_a_key_of_its_own_is_never_old(under_test):
    create(under_test, "vol1", own_key=True)
    under_test.call(
        under_test.token("alice"), SnapshotService.create, under_test.node.snapshots, "vol1", "snap1"
    )
    under_test.call(under_test.token("alice"), VolumeService.rotate_key, under_test.node.volumes, "vol1")
    assert {finding.verdict for finding in examine(under_test)} == {Verdict.GOOD}


def test_a_disk_that_cannot_be_read_is_told_from_a_damaged_header(under_test, monkeypatch):
    create(under_test, "vol1")
    monkeypatch.setattr(LuksHeader, "noted_key", lambda *_: (_ for _ in ()).throw(OSError(5, "I/O error")))
    (finding,) = examine(under_test, "vol1")
    assert (finding.verdict, finding.problem) == (Verdict.BAD_HEADER, "its file cannot be read (I/O error)")


def test_the_header_counts_and_not_the_record(under_test):
    record = create(under_test, "vol1")
    rotate(under_test)
    Catalog(under_test.storage).update(record.id, lambda _: record)
    (finding,) = examine(under_test, "vol1")
    assert (finding.verdict, finding.reference.version) == (Verdict.GOOD, 2)


def test_a_creation_that_was_interrupted_is_told_apart_from_a_loss(under_test, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(LuksHeader, "format", stop)
    with pytest.raises(KeyboardInterrupt):
        create(under_test, "vol1")
    (finding,) = examine(under_test, "vol1")
    assert finding.verdict is Verdict.UNFINISHED


def test_a_key_is_asked_for_once_however_many_volumes_it_opens(under_test):
    for number in range(5):
        create(under_test, f"vol{number}")
    under_test.provider.asked = 0
    assert {finding.verdict for finding in examine(under_test)} == {Verdict.GOOD}
    assert under_test.provider.asked == 1


def test_without_proof_no_header_is_opened(under_test, monkeypatch):
    create(under_test, "vol1")
    monkeypatch.setattr(LuksHeader, "verify", lambda *_: pytest.fail("a keyslot was tried"))
    (finding,) = examine(under_test, prove=False)
    assert finding.verdict is Verdict.UNPROVEN


def test_who_asks_is_told_of_what_he_may_read_and_of_nothing_else(under_test):
    create(under_test, "of-alice")
    create(under_test, "of-bob", owner="bob")
    create(under_test, "plain", encrypted=False)
    assert [finding.name for finding in examine(under_test, token=under_test.token("alice"))] == ["of-alice"]
    with pytest.raises(PermissionDeniedError):
        examine(under_test, "of-bob", token=under_test.token("alice"))
    assert {finding.name for finding in examine(under_test)} == {"of-alice", "of-bob"}


def test_nothing_is_changed(under_test):
    record = create(under_test, "vol1")
    before = file_of(under_test, record).read_bytes()
    examine(under_test)
    assert file_of(under_test, record).read_bytes() == before
