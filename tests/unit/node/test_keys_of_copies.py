"""Every copy opens by the key that it names, and a volume's own key stays as long as a copy needs it."""

import base64
import os
import threading

import pytest
from tests.support.node_caller import written

from holdfast.errors import ConflictError
from holdfast.model import SecretBytes
from holdfast.node.volume.attach_service import AttachService
from holdfast.node.volume.snapshot_service import SnapshotService
from holdfast.node.volume.volume_service import VolumeService
from holdfast.process.run import run
from holdfast.providers import SecretNotFoundError, SecretRef
from holdfast.volumes.errors import WrongKeyError

MIB = 1 << 20


def test_snapshot_opens_with_the_key_its_header_names_whatever_became_of_the_volumes_key(alice):
    alice.create(own_key=True)
    written(alice.mounted("vol1"), letter=b"old")
    alice.snapshot()
    alice.detach("vol1")
    rotated = alice.volume(VolumeService.rotate_key, "vol1")
    assert (alice.header("snap1").noted_key().reference.version, rotated.key.version) == (1, 2)
    assert alice.read("snap1") == {"letter": b"old"}
    alice.copy(SnapshotService.restore, "vol1", "snap1")
    assert alice.record("vol1").key.version == 1
    assert alice.read("vol1") == {"letter": b"old"}
    assert alice.volume(VolumeService.rotate_key, "vol1").key.version == 3
    assert alice.read("vol1") == {"letter": b"old"}


def test_a_volumes_own_key_goes_with_the_last_that_needs_it(alice):
    volume = alice.create(own_key=True)
    written(alice.mounted("vol1"), letter=b"old")
    alice.detach("vol1")
    alice.snapshot("snap1")
    alice.snapshot("snap2")
    secret = SecretRef(volume.key.name)
    report = alice.volume(VolumeService.delete, "vol1")
    assert report.own_key_destroyed is False
    assert any("snap1, snap2" in text or "snap2, snap1" in text for text in report.remarks)
    assert alice.read("snap1") == {"letter": b"old"}
    assert alice.volume(VolumeService.delete, "snap1").own_key_destroyed is False
    assert alice.read("snap2") == {"letter": b"old"}
    assert alice.volume(VolumeService.delete, "snap2").own_key_destroyed is True
    with pytest.raises(SecretNotFoundError):
        alice.t.provider.get(secret)
    assert alice.pool_files() == set()


def test_snapshots_deleted_at_once_leave_no_key_behind(alice):
    volume = alice.create(own_key=True)
    for number in range(3):
        alice.snapshot(f"snap{number}")
    reports = []
    threads = [
        threading.Thread(target=lambda name=name: reports.append(alice.volume(VolumeService.delete, name)))
        for name in ("vol1", "snap0", "snap1", "snap2")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(report.own_key_destroyed for report in reports) == [False, False, False, True]
    with pytest.raises(SecretNotFoundError):
        alice.t.provider.get(SecretRef(volume.key.name))


def volume_key(alice, name, key):
    printed = run(
        [
            "cryptsetup",
            "-q",
            "luksDump",
            "--dump-volume-key",
            "--key-file=-",
            str(alice.t.devices.file(alice.record(name)).path),
        ],
        stdin=key,
    ).stdout.decode()
    return printed.partition("MK dump:")[2]


@pytest.mark.parametrize("reencrypt", [False, True])
def test_clone_with_a_key_of_its_own(alice, reencrypt):
    alice.create()
    written(alice.mounted("vol1"), letter=b"old")
    alice.detach("vol1")
    clone = alice.clone(own_key=True, reencrypt=reencrypt)
    shared = alice.t.provider.get(SecretRef("cluster-key")).value
    own = alice.t.provider.get(SecretRef(clone.key.name)).value
    assert clone.key.name.endswith(clone.id)
    with pytest.raises(WrongKeyError):
        alice.header("copy1").verify(shared)
    with pytest.raises(WrongKeyError):
        alice.header("vol1").verify(own)
    same = volume_key(alice, "vol1", shared) == volume_key(alice, "copy1", own)
    assert same is not reencrypt
    assert alice.read("copy1") == alice.read("vol1") == {"letter": b"old"}
    assert alice.volume(VolumeService.delete, "copy1").own_key_destroyed is True
    assert alice.read("vol1") == {"letter": b"old"}


@pytest.mark.parametrize(
    ("parent", "clone", "origin"),
    [
        pytest.param({}, {}, "cluster", id="as-its-parent"),
        pytest.param({"own_key": True}, {}, "own", id="never-another-volumes-own"),
        pytest.param(
            {"own_key": True}, {"secret_name": "users/alice/key"}, "named", id="a-secret-that-was-named"
        ),
        pytest.param({"own_key": True}, {"secret_name": "default"}, "cluster", id="the-cluster-key"),
        pytest.param({"secret_name": "users/alice/key"}, {}, "named", id="as-its-parents-named-one"),
    ],
)
def test_which_key_a_clone_has(alice, parent, clone, origin):
    alice.t.provider.put(
        SecretRef("users/alice/key"), SecretBytes(base64.b64encode(os.urandom(32))), expected_version=0
    )
    volume = alice.create(**parent)
    made = alice.clone(**clone)
    assert made.key.origin == origin
    assert made.key.same_secret(volume.key) is (volume.key.origin == origin != "own")
    assert alice.header("copy1").noted_key().reference == made.key.reference()
    alice.volume(VolumeService.delete, "vol1")
    alice.host(AttachService.attach, "copy1")
    alice.detach("copy1")


def test_clone_of_a_volume_without_encryption_gets_no_key(alice):
    alice.create(encrypted=False)
    for fields in ({"own_key": True}, {"secret_name": "default"}, {"reencrypt": True}):
        with pytest.raises(ConflictError, match="not encrypted"):
            alice.clone(**fields)
    assert alice.clone().key is None


def test_a_volume_is_not_given_up_for_a_snapshot_that_no_key_opens(alice):
    alice.create()
    written(alice.mounted("vol1"), letter=b"present")
    alice.detach("vol1")
    alice.snapshot()
    lost = SecretBytes(base64.b64encode(os.urandom(32)))
    alice.t.provider.put(SecretRef("users/alice/key"), lost, expected_version=0)
    alice.volume(VolumeService.rotate_key, "vol1", secret_name="users/alice/key")
    alice.t.provider.destroy(SecretRef("cluster-key"))
    with pytest.raises(SecretNotFoundError):
        alice.copy(SnapshotService.restore, "vol1", "snap1")
    assert alice.read("vol1") == {"letter": b"present"}
