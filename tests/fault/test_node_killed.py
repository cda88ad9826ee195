"""The real node, killed (SIGKILL) at any step of its work on volumes: nothing is lost, nothing left behind.

Every few steps here; each one with ``HOLDFAST_EVERY_STEP=1``, which takes minutes. How the steps are counted
is in ``tests/support/striking_program.py``.
"""

import contextlib
import os
import subprocess
import time
from pathlib import Path

import pytest
from tests.support.store_talk import eventually
from tests.support.striking_node import Starter, StrikingNode

from holdfast.errors import ConflictError, HoldfastError, NotFoundError, PermissionDeniedError
from holdfast.noded.node_identity import read_node_identity
from holdfast.volumes import loop
from holdfast.volumes.luks_fuse import DEFAULT_RUNTIME_DIRECTORY
from holdfast.volumes.luks_read import read_header
from holdfast.volumes.mounts import all_mounts

EVERY_STEP = os.environ.get("HOLDFAST_EVERY_STEP") == "1"
MIB = 1 << 20
DAEMON = "holdfast.volumes.fuse_daemon"
LETTER = b"what must not be lost\n" * 1000


@pytest.fixture(scope="module")
def starter():
    running = Starter()
    yield running
    running.close()


@pytest.fixture
def site(starter, tmp_path):
    made = Site(starter, tmp_path)
    with made.node:
        yield made


class Site:
    """A node with its pool, its secrets, and what the kernel has of it."""

    def __init__(self, starter: Starter, directory: Path) -> None:
        self.secrets = directory / "secrets"
        environment = {"HOLDFAST_SECRETS_DIRECTORY": str(self.secrets)}
        self.node = StrikingNode(
            starter, directory, "-secret_type", "file", "--grpc-listen", "off", environment=environment
        )
        self.target = self.node.mount_root / "target"
        self.target.mkdir()
        self._uuids: set[str] = set()

    def call(self, method, path, body=None):
        client = self.node.client(self.node.token("alice", roles=("system.admin",)))
        try:
            return client.request(method, path, body)
        finally:
            client.close()

    def create(self, name="vol1"):
        spec = {"size": str(16 * MIB), "encrypted": True, "own_key": True}
        return self.call("POST", "volumes", {"name": name, "spec": spec})["volume_id"]

    def attach_and_mount(self, name="vol1"):
        self.call("POST", "mountattach/attach", {"volume_id": name})
        self.call("POST", "mountattach/mount", {"volume_id": name, "mount_path": str(self.target)})

    def unmount_and_detach(self, name="vol1"):
        self.call("POST", "mountattach/unmount", {"volume_id": name, "mount_path": str(self.target)})
        self.call("POST", "mountattach/detach", {"volume_id": name})

    def delete(self, name):
        with contextlib.suppress(NotFoundError, PermissionDeniedError):
            self.call("DELETE", f"volumes/{name}")

    def volumes(self):
        ids = self.call("GET", "volumes").get("volume_ids", [])
        return {each: self.call("GET", f"volumes/inspect/{each}")["volume"] for each in ids}

    def verdicts(self):
        findings = self.call("POST", "volumes/keys/doctor", {}).get("findings", [])
        return {finding["name"]: finding["verdict"] for finding in findings}

    def header(self, volume_id):
        descriptor = os.open(self.node.storage / "volumes" / f"{volume_id}.img", os.O_RDONLY)
        try:
            return read_header(descriptor)
        finally:
            os.close(descriptor)

    def write_letter(self):
        (self.target / "letter").write_bytes(LETTER)

    def letter_is_there(self):
        """Whether the volume holds it and takes more; a frozen one would let the writer wait for ever."""
        subprocess.run(["/bin/sh", "-c", 'date > "$0"', str(self.target / "pulse")], check=True, timeout=60)
        return (self.target / "letter").read_bytes() == LETTER

    def check(self):
        """What is true of a node that has just been started again, whatever it died of."""
        pool, known = self.node.storage / "volumes", self.volumes()
        files = {path.name for path in pool.iterdir() if path.suffix != ".lock"}
        assert {name for name in files if name.startswith(".")} <= {".holdfast-pool"}, files
        images = {name.removesuffix(".img") for name in files if name.endswith(".img")}
        assert images <= known.keys(), "a backing file that belongs to no volume"
        unfinished = {name for name, verdict in self.verdicts().items() if verdict == "unfinished"}
        for volume_id, volume in known.items():
            assert volume_id in images or volume["locator"]["name"] in unfinished, self.verdicts()
        self._check_kernel(images)
        keys = [
            folder
            for folder in self.secrets.iterdir()
            if any(path.stat().st_size for path in folder.iterdir())
        ]
        own = {volume_id for volume_id, volume in known.items() if not volume.get("readonly")}
        assert len(keys) <= len(own), "a key that belongs to no volume"
        drafts = list(self.secrets.rglob("*/.*"))
        assert drafts == [], "a key in a file that was never finished"

    def _check_kernel(self, images):
        for image in images:
            with contextlib.suppress(HoldfastError):  # one that is not formatted yet
                self._uuids.add(self.header(image).uuid)
        # A program that the dead node had started may take a moment to find that out.
        eventually(lambda: self._devices() == self.daemons())
        runtime = DEFAULT_RUNTIME_DIRECTORY / read_node_identity(self.node.storage)
        assert not runtime.exists() or list(runtime.iterdir()) == []
        assert [mount for mount in all_mounts() if mount.target.parent == runtime] == []

    def _devices(self):
        return sorted(device.uuid for device in loop.marked_devices() if device.uuid in self._uuids)

    def daemons(self):
        """The volumes that daemons serve, by identity; each daemon is several processes."""
        found = set()
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().decode().split("\0")
                if DAEMON in words and words[words.index(DAEMON) + 2].startswith(str(self.node.storage)):
                    found.add(words[words.index(DAEMON) + 1])
        return sorted(found)

    def check_empty(self):
        """What is true once the last volume is deleted."""
        self.check()
        assert self.volumes() == {}
        assert list((self.node.storage / "volumes").glob("*.img")) == []
        assert list(self.secrets.iterdir()) == []
        assert self.daemons() == []


