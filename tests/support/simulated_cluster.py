"""Nodes of a cluster whose clocks, kernels, networks and deaths a test turns by hand.

The protocol is the real one: membership, lock, heart, and the file between node and guard. Played are time,
the kernel's list of attached volumes, the guard (which does at its moment what ``volumes.fence_guard`` does),
and storage, which is the one in memory behind a network that can be cut.
"""

import itertools
import uuid
from dataclasses import dataclass, field

from holdfast.clock import ManualClock
from holdfast.node.cluster.attach_lock import AttachLock, SharedPool
from holdfast.node.cluster.cluster_records import SecurityStatus
from holdfast.node.cluster.membership import Membership, SelfDescription
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.records import OwnershipNote, VolumeRecord, VolumeState
from holdfast.noded.heart import Heart
from holdfast.storage.errors import OutcomeUnknownError, StorageUnavailableError
from holdfast.storage.memory import MemoryStorage
from holdfast.volumes import lease_file
from holdfast.volumes.backend import Attachment, AttachStage, AttachState, VolumeFile
from holdfast.volumes.lease_file import LeaseWriter

LEASE_SECONDS = 10.0


class Network:
    """The way of one node to storage."""

    def __init__(self, storage):
        self._storage = storage
        self.name, self.shared = storage.name, True
        self.is_cut = False
        self.loses_answers = False

    def __getattr__(self, name):
        if self.is_cut:
            raise StorageUnavailableError("storage: cut off")
        return getattr(self._storage, name)

    def catch_up(self):
        if self.is_cut:
            raise StorageUnavailableError("storage: cut off")

    def write(self, change):
        if self.is_cut:
            raise StorageUnavailableError("storage: cut off")
        outcome = self._storage.write(change)
        if self.loses_answers:
            raise OutcomeUnknownError
        return outcome


class PlayedKernel:
    """What is attached on one host; also the back end that attaches there."""

    name = "played"

    def __init__(self):
        self.attached = set()

    def status(self, vol):
        if vol.uuid not in self.attached:
            return AttachState(AttachStage.DETACHED)
        return AttachState(AttachStage.ATTACHED, Attachment(vol.uuid, self.name, "/dev/played"))

    def cut_off(self, vol):
        self.attached.discard(vol.uuid)

    def detach(self, vol, *, force=False):
        self.attached.discard(vol.uuid)


class PlayedDevices:
    """What ``node.devices`` is to the lock."""

    def __init__(self, kernel, directory, pool_id):
        self.encrypted, self.plain = kernel, None
        self.pool_id = pool_id
        self._kernel = kernel
        self._directory = directory

    def file(self, record):
        return VolumeFile(record.id, self._directory / f"{record.id}.img", record.size_bytes, record.uuid)

    def state(self, record):
        return self._kernel.status(self.file(record))

    def sequence(self, record):
        return 0


@dataclass
class PlayedNode:
    """One host with a node on it."""

    cluster: "PlayedCluster"
    name: str
    rate: float = 1.0
    offset: float = 0.0
    pool_id: str = "shared"
    kernel: PlayedKernel = field(default_factory=PlayedKernel)
    is_running: bool = False
    security: SecurityStatus = SecurityStatus.SECURED
    boot: int = 1

    def __post_init__(self):
        self.network = Network(self.cluster.storage)
        self.identity = uuid.uuid4().hex
        self.path = self.cluster.directory / f"{self.name}.json"

    def timer(self):
        return self.offset + self.rate * self.cluster.time

    def start(self):
        """Start the node's process; a guard of an earlier one goes on."""
        own = SelfDescription(
            node_id=self.name,
            identity=self.identity,
            version="1",
            pool=self.pool_id,
            backend="played",
            security=self.security,
            lease_seconds=LEASE_SECONDS,
        )
        self.devices = PlayedDevices(self.kernel, self.cluster.directory, self.pool_id)
        self.membership = Membership(
            self.network,
            own,
            clock=self.cluster.clock,
            timer=self.timer,
            boot=f"{self.name}-{self.boot}",
            pause=self.cluster.advance,
        )
        self.membership.join()
        self.writer = LeaseWriter(self.path)
        self.writer.renew(self.membership.valid_until)
        shared = SharedPool(self.writer, lambda: None) if self.pool_id == "shared" else None
        self.lock = AttachLock(
            self.network, self.membership, self.devices, clock=self.cluster.clock, shared=shared
        )
        self.lock.take_up()
        self.heart = Heart(
            self.membership,
            self.lock,
            shared=shared,
            is_alone=False,
            release=self.detach,
            look=lambda: None,
        )
        self.is_running = True

    def kill(self):
        """End the process; what is attached stays, and so does the guard."""
        self.is_running = False

    def reboot(self):
        """Lose power and come back, without the node's process yet."""
        self.is_running = False
        self.kernel.attached.clear()
        self.boot += 1
        self.path.unlink(missing_ok=True)

    def beat(self):
        self.heart.beat()

    def attach(self, volume, *, during=lambda: None):
        """Attach as the service does; ``during`` happens between taking the lock and the device."""
        with self.lock.claimed(volume.id):
            during()
            if self.is_running:  # a guard may have ended the process at work
                self.kernel.attached.add(volume.uuid)

    def detach(self, volume_id):
        with self.lock.claimed(volume_id):
            record = Catalog(self.cluster.storage).get(volume_id)
            self.kernel.attached.discard(record.uuid)

    def guard(self):
        """Do what a guard does when it looks."""
        if self.pool_id != "shared" or not self.path.exists():
            return
        said = lease_file.read(self.path)
        if said is None or self.timer() < said.deadline:
            return
        if self.is_running and any(volume.working for volume in said.volumes):
            self.kill()
        for volume in said.volumes:
            self.kernel.attached.discard(volume.uuid)


class PlayedCluster:
    """Several nodes, one storage, one time that runs at other rates in each of them."""

    def __init__(self, directory):
        self.directory = directory
        self.storage = MemoryStorage()
        self.clock = ManualClock()
        self.time = 1000.0
        self.nodes = []
        self._numbers = itertools.count(1)

    def add(self, name, **how):
        node = PlayedNode(self, name, **how)
        self.nodes.append(node)
        return node

    def volume(self, pool="shared"):
        number = next(self._numbers)
        record = VolumeRecord(
            id=str(100000 + number),
            name=f"volume{number}",
            uuid=str(uuid.UUID(int=number)),
            size_bytes=1 << 20,
            file_system="ext4",
            state=VolumeState.READY,
            created_at=0,
            stored_ownership=OwnershipNote("", {}, {}, None),
            labels={},
            key=None,
            pool=pool,
        )
        Catalog(self.storage).insert(record)
        return record

    def advance(self, seconds):
        """Let time pass, in small steps, so that each guard looks when it would."""
        steps = max(1, round(seconds / 0.25))
        for _ in range(steps):
            self.time += seconds / steps
            for node in self.nodes:
                node.guard()

    def holders(self, volume):
        """Return the names of the hosts whose kernel has the volume attached."""
        return [node.name for node in self.nodes if volume.uuid in node.kernel.attached]
