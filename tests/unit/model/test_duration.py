"""Durations: every form that clients send, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import InvalidInputError
from holdfast.model import format_go_duration, parse_duration
from holdfast.model.duration import MAX_SECONDS


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param(0, 0, id="zero"),
        pytest.param(3600, 3600, id="number"),
        pytest.param(90.0, 90, id="whole-float"),
        pytest.param("", 0, id="empty-text"),
        pytest.param("3600", 3600, id="numeric-text"),
        pytest.param("90s", 90, id="seconds"),
        pytest.param("0s", 0, id="zero-seconds"),
        pytest.param("768h", 2_764_800, id="hours"),
        pytest.param("1h30m", 5400, id="sum"),
        pytest.param("768h0m0s", 2_764_800, id="as-go-prints-it"),
        pytest.param("30d", 2_592_000, id="days"),
        pytest.param("1y", 31_536_000, id="year"),
        pytest.param(" 5m ", 300, id="blanks-around"),
        pytest.param(MAX_SECONDS, MAX_SECONDS, id="longest"),
    ],
)
def test_a_duration_is_read(value, seconds):
    assert parse_duration(value, field="ttl") == seconds


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(-1, id="negative-number"),
        pytest.param("-1s", id="negative-text"),
        pytest.param(1.5, id="fraction"),
        pytest.param("1.5h", id="fraction-in-text"),
        pytest.param(True, id="boolean"),
        pytest.param("1h 30m", id="blank-inside"),
        pytest.param("h", id="unit-alone"),
        pytest.param("1w", id="unknown-unit"),
        pytest.param("1H", id="capital-unit"),
        pytest.param("5m3", id="number-after-unit"),
        pytest.param("\u0665s", id="digit-of-another-script"),
        pytest.param("\uff15", id="full-width-digit"),
        pytest.param("9" * 5000, id="very-many-digits"),
        pytest.param("9" * 5000 + "s", id="very-many-digits-with-unit"),
        pytest.param(float("inf"), id="infinite"),
        pytest.param(float("nan"), id="not-a-number"),
        pytest.param(MAX_SECONDS + 1, id="too-long"),
        pytest.param("293y", id="too-long-in-text"),
    ],
)
def test_anything_else_is_refused_by_the_name_of_its_field(value):
    with pytest.raises(InvalidInputError, match=r"^ttl: "):
        parse_duration(value, field="ttl")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param(0, "0s", id="zero"),
        pytest.param(59, "59s", id="seconds"),
        pytest.param(1800, "30m0s", id="minutes"),
        pytest.param(2_764_800, "768h0m0s", id="hours"),
    ],
)
def test_a_duration_is_written_as_go_does(seconds, text):
    assert format_go_duration(seconds) == text


@given(st.integers(min_value=0, max_value=MAX_SECONDS))
def test_what_is_written_is_read_back(seconds):
    assert parse_duration(format_go_duration(seconds), field="ttl") == seconds
