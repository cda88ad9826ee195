"""Backups of volumes: incremental, sealed against their keeper, gone on with, open to whom they belong."""

import json
import os
import threading
import time

import boto3
import msgspec
import pytest
from tests.support.credentials import ENCRYPTION_KEY, s3_spec, secret
from tests.support.node_under_test import new_node
from tests.support.s3_service import MAKER, s3_service

from holdfast.clock import SystemClock
from holdfast.errors import ConflictError, HoldfastError, InvalidInputError, NotFoundError
from holdfast.node.backups import transfer
from holdfast.node.backups.backup_list_service import BackupFilter, CloudBackupListService
from holdfast.node.backups.backup_service import BackupSpec, CloudBackupService
from holdfast.node.backups.format import BackupId, DamagedBackupError
from holdfast.node.backups.protection import WrongBackupKeyError
from holdfast.node.backups.records import TaskState
from holdfast.node.backups.restores import RestoreSpec
from holdfast.node.cluster.locks import by_role_alone
from holdfast.node.credentials.credential_check import EndpointRules
from holdfast.node.credentials.credential_records import SecretPart
from holdfast.node.credentials.credentials_service import CredentialsService
from holdfast.node.errors import OwnershipDeniedError, SecretDeniedError, VolumeExistsError
from holdfast.node.volume.attach_service import AttachService
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.policy.ownership import AccessControl, AccessType
from holdfast.providers.generate import generate_key
from holdfast.providers.interface import SecretRef

WAIT_SECONDS = 60


@pytest.fixture(scope="module")
def service():
    with s3_service() as running:
        yield running


class Site:
    """A node, a bucket of its own, and Alice's credential for it."""

    def __init__(self, tmp_path, service, bucket):
        self.service, self.bucket = service, bucket
        self.s3 = boto3.client(
            "s3",
            endpoint_url=f"http://{service.endpoint}",
            region_name=MAKER["region_name"],
            aws_access_key_id=service.owner.access_key,
            aws_secret_access_key=service.owner.secret_key,
        )
        self.s3.create_bucket(Bucket=bucket)
        self.t = self.node_in(tmp_path)
        self.credential(self.t, "store", ENCRYPTION_KEY)

    def node_in(self, path, **settings):
        path.mkdir(exist_ok=True)
        rules = EndpointRules(listed=frozenset({("http", self.service.host, self.service.port)}))
        settings = {"any_secret": False, **settings}
        return new_node(path, attaching=False, clock=SystemClock(), cloud_endpoints=rules, **settings)

    def credential(self, t, name, passphrase, who="alice", acls=None):
        parts = {SecretPart.SECRET_KEY: secret(self.service.owner.secret_key)}
        if passphrase:
            parts[SecretPart.ENCRYPTION_KEY] = secret(passphrase)
        spec = s3_spec(self.service, name=name, bucket=self.bucket, parts=parts, acls=acls)
        self.call("create", CredentialsService, t.node.credentials, spec, who=who, t=t)

    def call(self, method, kind, instance, *args, who="alice", t=None, **named):
        t = t or self.t
        token = t.admin if who == "admin" else t.token(who)
        return t.call(token, getattr(kind, method), instance, *args, **named)

    def cloud(self, method, *args, who="alice", t=None, **named):
        t = t or self.t
        kind, service = CloudBackupService, t.node.cloud_backups
        if not hasattr(kind, method):
            kind, service = CloudBackupListService, t.node.cloud_backup_lists
        return self.call(method, kind, service, *args, who=who, t=t, **named)

    def volume(self, name="data", *, own_key=True, acls=None):
        spec = VolumeSpec(name=name, size_bytes=8 << 20, own_key=own_key, acls=acls)
        return self.call("create", VolumeService, self.t.node.volumes, spec)

    def fill(self, name, **files):
        tree = self.t.host_root / f"tree-{len(list(self.t.host_root.iterdir()))}"
        tree.mkdir()
        for file, content in files.items():
            (tree / file).write_bytes(content)
        self.call("import_tree", AttachService, self.t.node.attachments, name, str(tree))

    def files(self, name):
        out = self.t.directory(f"out-{name}")
        self.call("export_tree", AttachService, self.t.node.attachments, name, str(out))
        return {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}

    def ended(self, task_id, *, who="alice", t=None):
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            (task,) = self.cloud("status", task_id=task_id, who=who, t=t)
            if task.ended_at:
                return task
            assert time.monotonic() < deadline, task
            time.sleep(0.01)

    def back_up(self, volume="data", *, who="alice", **spec):
        return self.ended(self.cloud("create", BackupSpec(volume=volume, **spec), who=who), who=who)

    def restore(self, backup_id, name, *, who="alice", t=None, **spec):
        spec = {"own_key": True, **spec}
        task = self.cloud("restore", RestoreSpec(backup_id=backup_id, name=name, **spec), who=who, t=t)
        return self.ended(task.id, who=who, t=t)

    def names(self, part=""):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        found = [each["Key"] for page in pages for each in page.get("Contents", [])]
        return [name for name in found if part in name]

    def read(self, name):
        return self.s3.get_object(Bucket=self.bucket, Key=name)["Body"].read()

    def write(self, name, content):
        self.s3.put_object(Bucket=self.bucket, Key=name, Body=content)


