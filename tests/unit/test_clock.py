"""Time never runs backwards, and is written as the Vault API writes it."""

import time

import pytest

from holdfast.clock import ManualClock, SystemClock, rfc3339


def test_a_clock_that_is_stepped_back_stands_still(monkeypatch):
    clock = SystemClock()
    readings = iter([1000.0, 400.0, 999.9, 1000.5])
    monkeypatch.setattr(time, "time", lambda: next(readings))
    assert [clock.now() for _ in range(4)] == [1000.0, 1000.0, 1000.0, 1000.5]


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
