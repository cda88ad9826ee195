"""A node that dies at any step of its work, with all that it leaves behind; and what must be true of that.

Every few steps are struck at; each one with ``HOLDFAST_EVERY_STEP=1``, which takes minutes. How the steps are
counted is in ``striking_program``.
"""

import contextlib
import os
import subprocess
from pathlib import Path

from tests.support.store_talk import eventually
from tests.support.striking_node import Starter, StrikingNode
from tests.support.striking_program import EVERY_STEP

from holdfast.errors import HoldfastError, NotFoundError, PermissionDeniedError
from holdfast.noded.node_identity import read_node_identity
from holdfast.volumes import loop
from holdfast.volumes.luks_fuse import DEFAULT_RUNTIME_DIRECTORY
from holdfast.volumes.luks_read import read_header
from holdfast.volumes.mounts import all_mounts

MIB = 1 << 20
DAEMON = "holdfast.volumes.fuse_daemon"
LETTER = b"what must not be lost\n" * 1000


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

    def create(self, name="vol1", **spec):
        spec = {"size": str(16 * MIB), "encrypted": True, "own_key": True, **spec}
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
            with contextlib.suppress(OSError, IndexError):
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
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


def sweep(site, work, check, *, stride, prepare=lambda: None, dies_at=None, settle=lambda: None):
    """Strike at one moment after the other, until the work is done before its moment comes.

    Args:
        site: where.
        work: what the node is asked to do.
        check: what must be true of this work once the node runs again.
        stride: how many moments are between two strikes.
        prepare: done before each strike.
        dies_at: strikes at a moment of the work; ``site.node.dies_at`` unless given.
        settle: waits for what a started node does unasked.
    """
    moment = 1
    while True:
        prepare()
        if not (dies_at or site.node.dies_at)(moment, work):
            assert moment > stride or EVERY_STEP, "the work has fewer steps than it should"
            return
        where = site.node.struck_at()
        site.node.start()
        try:
            settle()
            site.check()
            check()
        except (AssertionError, HoldfastError, OSError) as error:
            raise AssertionError(f"after a death at moment {moment}, {where}: {error}") from error
        moment += 1 if EVERY_STEP else stride
