"""Takes the snapshots that are due, and removes those that a schedule no longer keeps.

Every node looks at every plan, and carries out those of volumes that it can get at. That of two nodes only
one takes a snapshot is up to the volume's lock, which is the cluster's, under the node's lease: whoever has
the turn looks first whether there is a snapshot for this moment already. So a node that dies in the middle
costs nothing: the next look, by it or by another, takes the snapshot, unless it is there.

Whoever planned is asked about again each time, as if he called: role, volume, policies, and whether all of
his tokens were revoked since. Once he may not, the plan stops until somebody sets it again. What goes wrong
otherwise is noted, and tried again after a while. Revocations are looked at whether anything is due or not:
they are forgotten when no token is left that they cover, which may be long before a monthly snapshot.

First the new snapshot, then the old ones, and that it is done comes last: what is full or broken takes away
nothing, and whatever a death cut short the next look does again. Only what the same schedule took of the same
volume is ever removed; what a person took is a person's to remove. And what was taken before he planned is
removed for nobody who could not remove it himself.
"""

import logging
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event

import msgspec

from holdfast.clock import Clock
from holdfast.errors import (
    HoldfastError,
    InternalError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)
from holdfast.node import apis
from holdfast.node.access.gate import Gate
from holdfast.node.api import Admission
from holdfast.node.errors import HeldElsewhereError, OtherPoolError
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.records import VolumeRecord, VolumeState
from holdfast.node.schedules.due import AHEAD_SECONDS, Missing, Scheduled, due_at, schedules_of, was_set_back
from holdfast.node.schedules.schedule_policies import SchedulePolicies
from holdfast.node.schedules.volume_plans import Entry, VolumePlan, VolumePlans
from holdfast.node.tokens.revocation_book import RevocationBook
from holdfast.node.volume.snapshot_service import SnapshotService
from holdfast.node.volume.volume_service import Taken, VolumeService
from holdfast.process.defect import describe_defect
from holdfast.tokens.revocation import Revocations

PEER = "schedule"
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 60, 3600
_NAME_CHARACTERS = 80  # of the volume's name in a snapshot's, which may have 128 in all
_WHOLE = frozenset({VolumeState.FORMATTED, VolumeState.READY})

_log = logging.getLogger("holdfast.node")


