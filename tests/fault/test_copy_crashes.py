"""A node killed at any step of a snapshot, clone, restore or resize loses nothing and leaves nothing."""

import base64
import multiprocessing
import os
import secrets
import signal
import subprocess
import sys

import pytest
from tests.support.node_under_test import new_node, release

from holdfast.errors import HoldfastError
from holdfast.model import SecretBytes
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.records import VolumeState
from holdfast.node.volume.attach_service import AttachService
from holdfast.node.volume.snapshot_service import CloneSpec, SnapshotService
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.providers import SecretNotFoundError, SecretRef
from holdfast.storage.lmdb_engine import LmdbStorage

MIB = 1 << 20
MAP_BYTES = 16 << 20
# Functions between whose beginnings and ends everything happens that outlives the process.
STEPS = {
    "pool.py": {"fill", "publish", "grow", "_sync", "_remove_draft"},
    "catalog.py": {"insert", "update", "remove"},
    "cryptsetup.py": {"cryptsetup"},
    "freeze.py": {"await_frozen", "let_go"},
    "sparse_copy.py": {"copy_file"},
    "file.py": {"put", "destroy"},
    "plain.py": {"grow"},
    "filesystem_change.py": {"grow_mounted", "grow_unmounted"},
}


class Machine:
    """The disk of a node, its processes, and what is mounted; a node is opened on it again and again."""

    def __init__(self, directory):
        self.directory = directory
        self.made = None

    def open(self):
        storage = LmdbStorage(self.directory / "records", map_size=MAP_BYTES)
        # Another name each time, as the registry of nodes waits for one that it believes to be there.
        self.made = new_node(self.directory, storage=storage, node_id=f"node-{secrets.token_hex(4)}")
        return self.made

    def close(self):
        self.made.storage.close()
        self.made = None

    def call(self, operation, service, *args, **kwargs):
        return self.made.call(
            self.made.token("alice"), operation, getattr(self.made.node, service), *args, **kwargs
        )

    def find(self, name):
        return Catalog(self.made.storage).find(name)

    def start_after_crash(self):
        """What a node's process does before it serves."""
        self.open()
        self.made.node.attachments.recover()
        self.made.node.copies.tidy()

    def strike(self, moment, work):
        """Do the work in a process that is killed at a moment of it; return whether it was."""
        child = multiprocessing.get_context("fork").Process(
            target=self._run, args=(moment, work), daemon=True
        )
        child.start()
        child.join(60)
        if child.exitcode is None:
            child.kill()
            child.join()
        assert child.exitcode in {0, -signal.SIGKILL}, f"the work itself failed: {child.exitcode}"
        return child.exitcode != 0

    def _run(self, moment, work):
        self.open()
        left = moment

        def watch(frame, event, _):
            nonlocal left
            code = frame.f_code
            steps = STEPS.get(code.co_filename.rpartition("/")[2], ())
            if event not in {"call", "return"} or code.co_name not in steps:
                return
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.setprofile(watch)
        work(self)
        sys.setprofile(None)
        self.close()


@pytest.fixture
def machine(tmp_path, monkeypatch):
    # A disk that others keep busy may take longer for a copy than users of a volume are to wait for it.
    monkeypatch.setattr("holdfast.node.volume.copies.FREEZE_SECONDS", 90.0)
    made = Machine(tmp_path)
    yield made
    if made.made is None:
        made.open()
    release(made.made)
    made.close()


def sweep(machine, work, check, *, stride=1):
    """Strike at each moment, start again and check; return how many moments there were."""
    moment = 1
    while machine.strike(moment, work):
        machine.start_after_crash()
        check(machine)
        machine.close()
        moment += stride
    return moment


def pool_files(machine):
    return {path.name for path in machine.made.devices.pool.directory.iterdir() if path.suffix != ".lock"}


def nothing_half_done(machine):
    records = list(Catalog(machine.made.storage).enumerate())
    assert pool_files(machine) == {f"{record.id}.img" for record in records}
    assert all(record.state is not VolumeState.PREPARED for record in records)


def write_within(path, text, seconds=60):
    """Write a file by another process: in a frozen file system it would wait for ever."""
    subprocess.run(["/bin/sh", "-c", 'printf %s "$1" > "$0"', str(path), text], check=True, timeout=seconds)


def content(machine, name):
    """What a volume holds, by file name; it is attached for that and detached again."""
    target = machine.made.host_root / f"look-{name}"
    target.mkdir(exist_ok=True)
    machine.call(AttachService.attach, "attachments", name)
    machine.call(AttachService.mount, "attachments", name, str(target))
    found = {path.name: path.read_bytes() for path in target.iterdir() if path.is_file()}
    machine.call(AttachService.detach, "attachments", name, unmount=True)
    return found


