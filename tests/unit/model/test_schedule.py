"""A schedule says when it was due last and is due next, in UTC, whatever month or year it is."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import InvalidInputError
from holdfast.model.schedule import Kind, Schedule, read_plan, read_schedule


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("schedule", "now", "last", "following"),
    [
        ("periodic=60,5", "2030-01-31T12:34:56", "2030-01-31T12:00:00", "2030-01-31T13:00:00"),
        ("periodic=60,5", "2030-01-31T12:00:00", "2030-01-31T12:00:00", "2030-01-31T13:00:00"),
        ("periodic=1440,5", "2030-01-31T12:34:56", "2030-01-31T00:00:00", "2030-02-01T00:00:00"),
        ("daily=23:30,7", "2030-03-01T00:00:00", "2030-02-28T23:30:00", "2030-03-01T23:30:00"),
        ("daily=23:30,7", "2030-03-01T23:30:00", "2030-03-01T23:30:00", "2030-03-02T23:30:00"),
        ("daily=0:00,7", "2030-01-01T00:00:00", "2030-01-01T00:00:00", "2030-01-02T00:00:00"),
        ("weekly=sunday@12:00,5", "2030-01-05T13:00:00", "2029-12-30T12:00:00", "2030-01-06T12:00:00"),
        ("weekly=sunday@12:00,5", "2030-01-06T11:59:59", "2029-12-30T12:00:00", "2030-01-06T12:00:00"),
        ("weekly=sunday@12:00,5", "2030-01-06T12:00:00", "2030-01-06T12:00:00", "2030-01-13T12:00:00"),
        ("weekly=Saturday@00:00,5", "2030-01-06T12:00:00", "2030-01-05T00:00:00", "2030-01-12T00:00:00"),
        ("monthly=28@12:00,12", "2030-03-01T00:00:00", "2030-02-28T12:00:00", "2030-03-28T12:00:00"),
        ("monthly=1@12:00,12", "2030-01-01T11:00:00", "2029-12-01T12:00:00", "2030-01-01T12:00:00"),
        ("monthly=15@12:00,12", "2030-12-31T23:59:59", "2030-12-15T12:00:00", "2031-01-15T12:00:00"),
        ("monthly=28@12:00,12", "2032-02-29T00:00:00", "2032-02-28T12:00:00", "2032-03-28T12:00:00"),
    ],
)
def test_when_it_was_due_last_and_is_due_next(schedule, now, last, following):
    found = read_schedule(schedule)
    assert found.last_due(at(now)) == at(last)
    assert found.next_due(at(now)) == at(following)


SCHEDULES = st.one_of(
    st.builds(
        Schedule, kind=st.just(Kind.PERIODIC), kept=st.integers(1, 500), minutes=st.integers(1, 366 * 24 * 60)
    ),
    st.builds(
        Schedule,
        kind=st.just(Kind.DAILY),
        kept=st.integers(1, 500),
        hour=st.integers(0, 23),
        minute=st.integers(0, 59),
    ),
    st.builds(
        Schedule,
        kind=st.just(Kind.WEEKLY),
        kept=st.integers(1, 500),
        weekday=st.integers(0, 6),
        hour=st.integers(0, 23),
        minute=st.integers(0, 59),
    ),
    st.builds(
        Schedule,
        kind=st.just(Kind.MONTHLY),
        kept=st.integers(1, 500),
        day=st.integers(1, 28),
        hour=st.integers(0, 23),
        minute=st.integers(0, 59),
    ),
)


@given(SCHEDULES, st.integers(0, 4_000_000_000))
def test_between_two_times_there_is_none(schedule, now):
    last, following = schedule.last_due(now), schedule.next_due(now)
    assert last <= now < following
    assert schedule.last_due(following) == following
    assert schedule.last_due(following - 1) == last


@given(SCHEDULES)
def test_what_is_written_is_read_as_it_was(schedule):
    schedule.check()
    assert read_schedule(schedule.text()) == schedule


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("periodic=60", "periodic=60,5"),
        ("daily=9:05", "daily=09:05,7"),
        ("weekly=Monday@9:05", "weekly=monday@09:05,5"),
        ("monthly=1@0:00", "monthly=1@00:00,12"),
        ("policy=a,b;daily=9:05,1", "daily=09:05,1;policy=a,b"),
        ("policy=a;policy=a,b", "policy=a,b"),
        ("", ""),
        ("periodic=0", ""),
        ("periodic=0,5;policy=a", "policy=a"),
    ],
)
def test_how_many_are_kept_unless_it_is_said_and_what_a_plan_comes_to(text, written):
    assert read_plan(text).text() == written


@pytest.mark.parametrize(
    "text",
    [
        "hourly=1",
        "daily",
        "daily=24:00",
        "daily=12:60",
        "daily=12",
        "daily=12:00,0",
        "daily=12:00,501",
        "daily=12:00,",
        "daily=12:00,-1",
        "daily=sunday@12:00",
        "weekly=12:00",
        "weekly=someday@12:00",
        "monthly=29@12:00",
        "monthly=0@12:00",
        "monthly=x@12:00",
        "periodic=x",
        "periodic=-5",
        "periodic=1.5",
        "periodic=999999999",
        "policy=",
        "policy=a,,b",
        "policy=a b",
        "policy=../a",
        "yaml: [1]",
        ";".join(f"daily=12:{minute:02}" for minute in range(17)),
    ],
)
def test_what_is_no_schedule_is_refused_and_not_repeated(text):
    with pytest.raises(InvalidInputError) as caught:
        read_plan(text)
    assert "someday" not in caught.value.message
