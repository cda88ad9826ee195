"""Servers under the same load, side by side: rounds in turn, medians, ratios within a round.

What disturbs the machine disturbs neighbouring runs alike, so a ratio is taken between runs of one round
and only then is the median of all rounds taken.
"""

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

from bench.cpu import cpu_seconds, machine_seconds, own_seconds
from bench.servers import Server
from bench.wrk import Run, Scenario

BOUND = "bound"


@dataclass(frozen=True)
class Sample:
    """One run of one server.

    Attributes:
        server: its name.
        scenario: what was asked.
        run: what wrk saw.
        cpu_us: CPU time of the server per request in microseconds; ``None`` where it cannot be known.
        disturbance: share of the machine that went to neither server nor load; ``None`` likewise.
    """

    server: str
    scenario: str
    run: Run
    cpu_us: float | None
    disturbance: float | None


@dataclass(frozen=True)
class Result:
    """The medians of a server in one scenario.

    Attributes:
        scenario: what was asked.
        server: who answered.
        rate: answers per second.
        p50_ms: median latency.
        p99_ms: 99th percentile.
        p999_ms: 99.9th percentile.
        cpu_us: CPU time of the server per request.
        errors: in all rounds together.
        disturbance: share of the machine that others took.
        of_bound: rate as a share of the bound's in the same round.
        of_peer: rate in units of the peer's in the same round.
        p99_of_peer: 99th percentile in units of the peer's in the same round.
    """

    scenario: str
    server: str
    rate: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    cpu_us: float | None
    errors: int
    disturbance: float | None
    of_bound: float | None
    of_peer: float | None
    p99_of_peer: float | None


def sample(server: Server, scenario: Scenario, load: Callable[[], Run]) -> Sample:
    """Run a load and note what it cost the server."""
    processes = server.processes()
    started, machine, own, before = time.monotonic(), machine_seconds(), own_seconds(), cpu_seconds(processes)
    run = load()
    spent = cpu_seconds(processes) - before
    others = machine_seconds() - machine - (own_seconds() - own) - spent
    capacity = (time.monotonic() - started) * (os.cpu_count() or 1)
    if not processes or not run.requests:
        return Sample(server.name, scenario.name, run, None, None)
    return Sample(server.name, scenario.name, run, spent / run.requests * 1e6, max(0.0, others / capacity))


def summarise(rounds: list[list[Sample]], *, peer: str = "") -> list[Result]:
    """Reduce rounds to medians.

    Args:
        rounds: each with one sample of every server and scenario, in the order of the report; the bound is
            there once a round, for one scenario, and every other is compared with that.
        peer: name of the server that others are compared with; empty for none.
    """
    results = []
    for position, first in enumerate(rounds[0]):
        samples = [samples[position] for samples in rounds]
        results.append(
            Result(
                scenario=first.scenario,
                server=first.server,
                rate=median(each.run.rate for each in samples),
                p50_ms=median(each.run.p50_us for each in samples) / 1e3,
                p99_ms=median(each.run.p99_us for each in samples) / 1e3,
                p999_ms=median(each.run.p999_us for each in samples) / 1e3,
                cpu_us=_median(each.cpu_us for each in samples),
                errors=sum(each.run.errors for each in samples),
                disturbance=_median(each.disturbance for each in samples),
                of_bound=_ratio(rounds, samples, lambda other: other.server == BOUND),
                of_peer=_ratio(rounds, samples, _same_load(first, peer)),
                p99_of_peer=_ratio(rounds, samples, _same_load(first, peer), lambda run: run.p99_us),
            )
        )
    return results


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _same_load(own: Sample, peer: str) -> Callable[[Sample], bool]:
    return lambda other: other.server == peer and other.scenario == own.scenario and own.server != BOUND


def _rate(run: Run) -> float:
    return run.rate


def _ratio(
    rounds: list[list[Sample]],
    samples: list[Sample],
    is_reference: Callable[[Sample], bool],
    figure: Callable[[Run], float] = _rate,
) -> float | None:
    """Return the median of the ratios to a reference in the same round; ``None`` if there is none."""
    ratios = []
    for own, everybody in zip(samples, rounds, strict=True):
        reference = next(filter(is_reference, everybody), None)
        if reference is None or reference.server == own.server or not figure(reference.run):
            return None
        ratios.append(figure(own.run) / figure(reference.run))
    return median(ratios)
