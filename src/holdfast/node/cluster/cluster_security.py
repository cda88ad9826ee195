"""Whether a cluster is secured: what its nodes say, and what it then demands of each of them.

    unsecured   no node looks at tokens: whoever reaches one may do everything there
    mixed       some do: at the others everybody is a guest, who gets at nothing that has an owner
    secured     all do, and from then on it is required: a node that does not look at tokens does not start,
                and one that runs refuses every call

Security is only taken away again when every node that is there was started with permission for that.
"""

import logging
from enum import Enum

from holdfast.clock import Clock
from holdfast.errors import ConflictError
from holdfast.node.cluster.cluster_records import (
    CLUSTER_SECURITY,
    SecurityRecord,
    SecurityStatus,
    decode,
    encode,
)
from holdfast.node.cluster.membership import Member, Membership
from holdfast.storage.interface import Reader, Storage, Transaction

_log = logging.getLogger("holdfast.node")


class ClusterState(Enum):
    """What the nodes that are there have in common."""

    UNSECURED = "unsecured"
    MIXED = "mixed"
    SECURED = "secured"


class Standing(Enum):
    """What callers get at a node that looks at no token."""

    EVERYTHING = "everything"
    AS_GUESTS = "as guests"
    NOTHING = "nothing"


class ClusterSecurity:
    """See the module.

    Args:
        storage: the cluster's state.
        membership: this node, and the others.
        clock: the time.
    """

    def __init__(self, storage: Storage, membership: Membership, *, clock: Clock) -> None:
        self._storage = storage
        self._membership = membership
        self._clock = clock
        self._reported: tuple[ClusterState, tuple[str, ...]] | None = None

    @property
    def own(self) -> SecurityStatus:
        """Whether this node looks at tokens."""
        return self._membership.own.security

    @property
    def required(self) -> bool:
        """Whether the cluster demands of every node that it looks at tokens."""
        return _is_required(self._storage)

    def check_start(self) -> None:
        """Raise if this node may not join as it is.

        Raises:
            ConflictError: it looks at no token, and the cluster demands that.
        """
        if self.own is SecurityStatus.UNSECURED and self.required:
            raise ConflictError(
                "--security off: this cluster is secured; give this node the keys of the others, or first "
                "start every node of it with --allow-security-removal"
            )

    def standing(self) -> Standing:
        """Return what callers get here, if this node looks at no token; asked anew for every call."""
        if self.own is not SecurityStatus.UNSECURED:
            return Standing.NOTHING
        if self.required:
            return Standing.NOTHING
        if any(
            member.record.security is not SecurityStatus.UNSECURED
            for member in self._membership.members()
            if not member.record.stopped
        ):
            return Standing.AS_GUESTS
        return Standing.EVERYTHING

    def state(self) -> ClusterState:
        """Return what the nodes that are there have in common."""
        return _state_of(self._online())

    def look(self) -> None:
        """Note it once all are secured, or all permit the end of security; report what changed."""
        online = self._online()
        statuses = {member.record.security for member in online}
        wanted = None
        if statuses == {SecurityStatus.SECURED}:
            wanted = True
        elif statuses == {SecurityStatus.SECURED_ALLOW_SECURITY_REMOVAL}:
            wanted = False
        if wanted is not None and wanted != self.required:
            self._require(required=wanted)
        self._report(online)

    def _online(self) -> list[Member]:
        return [member for member in self._membership.members() if member.online]

    def _require(self, *, required: bool) -> None:
        now = self._clock.now()

        def change(transaction: Transaction) -> None:
            if _is_required(transaction) != required:
                transaction.put(CLUSTER_SECURITY, encode(SecurityRecord(required=required, since=now)))

        self._storage.write(change)
        if required:
            _log.info("every node looks at tokens: from now on the cluster demands it")
        else:
            _log.warning("every node permits it: nodes that look at no token may join from now on")

    def _report(self, online: list[Member]) -> None:
        state = _state_of(online)
        unsecured = tuple(
            member.record.node_id for member in online if member.record.security is SecurityStatus.UNSECURED
        )
        if self._reported == (state, unsecured):
            return
        self._reported = (state, unsecured)
        if state is ClusterState.MIXED:
            _log.warning(
                "the cluster is not fully secured: nodes without security are %s", ", ".join(unsecured)
            )
        else:
            _log.info("the cluster is %s", state.value)


def _state_of(members: list[Member]) -> ClusterState:
    unsecured = [member.record.security is SecurityStatus.UNSECURED for member in members]
    if not any(unsecured):
        return ClusterState.SECURED
    return ClusterState.UNSECURED if all(unsecured) else ClusterState.MIXED


def _is_required(reader: Reader) -> bool:
    record = decode(reader.get(CLUSTER_SECURITY), SecurityRecord)
    return record is not None and record.required
