"""Which volumes have snapshots taken by themselves: for each a record beside its own, gone with the volume.

snapshot-plans/<volume id>     VolumePlan
"""

from collections.abc import Callable, Iterator
from contextlib import suppress

import msgspec

from holdfast.errors import InternalError
from holdfast.model import Principal
from holdfast.node.inventory.catalog import SNAPSHOT_PLANS
from holdfast.node.stored import read_all, read_stored
from holdfast.storage.interface import Storage, Transaction


class Planner(msgspec.Struct, frozen=True, array_like=True):
    """Who wanted it: what counts of him, and of the token he had, when his rights are asked for again."""

    name: str
    subject: str
    issuer: str
    roles: tuple[str, ...]
    groups: tuple[str, ...]
    begun_at: int = 0

    def is_same_person(self, other: "Planner") -> bool:
        """Whether it is the same person, with whatever token."""
        return (self.name, self.subject, self.issuer) == (other.name, other.subject, other.issuer)

    def principal(self) -> Principal:
        """Return him."""
        return Principal(
            name=self.name,
            subject=self.subject,
            issuer=self.issuer,
            roles=self.roles,
            groups=self.groups,
            begun_at=self.begun_at,
        )


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """What became of one schedule.

    Attributes:
        done_for: the moment at which it was due last and was carried out; Unix seconds, 0 for none.
        done_at: when that was.
        failed_at: when it went wrong last, since then; 0 if it did not.
        failure: what went wrong, as a caller would be told.
    """

    done_for: int = 0
    done_at: int = 0
    failed_at: int = 0
    failure: str = ""


class VolumePlan(msgspec.Struct, frozen=True, array_like=True, tag="snapshot-plan", kw_only=True):
    """The plan of one volume. Fields are only ever appended, with a default.

    Attributes:
        layout: layout version of this record.
        volume_id: of the volume.
        text: the plan; see ``model.schedule``.
        planner: who wanted it.
        planned_at: Unix seconds at which it became what it is.
        entries: what became of its schedules, by key.
        stopped: why nothing is done any more until somebody sets it again; empty while something is.
        policies: which policies it means, by name: the identity of each.
        planner_since: Unix seconds since which each plan was his who wanted this one.
    """

    layout: int = 1
    volume_id: str
    text: str
    planner: Planner
    planned_at: int
    entries: dict[str, Entry] = {}
    stopped: str = ""
    policies: dict[str, str] = {}
    planner_since: int = 0


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(VolumePlan).decode


def planner_of(principal: Principal) -> Planner:
    """Return what is remembered of who wants a plan."""
    return Planner(
        principal.name,
        principal.subject,
        principal.issuer,
        principal.roles,
        principal.groups,
        principal.begun_at,
    )


class VolumePlans:
    """All plans; each change is one transaction.

    Args:
        storage: where they are kept.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def find(self, volume_id: str) -> VolumePlan | None:
        """Return the plan of a volume, or ``None``."""
        stored = self._storage.get(SNAPSHOT_PLANS + volume_id)
        return None if stored is None else _read(stored)

    def enumerate(self) -> Iterator[tuple[str, VolumePlan | None]]:
        """Yield all plans by the id of the volume; ``None`` for one that cannot be read."""
        for volume_id, stored in read_all(self._storage, SNAPSHOT_PLANS):
            try:
                plan = _read(stored)
            except InternalError:
                yield volume_id, None
            else:
                yield volume_id, plan

    def update(self, volume_id: str, edit: Callable[[VolumePlan], VolumePlan]) -> None:
        """Change a plan; nothing happens if it is gone."""

        def change(transaction: Transaction) -> None:
            stored = transaction.get(SNAPSHOT_PLANS + volume_id)
            if stored is not None:
                transaction.put(SNAPSHOT_PLANS + volume_id, _encode(edit(_read(stored))))

        self._storage.write(change)


def put_plan(transaction: Transaction, plan: VolumePlan) -> None:
    """Set the plan of a volume; what became of schedules that it had before is kept, if it can be read."""
    stored, since = transaction.get(SNAPSHOT_PLANS + plan.volume_id), plan.planned_at
    before = None
    if stored is not None:
        with suppress(InternalError):  # it is replaced: so one that is damaged is mended
            before = _read(stored)
    if before is not None:
        if before.planner.is_same_person(plan.planner):
            since = before.planner_since
        plan = msgspec.structs.replace(plan, entries=before.entries)
    plan = msgspec.structs.replace(plan, planner_since=since)
    transaction.put(SNAPSHOT_PLANS + plan.volume_id, _encode(plan))


def drop_plan(transaction: Transaction, volume_id: str) -> None:
    """Forget the plan of a volume; nothing happens if it has none."""
    transaction.delete(SNAPSHOT_PLANS + volume_id)


def _read(stored: bytes) -> VolumePlan:
    return read_stored(_decode, stored, "a stored snapshot plan")