@pytest.fixture
def site(tmp_path, service, request):
    made = Site(tmp_path, service, f"bucket-{abs(hash(request.node.name)) % 10**12}")
    yield made
    made.t.node.cloud_backups.stop()


def test_the_life_of_backups(site, tmp_path):
    volume = site.volume()
    site.fill("data", letter=b"first", noise=os.urandom(1 << 20))
    first = site.back_up(labels={"reason": "test"})
    assert (first.state, first.problem) == (TaskState.DONE, "")
    chunks = set(site.names("/c/"))

    site.fill("data", letter=b"second", noise=os.urandom(1))
    second = site.back_up()
    assert second.backup_id.endswith("-0002-incr")
    assert 0 < second.moved_bytes < first.moved_bytes
    assert chunks < set(site.names("/c/"))

    # Nothing of a key of the volume, and nothing readable, is in the bucket.
    stored = b"".join(site.read(name) for name in site.names())
    assert not [magic for magic in (b"LUKS\xba\xbe", b"SKUL\xba\xbe") if magic in stored]
    assert ENCRYPTION_KEY.encode() not in stored
    assert stored.count(b"holdfast") == stored.count(b"holdfast-backup-key") == 1

    listed = site.cloud("enumerate", BackupFilter())
    assert [str(each.identity) for each in listed] == [first.backup_id, second.backup_id]
    assert listed[0].record.labels == {"reason": "test"}
    assert site.cloud("enumerate", BackupFilter(labels={"reason": "none"})) == []

    site.call("delete", VolumeService, site.t.node.volumes, "data")  # with its key
    assert site.restore(second.backup_id, "again").state is TaskState.DONE
    assert site.files("again")["letter"] == b"second"
    # Another cluster, which knows nothing but the bucket and the passphrase.
    other = site.node_in(tmp_path / "other")
    site.credential(other, "there", ENCRYPTION_KEY, who="carol")
    with pytest.raises(OwnershipDeniedError):
        site.restore(first.backup_id, "moved", who="carol", t=other)
    assert site.restore(first.backup_id, "moved", who="admin", t=other).state is TaskState.DONE
    out = other.directory("out")
    other.call(other.admin, AttachService.export_tree, other.node.attachments, "moved", str(out))
    assert (out / "letter").read_bytes() == b"first"

    site.cloud("delete", first.backup_id)
    with pytest.raises(NotFoundError):
        site.cloud("verify", first.backup_id, who="admin", credential="store")
    verified = site.ended(site.cloud("verify", second.backup_id))
    assert verified.done_bytes == verified.total_bytes > 0
    assert [entry.id for entry in site.cloud("history", volume.id)] == [second.backup_id]
    site.cloud("delete", second.backup_id)
    assert site.names() == []


def flipped(content):
    return content[:-1] + bytes([content[-1] ^ 1])


def swap(site, one, other):
    content = site.read(one)
    site.write(one, site.read(other))
    site.write(other, content)


