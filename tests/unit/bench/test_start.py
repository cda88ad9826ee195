"""Rounds of starting a store, reduced to one line."""

from bench.report import start_table
from bench.start import summarise


def test_rounds_become_medians_and_extremes_in_milliseconds():
    start = summarise("a store", [(0.5, 0.25), (0.25, 0.5), (1.0, 0.75)])
    assert (start.ready_ms, start.fastest_ms, start.slowest_ms, start.cpu_ms) == (500, 250, 1000, 500)
    head, row = start_table([start]).splitlines()
    assert head.split() == ["process", "ready", "ms", "fastest", "slowest", "CPU", "ms"]
    assert row.split() == ["a", "store", "500", "250", "1000", "500"]
