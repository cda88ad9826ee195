"""Service ``Volume``, the part about snapshots that are taken by themselves: when, and how it goes.

Who plans needs Write on the volume, Read on each policy, and a role that allows snapshots. All of that is
asked of him again whenever a snapshot is due (``plan_runner``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from holdfast.clock import Clock
from holdfast.errors import ConflictError, InternalError, InvalidInputError
from holdfast.model.schedule import Plan, make_plan, read_plan
from holdfast.node import apis
from holdfast.node.access.gate import Gate
from holdfast.node.api import Admission, operation
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.records import VolumeRecord
from holdfast.node.schedules.due import Missing, schedules_of
from holdfast.node.schedules.schedule_policies import SchedulePolicies
from holdfast.node.schedules.volume_plans import (
    Entry,
    VolumePlan,
    VolumePlans,
    drop_plan,
    planner_of,
    put_plan,
)
from holdfast.policy.ownership import AccessType
from holdfast.storage.interface import Transaction

PLANNING = (apis.SNAPSHOT_SCHEDULE_UPDATE, apis.SNAPSHOT_CREATE)
"""What the roles of whoever plans must allow."""
UNREADABLE = "what the node keeps of the plan cannot be read"


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """How one schedule of a volume goes.

    Attributes:
        name: by which it is known, such as ``nightly/daily``.
        text: when, and how many are kept; empty if its policy is not there any more.
        next_due: Unix seconds; 0 if nothing will be done.
        entry: what became of it so far.
    """

    name: str
    text: str
    next_due: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class PlanState:
    """How the plan of a volume goes.

    Attributes:
        text: the plan; empty for none.
        planner: the user who set it.
        stopped: why nothing is done any more; empty while something is.
        schedules: each of its schedules.
    """

    text: str = ""
    planner: str = ""
    stopped: str = ""
    schedules: tuple[ScheduleState, ...] = ()


class SnapshotPlanService:
    """Plans of volumes."""

    def __init__(
        self, *, gate: Gate, catalog: Catalog, policies: SchedulePolicies, plans: VolumePlans, clock: Clock
    ) -> None:
        self._gate = gate
        self._catalog = catalog
        self._policies = policies
        self._plans = plans
        self._clock = clock

    @operation(apis.SNAPSHOT_SCHEDULE_UPDATE)
    def update(self, admission: Admission, reference: str, policies: Sequence[str]) -> VolumeRecord:
        """Have snapshots taken by these schedule policies, or by none. The volume's own schedules stay.

        Raises:
            OwnershipDeniedError: of the volume, or of a policy, as if it were not there.
            InvalidInputError: a name is none.
        """
        volume = self._gate.resource(admission, self._catalog, reference)
        self._gate.require_api(admission, apis.SNAPSHOT_CREATE)
        present = read_plan(volume.snapshot_plan)
        return self._set(admission, volume, make_plan(policies, present.own))

    @operation(apis.SNAPSHOT_SCHEDULE_INSPECT)
    def inspect(self, admission: Admission, reference: str) -> PlanState:
        """Return when snapshots of a volume are taken by themselves, and whether they were."""
        volume = self._gate.resource(admission, self._catalog, reference)
        try:
            plan = self._plans.find(volume.id)
            schedules = [] if plan is None else list(schedules_of(plan, self._policies.find))
        except (InternalError, InvalidInputError):
            return PlanState(text=volume.snapshot_plan, stopped=UNREADABLE)
        if plan is None:
            return PlanState()
        now, states = self._clock.now(), []
        for found in schedules:
            entry = plan.entries.get(found.key, Entry())
            if isinstance(found, Missing):
                states.append(ScheduleState(found.key, "", 0, entry))
            else:
                due = 0 if plan.stopped else found.schedule.next_due(now)
                states.append(ScheduleState(found.key, found.schedule.text(), due, entry))
        return PlanState(plan.text, plan.planner.name, plan.stopped, tuple(states))

    def check(self, admission: Admission, text: str, *, reference: str = "") -> Plan:
        """Return a plan that a request names in a field, if the caller may have it; before anything is done.

        Args:
            admission: of the caller, to the API that has the field.
            text: the plan.
            reference: id or name of the volume that is to have it, if it is there.

        Raises:
            RoleDeniedError: no role of the caller allows snapshots, or to have them taken.
            OwnershipDeniedError: of the volume, or of a policy, as if it were not there.
            InvalidInputError: it is no plan.
            ConflictError: it is for a snapshot.
        """
        plan = read_plan(text)
        for api in PLANNING:
            self._gate.require_api(admission, api)
        self._policies_of(admission, plan)
        if reference:
            self._volume(admission, reference, plan)
        return plan

    def with_volume(self, admission: Admission, text: str) -> "PlanWithVolume":
        """Return a plan for the volume that a request makes; raises as ``check``."""
        return PlanWithVolume(self, admission, self.check(admission, text))

    def require(self, admission: Admission, volume: VolumeRecord, plan: Plan) -> None:
        """Raise unless the caller may have a plan for a volume, which need not be stored yet.

        Raises:
            RoleDeniedError: his roles do not allow it with the labels of this one.
            OwnershipDeniedError: he would have no Write on it.
            ConflictError: it is a snapshot.
        """
        for api in PLANNING:
            further = self._gate.require_api(admission, api, labels=volume.labels)
            access = AccessType.WRITE
            self._gate.require(further, self._catalog, volume, reference=volume.name, access=access)
        _refuse_snapshot(volume, plan)

    def at_birth(
        self, admission: Admission, volume: VolumeRecord, plan: Plan
    ) -> tuple[VolumeRecord, Callable[[Transaction], None]]:
        """Return a new volume with its plan, and what is to be stored in the same transaction."""
        wanted = self._wanted(admission, volume, plan)
        return msgspec.structs.replace(volume, snapshot_plan=wanted.text), _putting(plan, wanted)

    def change(self, admission: Admission, reference: str, plan: Plan) -> VolumeRecord:
        """Set the plan of a volume as part of another API. What ``update`` asks is asked of the caller, too.

        Args:
            admission: of the caller.
            reference: id or name of the volume.
            plan: from ``check``.
        """
        return self._set(*self._volume(admission, reference, plan), plan)

    def _volume(self, admission: Admission, reference: str, plan: Plan) -> tuple[Admission, VolumeRecord]:
        """Return the volume that is to have a plan, and the admission to the API that is about plans."""
        volume = self._gate.resource(admission, self._catalog, reference, access=AccessType.WRITE)
        # A scope may allow the one API with this volume, and not the other.
        further = self._gate.require_api(admission, apis.SNAPSHOT_SCHEDULE_UPDATE)
        self._gate.require(further, self._catalog, volume, reference=reference)
        _refuse_snapshot(volume, plan)
        return further, volume

    def _set(self, admission: Admission, volume: VolumeRecord, plan: Plan) -> VolumeRecord:
        _refuse_snapshot(volume, plan)
        wanted = self._wanted(admission, volume, plan)
        text, also = wanted.text, _putting(plan, wanted)
        still = self._gate.still(admission, self._catalog, access=AccessType.WRITE)
        changed = self._catalog.update(
            volume.id, lambda now: msgspec.structs.replace(still(now), snapshot_plan=text), also=also
        )
        self._gate.done(admission, volume.id, f"snapshots are taken: {text or 'by hand alone'}")
        return changed

    def _wanted(self, admission: Admission, volume: VolumeRecord, plan: Plan) -> VolumePlan:
        return VolumePlan(
            volume_id=volume.id,
            text=plan.text(),
            planner=planner_of(admission.principal),
            planned_at=int(self._clock.now()),
            policies=self._policies_of(admission, plan),
        )

    def _policies_of(self, admission: Admission, plan: Plan) -> dict[str, str]:
        """Return which policies a plan means, once the caller may use them."""
        read, collection = AccessType.READ, self._policies
        return {
            name: self._gate.resource(admission, collection, name, access=read).uid for name in plan.policies
        }


class PlanWithVolume:
    """A plan that is set together with the volume that a request makes: both are there, or neither.

    Args:
        plans: has it set.
        admission: of the caller, to the API that makes the volume.
        plan: from ``check``.
    """

    def __init__(self, plans: SnapshotPlanService, admission: Admission, plan: Plan) -> None:
        self._plans = plans
        self._admission = admission
        self._plan = plan

    def require(self, volume: VolumeRecord) -> None:
        """Raise unless the caller may have it for this volume, as that is or would be."""
        self._plans.require(self._admission, volume, self._plan)

    def at_birth(self, volume: VolumeRecord) -> tuple[VolumeRecord, Callable[[Transaction], None]]:
        """Return a new volume with it, and what is to be stored in the same transaction."""
        return self._plans.at_birth(self._admission, volume, self._plan)

    def change(self, volume: VolumeRecord) -> VolumeRecord:
        """Set it for a volume that was there before."""
        return self._plans.change(self._admission, volume.id, self._plan)


def _putting(plan: Plan, wanted: VolumePlan) -> Callable[[Transaction], None]:
    def put(transaction: Transaction) -> None:
        if plan:
            put_plan(transaction, wanted)
        else:
            drop_plan(transaction, wanted.volume_id)

    return put


def _refuse_snapshot(volume: VolumeRecord, plan: Plan) -> None:
    if plan and volume.is_snapshot:
        raise ConflictError("a snapshot is not changed any more, so none is taken of it")