class PlanRunner:
    """See the module. One thread uses it."""

    def __init__(
        self,
        *,
        gate: Gate,
        catalog: Catalog,
        policies: SchedulePolicies,
        plans: VolumePlans,
        snapshots: SnapshotService,
        volumes: VolumeService,
        revocations: RevocationBook,
        clock: Clock,
    ) -> None:
        self._gate = gate
        self._catalog = catalog
        self._policies = policies
        self._plans = plans
        self._snapshots = snapshots
        self._volumes = volumes
        self._revocations = revocations
        self._clock = clock
        # By volume and schedule: until when, and how long that is.
        self._pauses: dict[tuple[str, str], tuple[float, int]] = {}
        self._unreadable: set[str] = set()  # volumes whose plan is known to be, so that it is told once
        self._revoked = (-1, Revocations())  # as of which change of them

    def look(self, over: Event) -> None:
        """Do what is due, until all is done or ``over`` is set."""
        revoked: Revocations | None = None
        for volume_id, plan in self._plans.enumerate():
            if over.is_set():
                return
            if plan is None:
                self._pass_over(volume_id, "what is stored is no plan")
                continue
            if plan.stopped:
                continue
            revoked = self._revoked_now() if revoked is None else revoked
            if revoked.covers(plan.planner.principal()):
                self._end(plan)
                continue
            try:
                volume = self._catalog.find(plan.volume_id)
                schedules = list(schedules_of(plan, self._policies.find))
            except UnavailableError:
                raise  # that storage is away says nothing about the plan
            except HoldfastError as error:
                self._pass_over(volume_id, error.message)
                continue
            self._unreadable.discard(volume_id)
            if volume is not None and volume.state in _WHOLE:
                self._look_at(plan, volume, schedules, over)

    def _pass_over(self, volume_id: str, why: str) -> None:
        """Say once that a plan cannot be read; those behind it have their turn."""
        if volume_id not in self._unreadable:
            _log.error(
                "the snapshot plan of volume %s cannot be read, and no snapshot is taken by it until it is"
                " set again, as with `hfctl volume snap-interval-update`: %s",
                volume_id,
                why,
            )
        self._unreadable.add(volume_id)

    def _revoked_now(self) -> Revocations:
        if self._revocations.catch_up() != self._revoked[0]:
            self._revoked = self._revocations.load()
        return self._revoked[1]

    def _end(self, plan: VolumePlan) -> None:
        try:
            self._admitted(plan)
        except PermissionDeniedError as error:
            self._stop(plan, error.message)

    def _admitted(self, plan: VolumePlan) -> Admission:
        """Return the admission of who planned; raise ``PermissionDeniedError`` if he may not any more."""
        planner = plan.planner.principal()
        admission = self._gate.admit_absent(planner, apis.SNAPSHOT_CREATE, peer=PEER)
        if self._revoked_now().covers(planner):
            reason = "plan ended: the tokens of who set it were revoked"
            self._gate.done(admission, plan.volume_id, reason)
            raise PermissionDeniedError("denied: the tokens of who set it were revoked")
        return admission

    def _look_at(
        self, plan: VolumePlan, volume: VolumeRecord, schedules: list[Scheduled | Missing], over: Event
    ) -> None:
        known = {found.key for found in schedules}
        if not known.issuperset(plan.entries):
            self._forget_all_but(plan, known)
        for found in schedules:
            if over.is_set():
                return
            entry = plan.entries.get(found.key, Entry())
            if isinstance(found, Missing):
                if not entry.failure:
                    self._note(plan, found.key, _failed(self._now(), "its schedule policy is gone"))
                continue
            if was_set_back(found, entry, self._clock.now()):
                self._note(
                    plan, found.key, lambda entry: msgspec.structs.replace(entry, done_for=self._now())
                )
                continue
            due = due_at(found, entry, self._clock.now())
            if due is None or self._is_paused(volume, found.key):
                continue
            if not self._attempt(plan, volume, found, due):
                return

    def _attempt(self, plan: VolumePlan, volume: VolumeRecord, found: Scheduled, due: int) -> bool:
        """Do what is due, or note why not; ``False`` once the plan has ended."""
        key = found.key
        try:
            self._carry_out(plan, volume, found, due)
        except (HeldElsewhereError, OtherPoolError):
            # Another node's to do, or ours as soon as that one is gone.
            self._pause(volume, key, longest_seconds=FIRST_PAUSE_SECONDS)
        except PermissionDeniedError as error:
            self._stop(plan, error.message)
            return False
        except Exception as error:  # noqa: BLE001 - one volume keeps no other from its turn
            told = error.message if isinstance(error, HoldfastError) else "internal error; see the node's log"
            if not isinstance(error, HoldfastError) or isinstance(error, InternalError):
                _log.error("snapshot of volume %s by schedule %s: %s", volume.id, key, describe_defect(error))
            self._pause(volume, key)
            self._note(plan, key, _failed(self._now(), told))
        else:
            self._pauses.pop((volume.id, key), None)
        return True

    def _carry_out(self, plan: VolumePlan, volume: VolumeRecord, found: Scheduled, due: int) -> None:
        admission = self._admitted(plan)
        policy, slash, _ = found.key.rpartition("/")
        if slash:
            self._gate.resource(admission, self._policies, policy)
        try:
            self._snapshots.take_due(
                admission, volume.id, _name(volume, found, due), schedule=found.key, due=due
            )
        except PermissionDeniedError:
            raise
        except HoldfastError as error:
            if not isinstance(error, HeldElsewhereError | OtherPoolError):
                reason = f"snapshot by schedule {found.key} not taken: {type(error).__name__}"
                self._gate.done(admission, volume.id, reason)
            raise
        failure = self._prune(admission, plan, volume, found)
        self._note(plan, found.key, _done(due, self._now(), failure))

    def _prune(self, admission: Admission, plan: VolumePlan, volume: VolumeRecord, found: Scheduled) -> str:
        """Remove what the schedule keeps no longer; return what of it cannot be removed, and why."""
        taken = sorted(
            (
                record
                for record in self._catalog.copies_of(volume.id)
                if record.is_snapshot and record.taken_by == found.key
            ),
            key=lambda record: (record.created_at, record.id),
        )
        # Where one seems to be taken later than now, a clock is or was wrong: it stays for the time being.
        whole = [
            record
            for record in taken
            if record.state in _WHOLE and record.created_at <= self._clock.now() + AHEAD_SECONDS
        ]
        begun = [record for record in taken if record.state is VolumeState.REMOVING]
        of, failure = Taken(parent=volume.id, schedule=found.key, since=plan.planner_since), ""
        for record in (*begun, *whole[: -found.schedule.kept]):
            if not self._volumes.may_remove_taken(admission, record, of):
                continue
            try:
                self._volumes.remove_taken(admission, record.id, of)
            except NotFoundError:
                continue  # another node was quicker
            except HoldfastError as error:
                failure = f"snapshot {record.name} should be removed by now: {error.message}"
        return failure

    def _stop(self, plan: VolumePlan, reason: str) -> None:
        self._plans.update(
            plan.volume_id,
            # Somebody may have planned anew meanwhile.
            lambda now: (
                msgspec.structs.replace(now, stopped=reason)
                if (now.text, now.planner) == (plan.text, plan.planner)
                else now
            ),
        )
        _log.warning("snapshots of volume %s are not taken any more: %s", plan.volume_id, reason)

    def _forget_all_but(self, plan: VolumePlan, known: set[str]) -> None:
        """Forget what became of schedules that are none of this volume any more."""

        def change(now: VolumePlan) -> VolumePlan:
            if (now.text, now.planned_at) != (plan.text, plan.planned_at):
                return now  # planned anew meanwhile
            return msgspec.structs.replace(
                now, entries={key: entry for key, entry in now.entries.items() if key in known}
            )

        self._plans.update(plan.volume_id, change)

    def _note(self, plan: VolumePlan, key: str, edit: Callable[[Entry], Entry]) -> None:
        def change(now: VolumePlan) -> VolumePlan:
            return msgspec.structs.replace(
                now, entries={**now.entries, key: edit(now.entries.get(key, Entry()))}
            )

        self._plans.update(plan.volume_id, change)

    def _is_paused(self, volume: VolumeRecord, key: str) -> bool:
        until, pause = self._pauses.get((volume.id, key), (0.0, 0))
        # A pause that ends later than it is long began by a clock that was ahead.
        return self._clock.now() < until <= self._clock.now() + pause

    def _pause(self, volume: VolumeRecord, key: str, *, longest_seconds: int = LONGEST_PAUSE_SECONDS) -> None:
        before = self._pauses.get((volume.id, key), (0.0, 0))[1]
        pause = min(2 * before, longest_seconds) or FIRST_PAUSE_SECONDS
        self._pauses[volume.id, key] = (self._clock.now() + pause, pause)

    def _now(self) -> int:
        return int(self._clock.now())


def _done(due: int, now: int, failure: str) -> Callable[[Entry], Entry]:
    def edit(entry: Entry) -> Entry:
        if failure and entry.done_for >= due:
            return entry  # another node did the same, and has its say
        return Entry(max(due, entry.done_for), now, now if failure else 0, failure)

    return edit


def _failed(now: int, told: str) -> Callable[[Entry], Entry]:
    return lambda entry: msgspec.structs.replace(entry, failed_at=now, failure=told)


def _name(volume: VolumeRecord, found: Scheduled, due: int) -> str:
    """Return a name that nobody can have taken before, and that says what it is."""
    moment = datetime.fromtimestamp(due, UTC).strftime("%Y%m%d-%H%M")
    return f"{volume.name[:_NAME_CHARACTERS]}-{found.schedule.kind}-{moment}-{secrets.token_hex(3)}"