def tampered(site, first, second, new):
    """Do to the bucket what somebody could, and undo it."""
    chunks, pages = ([name for name in new if part in name] for part in ("/c/", "/p/"))
    chunks += [name for name in site.names("/c/") if name not in new]
    manifests = [f"hb1/m/{task.backup_id}" for task in (first, second)]
    key = BackupId.parse(first.backup_id).place.key
    for name in (chunks[0], pages[-1], manifests[1]):
        good = site.read(name)
        yield f"a flipped bit in {name}", lambda n=name, g=good: site.write(n, flipped(g))
        yield f"cut {name}", lambda n=name, g=good: site.write(n, g[: len(g) // 2])
        site.write(name, good)
    yield "swapped chunks", lambda: swap(site, chunks[0], chunks[1])
    swap(site, chunks[0], chunks[1])
    good = site.read(manifests[1])
    yield "an older manifest in its place", lambda: site.write(manifests[1], site.read(manifests[0]))
    site.write(manifests[1], good)
    good = json.loads(site.read(key))
    for change in (
        {"memory_kib": 1 << 30},
        {"passes": 1 << 30},
        {"by": "secret", "provider": "file", "path": "holdfast/volumes/1"},
        {"salt": "AAAAAAAAAAAAAAAAAAAAAA=="},
        {"wrapped": good["wrapped"][:-8] + "AAAAAAA="},
    ):
        yield f"key with {change}", lambda c=change: site.write(key, json.dumps({**good, **c}).encode())
        site.write(key, json.dumps(good).encode())
    good = site.read(chunks[0])
    yield "a chunk that is gone", lambda: site.s3.delete_object(Bucket=site.bucket, Key=chunks[0])
    site.write(chunks[0], good)


def test_whatever_is_done_to_a_backup_is_noticed(site):
    site.volume()
    first, before = site.back_up(), set(site.names())
    second = site.back_up()
    new = [name for name in site.names() if name not in before]  # certainly of the second
    done = 0
    for what, act in tampered(site, first, second, new):
        act()
        try:
            task = site.ended(site.cloud("verify", second.backup_id))
            assert task.state is TaskState.FAILED, what
            assert "backup" in task.problem, what
        except (DamagedBackupError, WrongBackupKeyError, SecretDeniedError):
            pass
        done += 1
    assert done == 14
    assert site.ended(site.cloud("verify", second.backup_id)).state is TaskState.DONE


def test_a_restore_of_a_damaged_backup_leaves_nothing(site):
    site.volume()
    done = site.back_up()
    before = sorted(path.name for path in site.t.devices.pool.directory.iterdir())
    secrets = site.t.provider.list("holdfast/volumes")
    name = site.names("/c/")[-1]
    site.write(name, flipped(site.read(name)))
    task = site.restore(done.backup_id, "again")
    assert (task.state, "not what was stored" in task.problem) == (TaskState.FAILED, True)
    assert sorted(
        path.name for path in site.t.devices.pool.directory.iterdir() if "lock" not in path.name
    ) == [name for name in before if "lock" not in name]
    assert site.t.provider.list("holdfast/volumes") == secrets
    with pytest.raises(OwnershipDeniedError):
        site.call("inspect", VolumeService, site.t.node.volumes, "again")


def test_a_bucket_that_was_emptied_takes_a_full_backup_and_the_failure_says_so(site):
    site.volume()
    assert site.back_up().state is TaskState.DONE
    for name in site.names():
        site.s3.delete_object(Bucket=site.bucket, Key=name)
    failed = site.back_up()
    assert (failed.state, "--full" in failed.problem) == (TaskState.FAILED, True)
    done = site.back_up(full=True)
    assert done.state is TaskState.DONE
    assert site.restore(done.backup_id, "again").state is TaskState.DONE


def test_a_passphrase_or_a_secret_opens_it_and_nothing_else_does(site):
    site.volume()
    site.credential(site.t, "other", "another passphrase")
    site.credential(site.t, "bare", "")
    done = site.back_up(credential="store")
    with pytest.raises(WrongBackupKeyError, match="passphrase"):
        site.cloud("verify", done.backup_id, "other")
    with pytest.raises(InvalidInputError, match="passphrase"):
        site.cloud("create", BackupSpec(volume="data", credential="bare"))
    with pytest.raises(InvalidInputError, match="credential_id"):
        site.cloud("create", BackupSpec(volume="data"))  # there are several
    generate_key(site.t.provider, SecretRef("users/alice/backups"))[1].wipe()
    sealed = site.back_up(credential="bare", secret_name="users/alice/backups")
    assert sealed.state is TaskState.DONE
    assert sealed.backup_id.partition("-")[2] != done.backup_id.partition("-")[2]
    assert site.restore(sealed.backup_id, "again", credential="bare").state is TaskState.DONE
    for name in ("users/bob/backups", "holdfast/volumes/1"):
        with pytest.raises(SecretDeniedError):
            site.cloud("create", BackupSpec(volume="data", credential="bare", secret_name=name))


def test_what_the_bucket_names_is_a_secret_that_the_caller_may_name(site):
    site.volume(acls=AccessControl(collaborators={"bob": AccessType.READ}))
    generate_key(site.t.provider, SecretRef("users/alice/backups"))[1].wipe()
    readers = AccessControl(collaborators={"bob": AccessType.READ})
    site.credential(site.t, "shared", "", acls=readers)
    done = site.back_up(credential="shared", secret_name="users/alice/backups")
    with pytest.raises(SecretDeniedError):
        site.cloud("verify", done.backup_id, "shared", who="bob")


def test_who_may_do_what(site):
    site.volume()
    done = site.back_up()
    site.credential(site.t, "bobs", ENCRYPTION_KEY, who="bob")  # the same bucket, the same passphrase
    denied = [
        ("create", BackupSpec(volume="data", credential="bobs")),
        ("create", BackupSpec(volume="data", credential="store")),
        ("restore", RestoreSpec(backup_id=done.backup_id, name="mine", credential="bobs")),
        ("verify", done.backup_id, "bobs"),
        ("size", done.backup_id, "bobs"),
        ("delete", done.backup_id, "bobs"),
        ("delete_all", "data", "bobs"),
        ("delete_all", BackupId.parse(done.backup_id).place.volume, "bobs"),
        ("change_state", done.id, TaskState.STOPPED),
    ]
    for method, *args in denied:
        with pytest.raises(OwnershipDeniedError):
            site.cloud(method, *args, who="bob")
    with pytest.raises(OwnershipDeniedError):
        site.cloud("history", "data", who="bob")
    with pytest.raises(OwnershipDeniedError):
        site.cloud("status", task_id=done.id, who="bob")
    assert site.cloud("enumerate", BackupFilter(credential="bobs"), who="bob") == []
    assert site.cloud("status", who="bob") == site.cloud("history", who="bob") == []
    absent = done.backup_id.replace("-0001", "-0009")
    for backup_id in (absent, done.backup_id):
        with pytest.raises(OwnershipDeniedError, match="Access denied to cloud backup"):
            site.cloud("delete", backup_id, "bobs", who="bob")
    with pytest.raises(VolumeExistsError):
        site.cloud("restore", RestoreSpec(backup_id=done.backup_id, name="data", own_key=True))


def test_who_loses_his_rights_while_he_waits_for_the_volume_gets_no_backup(site):
    everything = AccessControl(collaborators={"bob": AccessType.ADMIN})
    volume = site.volume(acls=everything)
    site.credential(site.t, "bobs", ENCRYPTION_KEY, who="bob")
    service = site.t.node.volumes
    with service._locks.turn(volume.id, by_role_alone):
        task = site.cloud("create", BackupSpec(volume="data", credential="bobs"), who="bob")
        site.call("update", VolumeService, service, "data", acls=AccessControl())
    ended = site.ended(task, who="admin")
    assert (ended.state, "Access denied" in ended.problem) == (TaskState.FAILED, True)
    assert site.names("/m/") == []


@pytest.fixture
def gated(monkeypatch):
    """Let an upload send so many chunks, and wait before the next."""
    gate, sent = threading.Semaphore(0), []
    send = transfer.Transfer._send

    def slow(self, name, content):
        assert gate.acquire(timeout=WAIT_SECONDS)
        send(self, name, content)
        sent.append(name)

    monkeypatch.setattr(transfer.Transfer, "_send", slow)
    return gate, sent


def until(true):
    deadline = time.monotonic() + WAIT_SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_backup_is_paused_stopped_and_gone_on_with(site, gated):
    gate, sent = gated
    site.volume()
    site.fill("data", noise=os.urandom(2 << 20))
    task = site.cloud("create", BackupSpec(volume="data", task_id="my-task"))
    gate.release(3)
    until(lambda: len(sent) == 3)
    with pytest.raises(ConflictError, match="already"):
        site.cloud("create", BackupSpec(volume="data"))
    with pytest.raises(ConflictError):
        site.cloud("delete_all", "data")
    site.cloud("change_state", task, TaskState.PAUSED)
    assert site.cloud("status", task_id=task)[0].state is TaskState.PAUSED
    site.cloud("change_state", task, TaskState.STOPPED)
    gate.release(8)
    stopped = site.ended(task)
    assert stopped.state is TaskState.STOPPED
    assert site.cloud("enumerate", BackupFilter()) == []
    there = set(site.names("/c/"))
    assert len(there) >= 3
    sent.clear()
    gate.release(1000)
    site.cloud("change_state", task, TaskState.ACTIVE)
    assert site.ended(task).state is TaskState.DONE
    again = [name for name in sent if name in there]
    assert again == []
    assert site.cloud("create", BackupSpec(volume="data", task_id="my-task")) == task  # it is done


def test_what_uploads_left_is_removed(site, gated):
    gate, sent = gated
    site.volume()
    task = site.cloud("create", BackupSpec(volume="data"))
    gate.release(2)
    until(lambda: len(sent) == 2)
    site.cloud("change_state", task, TaskState.STOPPED)
    gate.release(1000)
    site.ended(task)
    assert site.names() != []
    assert site.cloud("delete_all", "data") == 0
    assert site.names() == []


def test_records_and_answers_have_no_secret(site):
    site.volume()
    site.back_up()
    kept = b"".join(msgspec.msgpack.encode(line) for line in site.t.sink.lines)
    for text in (ENCRYPTION_KEY, site.service.owner.secret_key):
        assert text.encode() not in kept
    with pytest.raises(HoldfastError) as refused:
        site.cloud("verify", "no-backup")
    assert "no-backup" not in refused.value.message
