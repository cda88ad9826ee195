"""Which snapshots of a volume are due: decided from plan, policies and time, without doing anything."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from holdfast.model.schedule import Schedule, read_plan
from holdfast.node.schedules.schedule_policies import SchedulePolicy
from holdfast.node.schedules.volume_plans import Entry, VolumePlan

AHEAD_SECONDS = 300  # further than that in the future nothing was done: the clock was wrong then


@dataclass(frozen=True, slots=True)
class Scheduled:
    """One schedule of a volume.

    Attributes:
        key: by which it is known: ``daily``, or ``nightly/daily`` of policy ``nightly``.
        schedule: when.
        since: Unix seconds from which on it counts.
    """

    key: str
    schedule: Schedule
    since: int


@dataclass(frozen=True, slots=True)
class Missing:
    """A policy that a plan names, and that is not there any more, though another of its name may be.

    Attributes:
        name: of the policy.
    """

    name: str

    @property
    def key(self) -> str:
        """By which it is known."""
        return f"{self.name}/"


def schedules_of(
    plan: VolumePlan, policy: Callable[[str], SchedulePolicy | None]
) -> Iterator[Scheduled | Missing]:
    """Yield all schedules of a volume.

    Args:
        plan: of the volume.
        policy: returns a policy by name, or ``None``.
    """
    wanted = read_plan(plan.text)
    yield from _keyed("", list(wanted.own), plan.planned_at)
    for name in wanted.policies:
        found = policy(name)
        if found is None or found.uid != plan.policies.get(name):
            yield Missing(name)
        else:
            yield from _keyed(f"{name}/", found.schedules(), max(plan.planned_at, found.changed_at))


def _keyed(prefix: str, schedules: list[Schedule], since: int) -> Iterator[Scheduled]:
    """Number the second and later ones of a kind, so that each keeps snapshots of its own."""
    seen: Counter[str] = Counter()
    for schedule in schedules:
        seen[schedule.kind] += 1
        number = f"-{seen[schedule.kind]}" if seen[schedule.kind] > 1 else ""
        yield Scheduled(f"{prefix}{schedule.kind}{number}", schedule, since)


def due_at(scheduled: Scheduled, entry: Entry, now: float) -> int | None:
    """Return the moment for which a snapshot is due now, or ``None``. However many were missed, it is one."""
    if was_set_back(scheduled, entry, now):
        return None
    since = scheduled.since if scheduled.since <= now + AHEAD_SECONDS else 0
    due = scheduled.schedule.last_due(now)
    return due if due > max(entry.done_for, since) else None


def was_set_back(scheduled: Scheduled, entry: Entry, now: float) -> bool:
    """Whether the clock went wrong when it was done, or planned, last: then it begins anew from now on."""
    known = entry.done_for or scheduled.since
    return known > now + AHEAD_SECONDS
