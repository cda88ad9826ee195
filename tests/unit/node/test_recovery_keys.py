"""Recovery keys through the gates: handed out once, to who has every right, and good on the worst day."""

import base64
import os

import pytest
from tests.support.gpg import GpgHome
from tests.support.node_under_test import new_node

from holdfast.errors import ConflictError, InvalidInputError, PermissionDeniedError
from holdfast.model import SecretBytes
from holdfast.node.keys.key_doctor import Verdict
from holdfast.node.keys.secrets_service import SecretsService
from holdfast.node.keys.volume_key_service import VolumeKeyService
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.policy.ownership import AccessControl, AccessType
from holdfast.providers import SecretNotFoundError, SecretRef
from holdfast.volumes.errors import WrongKeyError
from holdfast.volumes.luks_header import LuksHeader

KEY = "cluster-key"


@pytest.fixture
def under_test(tmp_path):
    made = new_node(tmp_path, attaching=False)
    made.call(made.admin, SecretsService.set_cluster_key, made.node.secrets, KEY, generate=True)
    return made


def create(under_test, name="vol1", **spec):
    wanted = VolumeSpec(name=name, size_bytes=4 << 20, encrypted=True, **spec)
    return under_test.call(under_test.token("alice"), VolumeService.create, under_test.node.volumes, wanted)


def call(under_test, operation, *args, token=None, **kwargs):
    token = token or under_test.token("alice")
    return under_test.call(token, operation, under_test.node.volume_keys, *args, **kwargs)


def add(under_test, name="vol1", **options):
    return call(under_test, VolumeKeyService.add_recovery_key, name, **options)


def header(under_test, record):
    return LuksHeader(under_test.devices.file(record))


def random_key():
    return SecretBytes(base64.b64encode(os.urandom(32)))


def verdict(under_test):
    (finding,) = call(under_test, VolumeKeyService.examine, ("vol1",))
    return finding.verdict


@pytest.mark.parametrize("kind", ["own", "named"])
def test_a_volume_whose_key_was_destroyed_opens_again(under_test, kind):
    if kind == "named":
        under_test.provider.put(SecretRef("named"), random_key())
    record = create(under_test, own_key=kind == "own", secret_name="named" if kind == "named" else "")
    recovery = add(under_test)
    under_test.provider.destroy(SecretRef(record.key.name))
    assert verdict(under_test) is Verdict.MISSING
    if kind == "named":
        with pytest.raises(SecretNotFoundError):  # who named a secret puts another one there first
            call(under_test, VolumeKeyService.recover, "vol1", recovery.key)
        under_test.provider.put(SecretRef("named"), random_key())
    recovered = call(under_test, VolumeKeyService.recover, "vol1", recovery.key)
    assert recovered.key.name == record.key.name
    assert verdict(under_test) is Verdict.GOOD
    header(under_test, record).verify(recovery.key)


def test_it_can_be_encrypted_to_a_person(under_test, tmp_path):
    record = create(under_test)
    with GpgHome(tmp_path / "gpg") as gpg:
        gpg.generate("keeper", bits=2048)
        made = add(under_test, public_key=gpg.gpg("--export", "keeper"))
        assert made.fingerprint.lower() == gpg.fingerprint("keeper")
        opened = gpg.gpg("--decrypt", standard_input=made.key.reveal())
    assert header(under_test, record).verify(SecretBytes(opened)) == made.slot


@pytest.mark.parametrize("public_key", [b"not a key", b"x" * 300_000], ids=["rubbish", "huge"])
def test_a_public_key_that_is_none_is_refused_before_anything_is_changed(under_test, public_key):
    record = create(under_test)
    with pytest.raises(InvalidInputError):
        add(under_test, public_key=public_key)
    assert header(under_test, record).keyslots() == (0,)


def test_it_is_taken_away_again(under_test):
    record = create(under_test)
    recovery = add(under_test)
    assert call(under_test, VolumeKeyService.remove_recovery_key, "vol1") == 1
    assert call(under_test, VolumeKeyService.remove_recovery_key, "vol1") == 0
    with pytest.raises(WrongKeyError):
        header(under_test, record).verify(recovery.key)


def test_a_wrong_one_makes_no_new_key(under_test):
    record = create(under_test, own_key=True)
    add(under_test)
    with pytest.raises(WrongKeyError):
        call(under_test, VolumeKeyService.recover, "vol1", random_key())
    assert under_test.provider.get(SecretRef(record.key.name)).version == record.key.version


def test_a_volume_without_one_cannot_be_recovered(under_test):
    create(under_test)
    with pytest.raises(ConflictError, match="no recovery key"):
        call(under_test, VolumeKeyService.recover, "vol1", random_key())


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        (VolumeKeyService.add_recovery_key, ()),
        (VolumeKeyService.remove_recovery_key, ()),
        (VolumeKeyService.recover, (SecretBytes(b"k" * 44),)),
    ],
    ids=["add", "remove", "recover"],
)
def test_writing_to_a_volume_is_not_enough(under_test, operation, arguments):
    create(under_test, acls=AccessControl(collaborators={"bob": AccessType.WRITE}))
    with pytest.raises(PermissionDeniedError):
        call(under_test, operation, "vol1", *arguments, token=under_test.token("bob"))


def test_neither_key_is_in_the_audit_log(under_test):
    create(under_test)
    recovery = add(under_test)
    call(under_test, VolumeKeyService.recover, "vol1", recovery.key)
    written = b"".join(under_test.sink.raw)
    assert b"recovery key made, handed out in clear" in written
    assert recovery.key.reveal() not in written
