"""This node among the others: its entry in the registry, its lease, and who else is there.

A lease is kept by renewing it: the number in its record moves. A node that could not renew for as long as
its lease lasts has let go of everything (its guard sees to that, see ``holdfast.volumes.fence_guard``).
Others end the lease once they have seen the number stand still for twice as long. Each side measures with
the clock of its own kernel, and only durations: clocks that tell different times do no harm, and one that
runs twice as fast as another is what it would take.
"""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

import msgspec

from holdfast.clock import Clock
from holdfast.errors import ConflictError, InternalError
from holdfast.node.cluster.cluster_records import (
    LeaseRecord,
    NodeRecord,
    SecurityStatus,
    decode,
    encode,
)
from holdfast.storage.interface import Reader, Storage, Transaction
from holdfast.storage.reading import read_one_state
from holdfast.volumes import lease_file

DEFAULT_LEASE_SECONDS = 15.0
TAKEOVER_FACTOR = 2.0
BEATS_PER_LEASE = 5
_PAGE = 500
_CLASH_LOOKS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfDescription:
    """What a node says of itself.

    Attributes:
        node_id: its name.
        identity: of its directory.
        version: of Holdfast.
        pool: identity of its pool.
        backend: how it attaches encrypted volumes.
        security: whether it looks at tokens.
        lease_seconds: how long its lease lasts.
    """

    node_id: str
    identity: str
    version: str
    pool: str
    backend: str
    security: SecurityStatus
    lease_seconds: float = DEFAULT_LEASE_SECONDS


@dataclass(frozen=True, slots=True)
class Member:
    """A node of the cluster.

    Attributes:
        record: what it said of itself.
        online: whether it is there, as far as can be told.
    """

    record: NodeRecord
    online: bool


class Renewal(Enum):
    """What came of an attempt to renew."""

    RENEWED = "renewed"
    ENDED = "ended"  # another node ended the lease; nothing that was held under it is ours any more
    REPLACED = "replaced"  # another process runs from a copy of this node's directory


