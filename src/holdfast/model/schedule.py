"""When something is to be done again and again: every so many minutes, or daily, weekly or monthly at a time.

    periodic=mins,k       weekly=weekday@hh:mm,k       k of them are kept
    daily=hh:mm,k         monthly=day@hh:mm,k

Times are in UTC, which knows no hour that comes twice. A schedule says of any moment when it was due last,
and nothing about what was done: whoever was away for a week finds one time to make up for, not seven.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from holdfast.errors import InvalidInputError

MAX_KEPT = 500
MAX_MINUTES = 366 * 24 * 60
MAX_SCHEDULES = 16
LAST_DAY = 28  # which every month has
WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")

_POLICY = "policy"
_MINUTE, _DAY = 60, 86_400
_NUMBER = re.compile(r"[0-9]{1,9}")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class Kind(StrEnum):
    """How often."""

    PERIODIC = "periodic"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


KEPT_UNLESS_SAID = {Kind.PERIODIC: 5, Kind.DAILY: 7, Kind.WEEKLY: 5, Kind.MONTHLY: 12}
_FORMS = {
    Kind.PERIODIC: "mins,k such as 60,5",
    Kind.DAILY: "hh:mm,k such as 23:30,7",
    Kind.WEEKLY: "weekday@hh:mm,k such as sunday@23:30,5",
    Kind.MONTHLY: "day@hh:mm,k such as 28@23:30,12",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One schedule.

    Attributes:
        kind: how often.
        kept: of how many the results are kept.
        minutes: between two times, counted from midnight of a day long ago; of a periodic one.
        weekday: 0 for Sunday; of a weekly one.
        day: of the month; of a monthly one.
        hour: of the day; of all but a periodic one.
        minute: of the hour; likewise.
    """

    kind: Kind
    kept: int
    minutes: int = 0
    weekday: int = 0
    day: int = 0
    hour: int = 0
    minute: int = 0

    def check(self) -> None:
        """Raise ``InvalidInputError`` for what cannot be, naming the field."""
        if not 1 <= self.kept <= MAX_KEPT:
            raise InvalidInputError(f"retain: expected 1 to {MAX_KEPT}")
        if self.kind is Kind.PERIODIC:
            if not 1 <= self.minutes <= MAX_MINUTES:
                raise InvalidInputError("periodic: expected whole minutes, from one to those of a year")
            return
        if not (0 <= self.hour < 24 and 0 <= self.minute < 60):  # noqa: PLR2004 - of the clock
            raise InvalidInputError(f"{self.kind}: expected a time of day from 00:00 to 23:59")
        if self.kind is Kind.WEEKLY and not 0 <= self.weekday < len(WEEKDAYS):
            raise InvalidInputError("weekly: expected a day of the week")
        if self.kind is Kind.MONTHLY and not 1 <= self.day <= LAST_DAY:
            raise InvalidInputError(f"monthly: expected a day from 1 to {LAST_DAY}, which every month has")

    def last_due(self, now: float) -> int:
        """Return the latest moment, not after ``now``, at which it was due; Unix seconds."""
        if self.kind is Kind.PERIODIC:
            return int(now) - int(now) % (self.minutes * _MINUTE)
        moment = datetime.fromtimestamp(int(now), UTC)
        due = moment.replace(hour=self.hour, minute=self.minute, second=0)
        if self.kind is Kind.MONTHLY:
            due = due.replace(day=self.day)
            if due > moment:
                due = (due.replace(day=1) - timedelta(days=1)).replace(day=self.day)
            return int(due.timestamp())
        if self.kind is Kind.WEEKLY:
            due -= timedelta(days=(due.isoweekday() - self.weekday) % 7)
        if due > moment:
            due -= timedelta(days=7 if self.kind is Kind.WEEKLY else 1)
        return int(due.timestamp())

    def next_due(self, now: float) -> int:
        """Return the first moment after ``now`` at which it is due."""
        last = self.last_due(now)
        if self.kind is Kind.PERIODIC:
            return last + self.minutes * _MINUTE
        if self.kind is Kind.MONTHLY:
            return self.last_due(last + 31 * _DAY)
        return last + (7 * _DAY if self.kind is Kind.WEEKLY else _DAY)

    def text(self) -> str:
        """Return it in the form of the module's docstring."""
        time = f"{self.hour:02}:{self.minute:02}"
        when = {
            Kind.PERIODIC: str(self.minutes),
            Kind.DAILY: time,
            Kind.WEEKLY: f"{WEEKDAYS[self.weekday]}@{time}",
            Kind.MONTHLY: f"{self.day}@{time}",
        }[self.kind]
        return f"{self.kind}={when},{self.kept}"