def sweep(site, work, check, *, stride, prepare=lambda: None):
    """Strike at one moment after the other, until the work is done before its moment comes."""
    moment = 1
    while True:
        prepare()
        if not site.node.dies_at(moment, work):
            assert moment > stride or EVERY_STEP, "the work has fewer steps than it should"
            return
        where = site.node.struck_at()
        site.node.start()
        try:
            site.check()
            check()
        except (AssertionError, HoldfastError, OSError) as error:
            raise AssertionError(f"after a death at moment {moment}, {where}: {error}") from error
        moment += 1 if EVERY_STEP else stride


def test_create(site):
    turns = iter(range(10**6))

    def check():
        if next(turns) % 2:
            site.create()
            assert site.verdicts() == {"vol1": "good"}
        for volume in site.volumes():
            site.call("DELETE", f"volumes/{volume}")
        site.check_empty()

    sweep(site, site.create, check, stride=13)


def test_attach_and_mount(site):
    def check():
        site.attach_and_mount()
        site.write_letter()
        site.unmount_and_detach()
        site.attach_and_mount()
        assert site.letter_is_there()
        site.unmount_and_detach()
        site.delete("vol1")
        site.check_empty()

    def prepare():
        site.create()

    sweep(site, site.attach_and_mount, check, stride=9, prepare=prepare)


def test_unmount_detach_and_delete(site):
    def prepare():
        site.create()
        site.attach_and_mount()

    def work():
        site.unmount_and_detach()
        site.call("DELETE", "volumes/vol1")

    def check():
        for volume in site.volumes():
            with contextlib.suppress(
                ConflictError
            ):  # its removal has begun, and is all that can be done with it
                site.unmount_and_detach()
            site.call("DELETE", f"volumes/{volume}")
        site.check_empty()

    sweep(site, work, check, stride=11, prepare=prepare)


@pytest.fixture
def mounted(site):
    """The id of a volume that is in use throughout, with something in it."""
    volume_id = site.create()
    site.attach_and_mount()
    site.write_letter()
    return volume_id


def test_rotate(site, mounted):
    def work():
        site.call("POST", "volumes/rotatekey", {"volume_id": "vol1"})

    def check():
        assert site.letter_is_there()
        assert site.verdicts() == {"vol1": "good"}
        work()
        assert site.verdicts() == {"vol1": "good"}
        assert len(site.header(mounted).keyslots) == 1, "a keyslot that an earlier attempt made"

    sweep(site, work, check, stride=11)


def test_resize(site, mounted):
    sizes = iter(range(17, 10**4))
    size = 0

    def work():
        site.call("PUT", f"volumes/{mounted}", {"spec": {"size": str(size * MIB)}})

    def prepare():
        nonlocal size
        size = next(sizes)

    def check():
        assert site.letter_is_there()
        work()
        site.call("POST", "mountattach/unmount", {"volume_id": "vol1", "mount_path": str(site.target)})
        site.attach_and_mount()  # without the right to do so sooner, its file system grows then
        found = os.statvfs(site.target)
        assert found.f_blocks * found.f_frsize > (size - 5.5) * MIB
        assert site.letter_is_there()

    sweep(site, work, check, stride=3, prepare=prepare)


def test_snapshot(site, mounted):
    def work():
        site.call("POST", "volumes/snapshots", {"volume_id": mounted, "name": "snap1"})

    def check():
        assert site.letter_is_there()
        assert set(site.verdicts().values()) <= {"good"}
        site.delete("snap1")

    sweep(site, work, check, stride=9)


def test_clone_with_a_key_of_its_own(site, mounted):
    def work():
        site.call("POST", "volumes/clone", {"parent_id": mounted, "name": "copy1", "own_key": True})

    def check():
        assert site.letter_is_there()
        if "copy1" not in site.verdicts():
            work()
        assert site.verdicts() == {"vol1": "good", "copy1": "good"}
        site.delete("copy1")
        assert site.verdicts() == {"vol1": "good"}

    sweep(site, work, check, stride=19)


def test_recovery_key(site, mounted):
    def work():
        site.call("POST", "volumes/keys/recovery", {"volume_id": mounted})

    def check():
        assert site.letter_is_there()
        assert site.verdicts() == {"vol1": "good"}
        site.call("DELETE", f"volumes/keys/recovery/{mounted}")
        assert len(site.header(mounted).keyslots) == 1, "a keyslot that an earlier attempt made"
        site.call("POST", "volumes/keys/recovery", {"volume_id": mounted})
        assert len(site.header(mounted).keyslots) == 2
        site.call("DELETE", f"volumes/keys/recovery/{mounted}")
        assert len(site.header(mounted).keyslots) == 1
        assert site.verdicts() == {"vol1": "good"}

    sweep(site, work, check, stride=7)


def test_re_encryption(site, mounted):
    site.unmount_and_detach()

    def work():
        site.call("POST", "volumes/keys/reencrypt", {"volume_id": mounted})
        deadline = time.monotonic() + 120
        while (state := site.call("GET", f"volumes/keys/reencrypt/{mounted}")["reencryption"]).get("running"):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert not state.get("problem"), state["problem"]

    def check():
        work()
        site.attach_and_mount()
        assert site.letter_is_there()
        site.unmount_and_detach()

    sweep(site, work, check, stride=6)
