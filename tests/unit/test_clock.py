"""Time never runs backwards, and is written as the Vault API writes it."""

import time

import pytest

from holdfast.clock import ManualClock, SystemClock, rfc3339


def test_the_system_clock_is_the_wall_clock():
    before = time.time()
    now = SystemClock().now()
    assert before - 0.001 <= now <= time.time() + 0.001


@pytest.mark.parametrize(
    ("wall", "told"),
    [
        pytest.param([1000.0, 1001.0, 1002.0, 1003.0], [1000.0, 1001.0, 1002.0, 1003.0], id="even"),
        pytest.param([1000.0, 400.0, 401.0, 402.0], [1000.0, 1001.0, 1002.0, 1003.0], id="stepped-back"),
        pytest.param([1000.0, 400.0, 1002.5, 1003.5], [1000.0, 1001.0, 1002.5, 1003.5], id="and-set-right"),
        pytest.param([1000.0, 5000.0, 5001.0, 1003.0], [1000.0, 5000.0, 5001.0, 5002.0], id="forth-and-back"),
    ],
)
def test_whatever_happens_to_the_wall_clock_time_goes_on(monkeypatch, wall, told):
    seconds = iter(range(4))
    monkeypatch.setattr(time, "monotonic", lambda: 50.0 + next(seconds))
    readings = iter(wall)
    monkeypatch.setattr(time, "time", lambda: next(readings))
    clock = SystemClock()
    assert [clock.now() for _ in range(4)] == told


def test_a_manual_clock_moves_forward_only():
    clock = ManualClock(start=10.0)
    clock.advance(2.5)
    assert clock.now() == 12.5
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param(0.0, "1970-01-01T00:00:00.000000000Z", id="epoch"),
        pytest.param(1_560_964_842.25, "2019-06-19T17:20:42.250000000Z", id="fraction"),
        pytest.param(1.9999999999, "1970-01-01T00:00:02.000000000Z", id="rounds-up-to-the-next-second"),
    ],
)
def test_times_are_written_in_utc_with_nanoseconds(seconds, text):
    assert rfc3339(seconds) == text