def read_schedule(text: str) -> Schedule:
    """Read one schedule.

    Raises:
        InvalidInputError: it is none.
    """
    word, equals, rest = text.strip().partition("=")
    if not equals or word not in set(Kind):
        raise InvalidInputError(f"schedule: expected one of {', '.join(Kind)}, an equals sign and the times")
    kind = Kind(word)
    when, comma, kept = rest.partition(",")
    if comma and not _NUMBER.fullmatch(kept):
        raise _not_of(kind)
    schedule = Schedule(
        kind=kind, kept=int(kept) if comma else KEPT_UNLESS_SAID[kind], **_read_when(kind, when)
    )
    schedule.check()
    return schedule


def _read_when(kind: Kind, text: str) -> dict[str, int]:
    if kind is Kind.PERIODIC:
        if not _NUMBER.fullmatch(text):
            raise _not_of(kind)
        return {"minutes": int(text)}
    day, at, time = text.rpartition("@")
    found = _TIME.fullmatch(time)
    if found is None or bool(at) is (kind is Kind.DAILY):
        raise _not_of(kind)
    fields = {"hour": int(found[1]), "minute": int(found[2])}
    if kind is Kind.WEEKLY:
        if day.lower() not in WEEKDAYS:
            raise _not_of(kind)
        fields["weekday"] = WEEKDAYS.index(day.lower())
    if kind is Kind.MONTHLY:
        if not _NUMBER.fullmatch(day):
            raise _not_of(kind)
        fields["day"] = int(day)
    return fields


def _not_of(kind: Kind) -> InvalidInputError:
    return InvalidInputError(f"{kind}: expected {_FORMS[kind]}")


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is said of one thing: schedules of its own, and names of policies that have more.

    Attributes:
        policies: names, each once.
        own: schedules.
    """

    policies: tuple[str, ...] = ()
    own: tuple[Schedule, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is to be done at all."""
        return bool(self.policies or self.own)

    def text(self) -> str:
        """Return it as one text: ``daily=12:00,7;policy=one,two``."""
        parts = [schedule.text() for schedule in self.own]
        if self.policies:
            parts.append(f"{_POLICY}={','.join(self.policies)}")
        return ";".join(parts)


def read_plan(text: str) -> Plan:
    """Read a plan; nothing, or ``periodic=0``, is an empty one.

    Raises:
        InvalidInputError: a part of it is neither a schedule nor a list of policies.
    """
    policies: list[str] = []
    own: list[Schedule] = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        word, _, rest = part.partition("=")
        if word == _POLICY:
            policies += rest.split(",")
        elif part.split(",")[0] != f"{Kind.PERIODIC}=0":
            own.append(read_schedule(part))
    return make_plan(policies, own)


def make_plan(policies: Iterable[str], own: Iterable[Schedule] = ()) -> Plan:
    """Return a plan.

    Raises:
        InvalidInputError: a name is none, or there are too many.
    """
    plan = Plan(tuple(dict.fromkeys(policies)), tuple(own))
    if not all(_NAME.fullmatch(name) for name in plan.policies):
        raise InvalidInputError("policy: expected names of schedule policies, with commas between them")
    if max(len(plan.policies), len(plan.own)) > MAX_SCHEDULES:
        raise InvalidInputError(f"schedule: expected at most {MAX_SCHEDULES} policies and schedules")
    return plan
