"""Service ``SchedulePolicy``: named schedules."""

from collections.abc import Iterable

from holdfast.api.sdk.ownership import access_change, access_control, ownership_message, updated_list
from holdfast.api.sdk.proto import schedulepolicy_pb2 as messages
from holdfast.api.sdk.table import Call, serve
from holdfast.errors import InvalidInputError
from holdfast.model.schedule import Kind, Schedule
from holdfast.node.schedules.schedule_policies import SchedulePolicy
from holdfast.node.schedules.schedule_policy_service import SchedulePolicyService

_MINUTE_SECONDS = 60


def create(
    call: Call, request: messages.SdkSchedulePolicyCreateRequest
) -> messages.SdkSchedulePolicyCreateResponse:
    wanted = request.schedule_policy
    call.node.schedule_policies.create(
        call.admission,
        wanted.name,
        schedules_of(wanted.schedules),
        acls=access_control(wanted.ownership) if wanted.HasField("ownership") else None,
    )
    return messages.SdkSchedulePolicyCreateResponse()


def update(
    call: Call, request: messages.SdkSchedulePolicyUpdateRequest
) -> messages.SdkSchedulePolicyUpdateResponse:
    wanted = request.schedule_policy
    named = wanted.HasField("ownership")
    call.node.schedule_policies.update(
        call.admission,
        wanted.name,
        schedules_of(wanted.schedules),
        owner=(wanted.ownership.owner or None) if named else None,
        acls=updated_list(wanted.ownership) if named else None,
    )
    return messages.SdkSchedulePolicyUpdateResponse()


def update_access(
    call: Call, request: messages.SchedulePolicyAccessUpdateRequest
) -> messages.SchedulePolicyAccessUpdateResponse:
    policy = call.node.schedule_policies.update_access(call.admission, request.name, access_change(request))
    return messages.SchedulePolicyAccessUpdateResponse(ownership=ownership_message(policy.ownership))


def enumerate_policies(
    call: Call,
    request: messages.SdkSchedulePolicyEnumerateRequest,  # noqa: ARG001
) -> messages.SdkSchedulePolicyEnumerateResponse:
    found = call.node.schedule_policies.enumerate(call.admission)
    return messages.SdkSchedulePolicyEnumerateResponse(policies=[_message(policy) for policy in found])


def inspect(
    call: Call, request: messages.SdkSchedulePolicyInspectRequest
) -> messages.SdkSchedulePolicyInspectResponse:
    policy = call.node.schedule_policies.inspect(call.admission, request.name)
    return messages.SdkSchedulePolicyInspectResponse(policy=_message(policy))


def delete(
    call: Call, request: messages.SdkSchedulePolicyDeleteRequest
) -> messages.SdkSchedulePolicyDeleteResponse:
    call.node.schedule_policies.delete(call.admission, request.name)
    return messages.SdkSchedulePolicyDeleteResponse()


def schedules_of(intervals: Iterable[messages.SdkSchedulePolicyInterval]) -> list[Schedule]:
    """Return the schedules that messages say.

    Raises:
        InvalidInputError: one of them says none, or seconds that are no whole minutes.
    """
    return [_schedule(interval) for interval in intervals]


def _schedule(interval: messages.SdkSchedulePolicyInterval) -> Schedule:
    kind = interval.WhichOneof("period_type")
    if kind == "periodic":
        seconds = interval.periodic.seconds
        if seconds % _MINUTE_SECONDS:
            raise InvalidInputError("schedules.periodic.seconds: expected those of whole minutes")
        return Schedule(kind=Kind.PERIODIC, kept=interval.retain, minutes=seconds // _MINUTE_SECONDS)
    if kind == "daily":
        daily = interval.daily
        return Schedule(kind=Kind.DAILY, kept=interval.retain, hour=daily.hour, minute=daily.minute)
    if kind == "weekly":
        weekly = interval.weekly
        return Schedule(
            kind=Kind.WEEKLY,
            kept=interval.retain,
            weekday=weekly.day,
            hour=weekly.hour,
            minute=weekly.minute,
        )
    if kind == "monthly":
        monthly = interval.monthly
        return Schedule(
            kind=Kind.MONTHLY,
            kept=interval.retain,
            day=monthly.day,
            hour=monthly.hour,
            minute=monthly.minute,
        )
    raise InvalidInputError("schedules: expected each to be daily, weekly, monthly or periodic")


def _message(policy: SchedulePolicy) -> messages.SdkSchedulePolicy:
    return messages.SdkSchedulePolicy(
        name=policy.name,
        schedules=[_interval(schedule) for schedule in policy.schedules()],
        ownership=ownership_message(policy.ownership),
    )


def _interval(schedule: Schedule) -> messages.SdkSchedulePolicyInterval:
    interval = messages.SdkSchedulePolicyInterval(retain=schedule.kept)
    if schedule.kind is Kind.PERIODIC:
        interval.periodic.seconds = schedule.minutes * _MINUTE_SECONDS
        return interval
    if schedule.kind is Kind.DAILY:
        interval.daily.SetInParent()  # midnight has no number of its own
        interval.daily.hour, interval.daily.minute = schedule.hour, schedule.minute
    elif schedule.kind is Kind.WEEKLY:
        interval.weekly.SetInParent()
        interval.weekly.day = messages.SdkTimeWeekday.ValueType(schedule.weekday)
        interval.weekly.hour, interval.weekly.minute = schedule.hour, schedule.minute
    else:
        interval.monthly.day = schedule.day
        interval.monthly.hour, interval.monthly.minute = schedule.hour, schedule.minute
    return interval


ROWS = (
    serve(
        SchedulePolicyService.create,
        messages.SdkSchedulePolicyCreateRequest,
        messages.SdkSchedulePolicyCreateResponse,
        create,
        "POST schedulepolicies",
    ),
    serve(
        SchedulePolicyService.update,
        messages.SdkSchedulePolicyUpdateRequest,
        messages.SdkSchedulePolicyUpdateResponse,
        update,
        "PUT schedulepolicies",
    ),
    serve(
        SchedulePolicyService.update_access,
        messages.SchedulePolicyAccessUpdateRequest,
        messages.SchedulePolicyAccessUpdateResponse,
        update_access,
        "PUT schedulepolicies/access/{name}",
    ),
    serve(
        SchedulePolicyService.enumerate,
        messages.SdkSchedulePolicyEnumerateRequest,
        messages.SdkSchedulePolicyEnumerateResponse,
        enumerate_policies,
        "GET schedulepolicies",
    ),
    serve(
        SchedulePolicyService.inspect,
        messages.SdkSchedulePolicyInspectRequest,
        messages.SdkSchedulePolicyInspectResponse,
        inspect,
        "GET schedulepolicies/inspect/{name}",
    ),
    serve(
        SchedulePolicyService.delete,
        messages.SdkSchedulePolicyDeleteRequest,
        messages.SdkSchedulePolicyDeleteResponse,
        delete,
        "DELETE schedulepolicies/{name}",
    ),
)
