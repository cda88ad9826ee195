"""Who has a volume, among all nodes of a cluster: one holder at a time, for as long as its lease lasts.

A request about a volume takes the lock before it touches anything, and gives it back afterwards unless the
volume is attached then. Taking is one transaction: the lock is free, or it is ours, or its holder's lease has
ended, or is ended in the same step because its holder was not heard of for twice as long as it lasts. By then
that node has let go of everything, see ``membership``.

The pool decides too. A volume can only be used where its data is. And what lies in a pool that is this node's
alone can be attached nowhere else, so that the node need not let go of it, however long it is cut off.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from holdfast.clock import Clock
from holdfast.errors import HoldfastError, UnavailableError
from holdfast.node.cluster.cluster_records import AttachRecord, NodeRecord, decode, encode
from holdfast.node.cluster.membership import TAKEOVER_FACTOR, Membership, read_lease
from holdfast.node.errors import HeldElsewhereError, OtherPoolError
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.devices import Devices
from holdfast.node.inventory.records import VolumeRecord, decode_volume
from holdfast.storage.interface import Reader, Storage, Transaction
from holdfast.storage.reading import read_one_state
from holdfast.volumes import fencing
from holdfast.volumes.backend import AttachStage, VolumeBackend
from holdfast.volumes.errors import VolumeBusyError
from holdfast.volumes.lease_file import LeaseWriter

RELEASE_SECONDS = 30.0
_POLL_SECONDS = 0.1
_PAGE = 500

_log = logging.getLogger("holdfast.node")


@dataclass(frozen=True, slots=True)
class SharedPool:
    """What a node needs besides, whose pool others use as well.

    Attributes:
        writer: tells the guard what the node uses, and until when it may.
        ensure_guard: starts a guard if there is none; raises ``UnavailableError`` if it cannot.
    """

    writer: LeaseWriter
    ensure_guard: Callable[[], None]


class AttachLock:
    """See the module; safe for threads, if those of one process exclude each other (see ``locks``).

    Args:
        storage: the cluster's state.
        membership: this node's lease.
        devices: what the kernel says is asked through these.
        clock: for the times in records, which decide nothing.
        shared: ``None`` if the pool is this node's alone.
    """

    def __init__(
        self,
        storage: Storage,
        membership: Membership,
        devices: Devices,
        *,
        clock: Clock,
        shared: SharedPool | None,
    ) -> None:
        self._storage = storage
        self._membership = membership
        self._devices = devices
        self._clock = clock
        self._shared = shared
        self._catalog = Catalog(storage)
        self._turn = threading.Condition()
        self._busy: set[str] = set()  # volumes that a request or ``reconcile`` is at

    @contextmanager
    def claimed(self, volume_id: str, *, to_delete: bool = False) -> Iterator[None]:
        """Have a volume for the length of a block, and longer if it is attached at its end.

        Args:
            volume_id: of the volume.
            to_delete: have it as well if its data went with a node that was forgotten.

        Raises:
            HeldElsewhereError: another node has it; names that node.
            OtherPoolError: its data is elsewhere; names the nodes that have it.
            UnavailableError: this node cannot renew its lease.
        """
        with self._turn:
            while volume_id in self._busy:
                self._turn.wait()
            self._busy.add(volume_id)
        try:
            record, was_ours = self._claim(volume_id, to_delete=to_delete)
            if record is not None and self._shared is not None:
                try:
                    self._begin(record, self._shared)
                except BaseException:
                    if not was_ours:
                        self._try_release(volume_id)
                    raise
            try:
                yield
            finally:
                self._settle(volume_id, record)
        finally:
            self._leave(volume_id)

    def holder(self, volume_id: str) -> AttachRecord | None:
        """Return who has a volume; ``None`` if nobody does."""
        record = decode(self._storage.get(_key(volume_id)), AttachRecord)
        return record if record is not None and record.lease else None

    def ask_release(self, volume_id: str) -> None:
        """Have the node that has a volume let go of it by force, and wait until it has confirmed that.

        Raises:
            HeldElsewhereError: it did not.
        """

        def change(transaction: Transaction) -> AttachRecord | None:
            record = decode(transaction.get(_key(volume_id)), AttachRecord)
            if record is None or not record.lease:
                return None
            record = msgspec.structs.replace(record, release_asked=True)
            transaction.put(_key(volume_id), encode(record))
            return record

        asked = self._storage.write(change)
        deadline = time.monotonic() + RELEASE_SECONDS
        while asked is not None:
            self._storage.catch_up()
            now = decode(self._storage.get(_key(volume_id)), AttachRecord)
            if now is None or not now.lease or now.fence != asked.fence:
                return
            if read_lease(self._storage, now.lease) is None:
                return
            if time.monotonic() >= deadline:
                raise HeldElsewhereError(
                    f"node {asked.node_id} has the volume and did not confirm that it let go of it"
                )
            time.sleep(_POLL_SECONDS)

    def asked_for(self) -> list[str]:
        """Return the volumes that this node has and is asked to let go of."""
        return [volume_id for volume_id, record in self._ours() if record.release_asked]

    def reconcile(self) -> None:
        """Compare what we hold with what the kernel says: what is not attached any more is given back.

        And what the guard knows of and we do not hold any more is taken away.
        """
        for volume_id, _ in self._ours():
            with self._turn:
                if volume_id in self._busy:
                    continue
                self._busy.add(volume_id)
            try:
                self._settle(volume_id, self._record(volume_id))
            finally:
                self._leave(volume_id)
        self._let_go(self._noted() - {volume_id for volume_id, _ in self._ours()})

    def take_up(self) -> None:
        """At the start of a node: hold on to what an earlier process attached.

        In a pool that is ours alone that includes what is attached from before there were locks.
        """
        for record in self._catalog.enumerate():
            if self._is_attached(record) and self._is_in_our_pool(record):
                try:
                    if self._shared is None or self._is_held_by_us(record.id):
                        self._claim(record.id)
                    if self._is_held_by_us(record.id):
                        self._keep(record)
                except (HeldElsewhereError, OtherPoolError):
                    continue
        self.reconcile()

    def let_go_of_all(self) -> None:
        """Take away by force whatever a shared pool's guard would, after the lease was lost."""
        self._let_go(self._noted())

    def _noted(self) -> set[str]:
        if self._shared is None:
            return set()
        return {volume.id for volume in self._shared.writer.volumes()}

    def _let_go(self, volume_ids: set[str]) -> None:
        """Take volumes away that the guard knows of; what is gone is forgotten, the rest tried again."""
        if self._shared is None or not volume_ids:
            return
        backends: list[VolumeBackend] = [
            backend for backend in (self._devices.encrypted, self._devices.plain) if backend is not None
        ]
        volumes = [volume for volume in self._shared.writer.volumes() if volume.id in volume_ids]
        for volume in volumes:
            fencing.cut_off(volume, backends)
        for volume in volumes:
            problem = fencing.take_away(volume, backends)
            if problem:
                _log.error("volume %s could not be let go of wholly: %s", volume.id, problem)
            else:
                self._shared.writer.forget(volume.id)

    def holds_any(self) -> bool:
        """Whether something stays attached when this node stops."""
        return any(True for _ in self._ours())

    # -- taking --------------------------------------------------------------------------------------------

    def _claim(self, volume_id: str, *, to_delete: bool = False) -> tuple[VolumeRecord | None, bool]:
        """Take the lock; returns the volume, if there is one, and whether the lock was ours already."""
        lease = self._membership.lease

        def change(transaction: Transaction) -> tuple[VolumeRecord | None, bool]:
            if read_lease(transaction, lease) is None:
                raise UnavailableError(
                    "this node has lost its lease and is about to take a new one; try again"
                )
            stored = transaction.get(f"volumes/{volume_id}")
            volume = None if stored is None else decode_volume(stored)
            if volume is not None and not self._is_in_our_pool(volume):
                nodes = _nodes_of_its_pool(transaction, volume)
                if nodes:
                    raise OtherPoolError(f"the volume's data is at node {' and '.join(nodes)}; ask there")
                if not to_delete:
                    raise OtherPoolError("the volume's data is in a pool that no node of the cluster has")
            held = decode(transaction.get(_key(volume_id)), AttachRecord)
            if held is not None and held.lease == lease:
                return volume, True
            if held is not None and held.lease:
                self._refuse_unless_gone(transaction, held)
            taken = AttachRecord(
                lease=lease,
                identity=self._membership.own.identity,
                node_id=self._membership.own.node_id,
                fence=1 if held is None else held.fence + 1,
                since=self._clock.now(),
            )
            transaction.put(_key(volume_id), encode(taken))
            return volume, False

        return self._storage.write(change)

    def _refuse_unless_gone(self, transaction: Transaction, held: AttachRecord) -> None:
        if self._shared is None and held.identity == self._membership.own.identity:
            return  # from an earlier run of this machine, in a pool that nobody else reaches
        record = read_lease(transaction, held.lease)
        if record is None:
            return
        if self._membership.has_gone(held.lease, record):
            _log.warning("node %s was not heard of for too long: its lease is ended", held.node_id)
            transaction.delete(f"leases/{held.lease}")
            return
        node = decode(transaction.get(f"nodes/{held.node_id}"), NodeRecord)
        text = f"the volume is attached at node {held.node_id}{_at(node)}"
        silence = self._membership.silence_of(held.lease, record)
        if silence > record.seconds:
            left = record.seconds * TAKEOVER_FACTOR - silence
            raise HeldElsewhereError(
                f"{text}, which was not heard of for {silence:.0f} seconds; it is given up in {left:.0f}"
            )
        raise HeldElsewhereError(f"{text}; use it there, or detach it there first")

    def _begin(self, record: VolumeRecord, shared: SharedPool) -> None:
        shared.ensure_guard()
        if not self._membership.is_valid:
            raise UnavailableError("this node cannot renew its lease at the moment; try again")
        sequence = self._devices.sequence(record)
        noted = next((volume for volume in shared.writer.volumes() if volume.id == record.id), None)
        if sequence and (noted is None or noted.sequence not in {0, sequence}):
            raise VolumeBusyError("another node on this host has not let go of the volume's device yet")
        shared.writer.note(self._devices.file(record), working=True, sequence=sequence)

    # -- giving back ---------------------------------------------------------------------------------------

    def _settle(self, volume_id: str, record: VolumeRecord | None) -> None:
        """Give the lock back unless the volume is attached."""
        if record is not None and self._is_attached(record):
            self._keep(record)
        else:
            self._try_release(volume_id)

    def _try_release(self, volume_id: str) -> None:
        """Give the lock back; what cannot be given back now is tried again by ``reconcile``."""
        try:
            self._release(volume_id)
        except (HoldfastError, OSError) as error:
            _log.warning("the lock of volume %s could not be given back yet: %s", volume_id, error)

    def _keep(self, record: VolumeRecord) -> None:
        if self._shared is None:
            return
        self._shared.writer.note(
            self._devices.file(record), working=False, sequence=self._devices.sequence(record)
        )
        if not self._membership.is_valid:
            # Attached while the lease ran out: the guard may have looked already.
            self.let_go_of_all()
        elif not self._is_held_by_us(record.id):
            # ... and was taken anew since: what was taken under the old one is not ours.
            self._let_go({record.id})

    def _release(self, volume_id: str) -> None:
        if self._shared is not None:
            self._shared.writer.forget(volume_id)
        lease = self._membership.lease

        def change(transaction: Transaction) -> None:
            held = decode(transaction.get(_key(volume_id)), AttachRecord)
            if held is None or held.lease != lease:
                return
            if transaction.get(f"volumes/{volume_id}") is None:
                transaction.delete(_key(volume_id))  # ids are never used again, so no number is needed
                return
            free = msgspec.structs.replace(held, lease="", identity="", node_id="", release_asked=False)
            transaction.put(_key(volume_id), encode(free))

        self._storage.write(change)

    # -- looking -------------------------------------------------------------------------------------------

    def _ours(self) -> list[tuple[str, AttachRecord]]:
        lease = self._membership.lease

        def read(reader: Reader) -> list[tuple[str, AttachRecord]]:
            found, after = [], ""
            while names := reader.list("attachments/", after=after, limit=_PAGE):
                for name in names:
                    record = decode(reader.get(_key(name)), AttachRecord)
                    if record is not None and record.lease == lease:
                        found.append((name, record))
                after = names[-1]
            return found

        return read_one_state(self._storage, read)

    def _record(self, volume_id: str) -> VolumeRecord | None:
        stored = self._storage.get(f"volumes/{volume_id}")
        return None if stored is None else decode_volume(stored)

    def _leave(self, volume_id: str) -> None:
        with self._turn:
            self._busy.discard(volume_id)
            self._turn.notify_all()

    def _is_held_by_us(self, volume_id: str) -> bool:
        held = self.holder(volume_id)
        return held is not None and held.lease == self._membership.lease

    def _is_attached(self, record: VolumeRecord) -> bool:
        return self._devices.state(record).stage is not AttachStage.DETACHED

    def _is_in_our_pool(self, record: VolumeRecord) -> bool:
        return record.pool in {"", self._membership.own.pool}


def _key(volume_id: str) -> str:
    return f"attachments/{volume_id}"


def _at(node: NodeRecord | None) -> str:
    return f" ({node.address})" if node is not None and node.address else ""


def _nodes_of_its_pool(transaction: Transaction, volume: VolumeRecord) -> list[str]:
    """Return the nodes that have a volume's pool, each with its address."""
    names: list[str] = []
    after = ""
    while page := transaction.list("nodes/", after=after, limit=_PAGE):
        for name in page:
            node = decode(transaction.get(f"nodes/{name}"), NodeRecord)
            if node is not None and node.pool == volume.pool:
                names.append(f"{node.node_id}{_at(node)}")
        after = page[-1]
    return names
