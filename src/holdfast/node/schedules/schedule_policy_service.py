"""Service ``SchedulePolicy``: named schedules. Each belongs to who made it; who may read it may use it."""

import secrets
from collections.abc import Sequence

import msgspec

from holdfast.clock import Clock
from holdfast.errors import InvalidInputError
from holdfast.model.schedule import MAX_SCHEDULES, Schedule
from holdfast.node import apis
from holdfast.node.access.access_changes import change_access, note_update, ownership_words
from holdfast.node.access.gate import Gate
from holdfast.node.access.ownership_note import note_of
from holdfast.node.api import Admission, operation
from holdfast.node.schedules.schedule_policies import SchedulePolicies, SchedulePolicy, check_policy_name
from holdfast.policy.ownership import AccessControl, Ownership
from holdfast.policy.ownership_change import AccessChange, ownership_on_create, ownership_on_update


class SchedulePolicyService:
    """Schedule policies."""

    def __init__(self, *, gate: Gate, policies: SchedulePolicies, clock: Clock) -> None:
        self._gate = gate
        self._policies = policies
        self._clock = clock

    @operation(apis.SCHEDULE_POLICY_CREATE)
    def create(
        self,
        admission: Admission,
        name: str,
        schedules: Sequence[Schedule],
        *,
        acls: AccessControl | None = None,
    ) -> SchedulePolicy:
        """Store a policy; it belongs to the caller.

        Args:
            admission: of the caller.
            name: unique within the cluster.
            schedules: one or more.
            acls: who else may use it.

        Raises:
            InvalidInputError: a field cannot be right; names it.
            PolicyExistsError: the name is taken.
        """
        policy = SchedulePolicy(
            name=check_policy_name(name),
            texts=_texts(schedules),
            changed_at=int(self._clock.now()),
            stored_ownership=note_of(ownership_on_create(admission.principal, acls)),
            uid=secrets.token_hex(8),
        )
        self._policies.insert(policy)
        owned = ownership_words(policy.ownership)
        self._gate.done(admission, policy.name, "schedule policy created", after=owned)
        return policy

    @operation(apis.SCHEDULE_POLICY_UPDATE)
    def update(
        self,
        admission: Admission,
        name: str,
        schedules: Sequence[Schedule],
        *,
        owner: str | None = None,
        acls: AccessControl | None = None,
    ) -> SchedulePolicy:
        """Change a policy, also for the volumes that name it. Whom it belongs to stays unless it is said.

        Args:
            admission: of the caller.
            name: of the policy.
            schedules: all that it is to have; none if it is about ownership alone.
            owner: the new owner; for the storage administrator alone.
            acls: the whole new list of who else may use it; ``None`` to keep it.

        Raises:
            PermissionDeniedError: it is about whom it belongs to, and the caller may not change that.
            InvalidInputError: a field cannot be right; names it.
        """
        self._gate.resource(admission, self._policies, name)
        texts = _texts(schedules) if schedules or (owner is None and acls is None) else None
        earlier: list[Ownership] = []
        now_ = int(self._clock.now())

        def edit(now: SchedulePolicy) -> SchedulePolicy:
            earlier[:] = [now.ownership]  # the last time counts: storage may repeat a change
            ownership = ownership_on_update(admission.principal, now.ownership, owner=owner, acls=acls)
            changed = msgspec.structs.replace(now, stored_ownership=note_of(ownership))
            if texts is None or texts == now.texts:
                return changed
            return msgspec.structs.replace(changed, texts=texts, changed_at=now_)

        policy = self._policies.update(name, edit)
        outcome = "schedule policy updated"
        note_update(self._gate, admission, policy.name, outcome, before=earlier[0], after=policy.ownership)
        return policy

    @operation(apis.SCHEDULE_POLICY_ACCESS_UPDATE)
    def update_access(self, admission: Admission, name: str, change: AccessChange) -> SchedulePolicy:
        """Change whom a policy belongs to and who may use it; raises as ``change_access``."""
        return change_access(self._gate, admission, self._policies, name, change)

    @operation(apis.SCHEDULE_POLICY_ENUMERATE)
    def enumerate(self, admission: Admission) -> list[SchedulePolicy]:
        """Return the policies that the caller may read."""
        return self._gate.visible(admission, self._policies)

    @operation(apis.SCHEDULE_POLICY_INSPECT)
    def inspect(self, admission: Admission, name: str) -> SchedulePolicy:
        """Return one policy."""
        return self._gate.resource(admission, self._policies, name)

    @operation(apis.SCHEDULE_POLICY_DELETE)
    def delete(self, admission: Admission, name: str) -> None:
        """Forget a policy. Nothing more is done under it; what was done stays."""
        policy = self._gate.resource(admission, self._policies, name)
        self._policies.remove(policy.name)
        self._gate.done(admission, policy.name, "schedule policy deleted")


def _texts(schedules: Sequence[Schedule]) -> tuple[str, ...]:
    if not schedules:
        raise InvalidInputError("schedules: Must supply Schedule")
    if len(schedules) > MAX_SCHEDULES:
        raise InvalidInputError(f"schedules: expected at most {MAX_SCHEDULES}")
    for schedule in schedules:
        schedule.check()
    return tuple(schedule.text() for schedule in schedules)
