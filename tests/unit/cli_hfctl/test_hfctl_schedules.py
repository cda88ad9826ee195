"""Schedules are typed as users of pxctl know them, sent as nodes take them, and shown as they were typed."""

import pytest

from holdfast.api.sdk.json_messages import read_body
from holdfast.api.sdk.proto.schedulepolicy_pb2 import SdkSchedulePolicyCreateRequest
from holdfast.api.sdk.services.schedulepolicy import schedules_of
from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import UsageError
from holdfast.cli.hfctl import sched_policy, volume_schedule
from holdfast.cli.hfctl.schedule_options import interval_text, plan_of
from holdfast.formats.strict_json import encode


def parsed(declare, *words):
    parser = CommandParser(command="", summary="")
    declare(parser)
    return parser.parse_args(["name", *words])


def body(*words):
    return sched_policy._body(parsed(sched_policy.create, *words))


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("--periodic", "60,24"), ["periodic 60,24"]),
        (("--periodic", "60"), ["periodic 60,5"]),
        (("--daily", "9:05"), ["daily 09:05,7"]),
        (("--daily", "0:00,1"), ["daily 00:00,1"]),
        (("--weekly", "Sunday@0:00"), ["weekly sunday@00:00,5"]),
        (("--weekly", "saturday@23:59,2"), ["weekly saturday@23:59,2"]),
        (("--monthly", "28@12:00"), ["monthly 28@12:00,12"]),
        (("--daily", "1:00", "--daily", "2:00", "--monthly", "1@3:00"), None),
    ],
)
def test_what_is_typed_reaches_the_node_and_is_shown_as_it_was_typed(words, shown):
    sent = body(*words)
    request = read_body(encode(sent), SdkSchedulePolicyCreateRequest)  # as the node reads it
    understood = schedules_of(request.schedule_policy.schedules)
    assert [schedule.text() for schedule in understood] == [
        interval_text(interval).replace(" ", "=", 1) for interval in sent["schedule_policy"]["schedules"]
    ]
    if shown is not None:
        assert [interval_text(interval) for interval in sent["schedule_policy"]["schedules"]] == shown


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((), "expected --periodic"),
        (("--daily", "25:00"), "--daily"),
        (("--daily", "noon"), "--daily: expected hh:mm,k"),
        (("--weekly", "12:00"), "--weekly"),
        (("--monthly", "31@12:00"), "--monthly"),
        (("--periodic", "0"), "--periodic"),
        (("--daily", "12:00,0"), "--retain"),
    ],
)
def test_what_is_no_schedule_is_refused_here(words, text):
    with pytest.raises(UsageError, match=text):
        body(*words)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--policy", "a,b", "--policy", "c"), "policy=a,b,c"),
        (("--policy", "a", "--daily", "12:00"), "daily=12:00,7;policy=a"),
        (("--periodic", "0"), ""),
    ],
)
def test_the_plan_of_a_volume(words, text):
    plan = plan_of(parsed(volume_schedule.update, *words))
    assert plan is not None
    assert plan.text() == text


def test_no_option_is_no_plan_and_none_at_all_stands_alone():
    assert plan_of(parsed(volume_schedule.update)) is None
    for words in (("--periodic", "0", "--daily", "12:00"), ("--policy", "a b"), ("--policy", "")):
        with pytest.raises(UsageError):
            plan_of(parsed(volume_schedule.update, *words))
