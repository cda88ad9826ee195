"""Schedules as options, in the form that ``pxctl`` has for them, and as the node takes and tells them."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import UsageError
from holdfast.errors import InvalidInputError
from holdfast.model.schedule import KEPT_UNLESS_SAID, WEEKDAYS, Kind, Plan, Schedule, make_plan, read_schedule

_FORMS = {
    Kind.PERIODIC: ("mins,k", "every so many minutes"),
    Kind.DAILY: ("hh:mm,k", "daily at this time, in UTC"),
    Kind.WEEKLY: ("weekday@hh:mm,k", "weekly"),
    Kind.MONTHLY: ("day@hh:mm,k", "monthly, on a day from 1 to 28"),
}
_PREFIX = "SdkTimeWeekday"


def declare_schedules(parser: CommandParser) -> None:
    """Declare one option for each kind of schedule."""
    for kind, (form, what) in _FORMS.items():
        told = f"{what}; keep k of them [{KEPT_UNLESS_SAID[kind]}]"
        parser.add_argument(f"--{kind}", action="append", default=[], metavar=form, help=told)


def declare_plan(parser: CommandParser) -> None:
    """Declare the options of a volume's plan."""
    parser.add_argument(
        "--policy", action="append", default=[], metavar="NAME,...", help="by these schedule policies"
    )
    declare_schedules(parser)


def schedules_of(arguments: Namespace) -> list[Schedule]:
    """Return the schedules that the options name."""
    found = []
    for kind in Kind:
        for text in getattr(arguments, kind):
            try:
                found.append(read_schedule(f"{kind}={text}"))
            except InvalidInputError as error:
                raise UsageError(f"--{error.message}") from None
    return found


def plan_of(arguments: Namespace) -> Plan | None:
    """Return the plan that the options name; ``None`` for no option, an empty plan for ``--periodic 0``."""
    names = [name for text in arguments.policy for name in text.split(",")]
    is_off = arguments.periodic == ["0"]
    if is_off:
        arguments.periodic = []
    schedules = schedules_of(arguments)
    if not (names or schedules):
        return Plan() if is_off else None
    if is_off:
        raise UsageError("--periodic 0: means none at all, and makes no sense beside others")
    try:
        return make_plan(names, schedules)
    except InvalidInputError as error:
        raise UsageError(f"--{error.message}") from None


def interval_of(schedule: Schedule) -> dict[str, Any]:
    """Return a schedule as the node takes it."""
    times = {"hour": schedule.hour, "minute": schedule.minute}
    if schedule.kind is Kind.PERIODIC:
        times = {"seconds": 60 * schedule.minutes}
    body: dict[str, Any] = {**times}
    if schedule.kind is Kind.WEEKLY:
        body["day"] = f"{_PREFIX}{WEEKDAYS[schedule.weekday].capitalize()}"
    if schedule.kind is Kind.MONTHLY:
        body["day"] = schedule.day
    return {"retain": schedule.kept, schedule.kind.value: body}


def interval_text(interval: Mapping[str, Any]) -> str:
    """Return a schedule of the node as the options write it, such as ``daily 23:30,7``."""
    kind = next(kind for kind in Kind if kind in interval)
    times = interval[kind]
    day = times.get("day", f"{_PREFIX}Sunday" if kind is Kind.WEEKLY else 0)
    schedule = Schedule(
        kind=kind,
        kept=int(interval.get("retain", 0)),
        minutes=int(times.get("seconds", 0)) // 60,
        weekday=WEEKDAYS.index(day.removeprefix(_PREFIX).lower()) if kind is Kind.WEEKLY else 0,
        day=day if kind is Kind.MONTHLY else 0,
        hour=times.get("hour", 0),
        minute=times.get("minute", 0),
    )
    return schedule.text().replace("=", " ", 1)
