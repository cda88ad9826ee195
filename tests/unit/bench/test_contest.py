"""Arithmetic of the results, and how they are printed."""

import json

import pytest
from bench.__main__ import main
from bench.attach import summarise as summarise_attach
from bench.contest import Sample, summarise
from bench.inprocess import REFERENCE
from bench.inprocess import summarise as summarise_inprocess
from bench.report import contest_table, table
from bench.wrk import Run


def sample(server, rate, *, scenario="reads", cpu_us=10.0, errors=0, p99_us=2000):
    run = Run(requests=rate, seconds=1.0, p50_us=1000, p99_us=p99_us, p999_us=3000, errors=errors)
    return Sample(server, scenario, run, cpu_us, None if cpu_us is None else 0.1)


def test_ratios_are_taken_within_a_round_so_that_a_slow_round_does_not_count():
    rounds = [
        [sample("bound", 100), sample("holdfast", 50)],
        [sample("bound", 10), sample("holdfast", 5)],  # the machine was busy with something else
        [sample("bound", 100), sample("holdfast", 40)],
    ]
    _, ours = summarise(rounds)
    assert ours.of_bound == 0.5
    assert ours.rate == 40


def test_a_peer_is_compared_in_its_own_scenario_and_the_bound_with_nobody():
    rounds = [
        [
            sample("bound", 100),
            sample("holdfast", 50),
            sample("peer", 10, cpu_us=None, p99_us=4000),
            sample("holdfast", 30, scenario="durable writes"),
            sample("peer", 15, scenario="durable writes", cpu_us=None),
        ]
    ]
    bound, reads, peer, writes, _ = summarise(rounds, peer="peer")
    assert (bound.of_bound, bound.of_peer) == (None, None)
    assert (reads.of_peer, writes.of_peer) == (5.0, 2.0)
    assert (reads.p99_of_peer, writes.p99_of_peer, peer.p99_of_peer) == (0.5, 1.0, None)
    assert (peer.of_bound, peer.of_peer, peer.cpu_us, peer.disturbance) == (0.1, None, None, None)


def test_errors_of_all_rounds_count():
    rounds = [
        [sample("holdfast", 50, errors=1)],
        [sample("holdfast", 50)],
        [sample("holdfast", 50, errors=2)],
    ]
    assert summarise(rounds)[0].errors == 3


def test_a_bound_that_answered_nothing_gives_no_ratio():
    assert summarise([[sample("bound", 0), sample("holdfast", 5)]])[1].of_bound is None


def test_the_least_disturbed_round_counts_in_process():
    costs = {REFERENCE: [2.0, 1.0, 5.0], "read": [12.0, 10.0, 11.0]}
    reference, read = summarise_inprocess(costs)
    assert (reference.ratio, read.microseconds, read.ratio) == (1.0, 10.0, 10.0)


def test_attaching_is_reported_in_milliseconds():
    timing = summarise_attach("luks-fuse", [(0.05, 0.004), (0.07, 0.002), (0.06, 0.003)])
    assert (timing.attach_ms, timing.slowest_attach_ms, timing.detach_ms) == pytest.approx((60, 70, 3))


def test_figures_stand_to_the_right_and_texts_to_the_left():
    assert table(("load", "req/s"), [("90/10 mix", "1,000"), ("reads", "-")]) == (
        "load       req/s\n90/10 mix  1,000\nreads          -"
    )


def test_a_table_says_what_is_not_known():
    (line,) = contest_table(summarise([[sample("peer", 1000, cpu_us=None)]])).splitlines()[1:]
    assert line.split() == ["reads", "peer", "1,000", "1.00", "2.00", "3.00", "-", "0", "-", "-", "-", "-"]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--peer", "http://127.0.0.1:1"], id="peer without token"),
        pytest.param(["--peer-token", "t"], id="token without peer"),
        pytest.param(["--rounds", "0"], id="no rounds"),
        pytest.param(["--workers", "-1"], id="negative workers"),
        pytest.param(["--duration", "soon"], id="no number"),
        pytest.param(["lunch"], id="unknown benchmark"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_refused(arguments, capsys):
    with pytest.raises(SystemExit) as refused:
        main(arguments)
    assert refused.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_json_holds_every_subject(capfdbinary, monkeypatch):
    monkeypatch.setattr("bench.inprocess.SECRETS", 40)
    assert main(["inprocess", "--rounds", "1", "--json"]) == 0
    results = json.loads(capfdbinary.readouterr().out)
    assert [result["name"] for result in results] == [
        "parser alone",
        "constant answer",
        "read",
        "read, audited",
        "read among 100, audited",
        "refused, audited",
        "batch login, audited",
    ]
    assert all(result["microseconds"] > 0 for result in results)