def new_volume(machine, **fields):
    machine.open()
    machine.call(VolumeService.create, "volumes", VolumeSpec(name="vol1", size_bytes=16 * MIB, **fields))
    target = machine.made.directory("mnt")
    machine.call(AttachService.attach, "attachments", "vol1")
    machine.call(AttachService.mount, "attachments", "vol1", str(target))
    (target / "letter").write_bytes(b"old")
    return target


def test_snapshot_of_a_mounted_volume(machine):
    target = new_volume(machine)
    machine.close()

    def work(m):
        m.call(SnapshotService.create, "snapshots", "vol1", "snap1")

    def check(m):
        write_within(target / "pulse", "alive")
        nothing_half_done(m)
        if m.find("snap1") is not None:
            m.call(VolumeService.delete, "volumes", "snap1")
        (target / "pulse").unlink()

    assert sweep(machine, work, check) > 15
    machine.start_after_crash()
    assert content(machine, "snap1") == {"letter": b"old"}
    assert (target / "letter").read_bytes() == b"old"


def test_restore(machine):
    target = new_volume(machine)
    machine.call(SnapshotService.create, "snapshots", "vol1", "snap1")
    (target / "letter").write_bytes(b"new")
    machine.call(AttachService.detach, "attachments", "vol1", unmount=True)
    machine.call(SnapshotService.create, "snapshots", "vol1", "newest")
    machine.close()

    def work(m):
        m.call(SnapshotService.restore, "snapshots", "vol1", "snap1")

    seen = set()

    def check(m):
        nothing_half_done(m)
        seen.add(content(m, "vol1")["letter"])
        m.call(SnapshotService.restore, "snapshots", "vol1", "newest")

    assert sweep(machine, work, check) > 10
    assert seen == {b"old", b"new"}  # one or the other, and nothing else
    machine.open()
    assert content(machine, "vol1") == {"letter": b"old"}


def test_resize_of_a_mounted_volume(machine):
    target = new_volume(machine)
    machine.close()
    sizes = iter(range(17, 200))
    size = 0

    def work(m):
        m.call(VolumeService.update, "volumes", "vol1", size_bytes=size * MIB)

    moments = 0
    while True:
        size, moments = next(sizes), moments + 1
        died = machine.strike(moments, work)
        machine.start_after_crash()
        record = machine.find("vol1")
        stored = machine.made.devices.file(record).path.stat().st_size
        assert stored >= record.size_bytes
        assert (target / "letter").read_bytes() == b"old"
        write_within(target / "pulse", "alive")
        work(machine)  # the same request again finishes it
        assert machine.find("vol1").size_bytes == size * MIB
        machine.close()
        if not died:
            break
    assert moments > 6
    machine.open()
    machine.call(AttachService.unmount, "attachments", "vol1", str(target))
    machine.call(AttachService.mount, "attachments", "vol1", str(target))
    assert machine.find("vol1").grow_pending is False
    found = os.statvfs(target)
    assert found.f_blocks * found.f_frsize > 0.7 * size * MIB
    assert (target / "letter").read_bytes() == b"old"


def test_clone_with_a_key_of_its_own(machine):
    machine.open()
    machine.made.provider.put(
        SecretRef("users/alice/key"), SecretBytes(base64.b64encode(os.urandom(32))), expected_version=0
    )
    machine.close()
    new_volume(machine, secret_name="users/alice/key")
    machine.call(AttachService.detach, "attachments", "vol1", unmount=True)
    machine.close()
    spec = CloneSpec(name="copy1", parent="vol1", own_key=True)

    def work(m):
        m.call(SnapshotService.clone, "snapshots", spec)

    keys = set()

    def check(m):
        nothing_half_done(m)
        record = m.find("copy1")
        if record is not None:
            assert content(m, "copy1") == {"letter": b"old"}
            keys.add(record.key.name)
            m.call(VolumeService.delete, "volumes", "copy1")
        left = [
            path
            for path in (m.directory / "secrets").iterdir()
            if any(file.stat().st_size for file in path.iterdir())
        ]
        assert len(left) == 1, "a key was left behind"

    assert sweep(machine, work, check, stride=2) > 20
    machine.open()
    assert content(machine, "copy1") == content(machine, "vol1") == {"letter": b"old"}
    for name in keys:
        with pytest.raises((SecretNotFoundError, HoldfastError)):
            machine.made.provider.get(SecretRef(name))