class Membership:
    """See the module; safe for threads.

    Args:
        storage: the cluster's state.
        own: what this node says of itself.
        clock: for the times in records, which decide nothing.
        timer: measures durations; goes on while the machine sleeps.
        boot: identity of this run of the kernel.
        pause: waits.
    """

    def __init__(
        self,
        storage: Storage,
        own: SelfDescription,
        *,
        clock: Clock,
        timer: Callable[[], float] = lease_file.now,
        boot: str = "",
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.own = own
        self.lease = ""
        self.address = ""  # by which others reach this node, once that is known
        self._storage = storage
        self._clock = clock
        self._timer = timer
        self._boot = boot or lease_file.boot_id()
        self._pause = pause
        self._session = secrets.token_hex(8)
        self._started_at = clock.now()
        self._guard = threading.Lock()
        self._valid_until = float("-inf")
        self._seen: dict[str, tuple[LeaseRecord, float]] = {}  # by lease: its newest record, and since when

    @property
    def valid_until(self) -> float:
        """Until when, by ``timer``, this node may use what it holds."""
        return self._valid_until

    @property
    def is_valid(self) -> bool:
        """Whether this node may use what it holds, and take up more."""
        return self._timer() < self._valid_until

    def join(self) -> None:
        """Enter the registry.

        Raises:
            ConflictError: another node of this name is there.
        """
        clash = self._try_join()
        if clash is None:
            return
        for _ in range(_CLASH_LOOKS + 1):
            # It may be one that is gone for good and has been replaced: then nothing is heard of it.
            self._pause(clash.seconds * TAKEOVER_FACTOR / _CLASH_LOOKS)
            self._storage.catch_up()
            again = self._try_join()
            if again is None:
                return
            if again.beat != clash.beat:
                break
        raise ConflictError(
            f"--node-id: another node is called {self.own.node_id}; give each node of a cluster its own name"
        )

    def renew(self) -> Renewal:
        """Renew the lease, and look at the others'.

        Raises:
            StorageError: it is not known to be renewed.
        """
        started = self._timer()
        lease = self.lease

        def change(transaction: Transaction) -> Renewal:
            record = read_lease(transaction, lease)
            if record is None:
                return Renewal.ENDED
            if record.session != self._session:
                return Renewal.REPLACED
            transaction.put(f"leases/{lease}", encode(msgspec.structs.replace(record, beat=record.beat + 1)))
            transaction.put(f"nodes/{self.own.node_id}", encode(self._description(lease)))
            return Renewal.RENEWED

        outcome = self._storage.write(change)
        if outcome is Renewal.RENEWED:
            # From before it was sent: others count from when they saw it, which is later.
            self._valid_until = started + self.own.lease_seconds
            self._observe()
        else:
            self._valid_until = float("-inf")
        return outcome

    def leave(self, *, keep_lease: bool) -> None:
        """Say goodbye; ``keep_lease`` while volumes stay attached, so that they stay ours."""
        lease = self.lease

        def change(transaction: Transaction) -> None:
            record = read_lease(transaction, lease)
            if record is None or record.session != self._session:
                return
            if not keep_lease:
                transaction.delete(f"leases/{lease}")
            stopped = msgspec.structs.replace(self._description(lease), stopped=True)
            transaction.put(f"nodes/{self.own.node_id}", encode(stopped))

        self._storage.write(change)

    def has_gone(self, lease: str, record: LeaseRecord) -> bool:
        """Whether a lease, as it stands in storage now, was not renewed for so long that it may be ended."""
        return self.silence_of(lease, record) >= record.seconds * TAKEOVER_FACTOR

    def silence_of(self, lease: str, record: LeaseRecord) -> float:
        """Return for how many seconds we have seen a lease stand still."""
        now = self._timer()
        with self._guard:
            known, since = self._seen.get(lease, (None, now))
            if known != record:
                self._seen[lease] = (record, now)
                return 0.0
            return now - since

    def members(self) -> list[Member]:
        """Return every node that ever was there and was not removed, by name."""

        def read(reader: Reader) -> list[tuple[NodeRecord, LeaseRecord | None]]:
            records = (decode(reader.get(f"nodes/{name}"), NodeRecord) for name in _names(reader, "nodes/"))
            return [(record, read_lease(reader, record.lease)) for record in records if record is not None]

        return [
            Member(record, self._is_online(record, lease))
            for record, lease in read_one_state(self._storage, read)
        ]

    def member(self, node_id: str) -> Member | None:
        """Return one node, or ``None``."""
        return next((member for member in self.members() if member.record.node_id == node_id), None)

    def current(self) -> Member:
        """Return this node, as it describes itself now."""
        return Member(self._description(self.lease), online=True)

    def remove(self, record: NodeRecord) -> None:
        """Forget a node that is not there, as it was when it was looked at.

        Raises:
            ConflictError: it was heard of meanwhile.
        """

        def change(transaction: Transaction) -> None:
            now = decode(transaction.get(f"nodes/{record.node_id}"), NodeRecord)
            if now is not None and now != record:
                raise ConflictError("the node was heard of meanwhile")
            lease = read_lease(transaction, record.lease)
            if lease is not None and not self.has_gone(record.lease, lease):
                raise ConflictError("the node may still hold volumes; try again later")
            transaction.delete(f"nodes/{record.node_id}")
            transaction.delete(f"leases/{record.lease}")

        self._storage.write(change)

    def _is_online(self, record: NodeRecord, lease: LeaseRecord | None) -> bool:
        if record.node_id == self.own.node_id:
            return True
        if record.stopped or lease is None:
            return False
        patience = lease.seconds * TAKEOVER_FACTOR
        # What we have not watched for long enough ourselves is judged by the time it wrote down.
        is_fresh = self._clock.now() - record.seen_at < patience * 2
        return is_fresh and self.silence_of(record.lease, lease) < patience

    def _try_join(self) -> LeaseRecord | None:
        """Enter, or return the lease of the node that has our name."""
        started = self._timer()
        fresh = secrets.token_hex(16)

        def change(transaction: Transaction) -> tuple[str, LeaseRecord | None]:
            known = decode(transaction.get(f"nodes/{self.own.node_id}"), NodeRecord)
            lease, record = fresh, None
            if known is not None:
                present = read_lease(transaction, known.lease)
                if present is not None and known.identity != self.own.identity:
                    if not self.has_gone(known.lease, present):
                        return "", present
                    transaction.delete(f"leases/{known.lease}")
                elif present is not None and present.boot == self._boot:
                    lease, record = known.lease, present
            transaction.put(f"leases/{lease}", encode(self._lease_record(record)))
            transaction.put(f"nodes/{self.own.node_id}", encode(self._description(lease)))
            return lease, None

        lease, clash = self._storage.write(change)
        if clash is None:
            self.lease = lease
            self._valid_until = started + self.own.lease_seconds
            self._observe()
        return clash

    def _lease_record(self, present: LeaseRecord | None) -> LeaseRecord:
        return LeaseRecord(
            node_id=self.own.node_id,
            identity=self.own.identity,
            boot=self._boot,
            session=self._session,
            beat=1 if present is None else present.beat + 1,
            seconds=self.own.lease_seconds,
        )

    def _description(self, lease: str) -> NodeRecord:
        return NodeRecord(
            node_id=self.own.node_id,
            identity=self.own.identity,
            lease=lease,
            address=self.address,
            version=self.own.version,
            security=self.own.security,
            pool=self.own.pool,
            backend=self.own.backend,
            started_at=self._started_at,
            seen_at=self._clock.now(),
        )

    def _observe(self) -> None:
        """Look at every lease, so that it is known for how long each has stood still."""

        def read(reader: Reader) -> dict[str, LeaseRecord]:
            found = ((lease, read_lease(reader, lease)) for lease in _names(reader, "leases/"))
            return {lease: record for lease, record in found if record is not None}

        leases = read_one_state(self._storage, read)
        for lease, record in leases.items():
            if self.has_gone(lease, record):
                self._end_if_forgotten(lease)
        with self._guard:
            for gone in self._seen.keys() - leases.keys():
                del self._seen[gone]

    def _end_if_forgotten(self, lease: str) -> None:
        """End a lease that is left over from before its node's machine started anew."""

        def change(transaction: Transaction) -> None:
            record = read_lease(transaction, lease)
            if record is None or not self.has_gone(lease, record):
                return
            node = decode(transaction.get(f"nodes/{record.node_id}"), NodeRecord)
            if node is None or node.lease != lease:
                transaction.delete(f"leases/{lease}")

        self._storage.write(change)


def read_lease(reader: Reader, lease: str) -> LeaseRecord | None:
    """Return a lease; ``None`` if it has ended."""
    if not lease:
        raise InternalError("a lease without a name was asked for")
    return decode(reader.get(f"leases/{lease}"), LeaseRecord)


def _names(reader: Reader, prefix: str) -> Iterator[str]:
    after = ""
    while names := reader.list(prefix, after=after, limit=_PAGE):
        yield from names
        after = names[-1]
