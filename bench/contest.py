"""Servers under the same load, side by side: rounds in turn, medians, ratios within a round.

What disturbs the machine disturbs neighbouring runs alike, so a ratio is taken between runs of one round
and only then is the median of all rounds taken.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from bench.cpu import cpu_seconds
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
    """

    server: str
    scenario: str
    run: Run
    cpu_us: float | None


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
        of_bound: rate as a share of the bound's in the same round.
        of_peer: rate in units of the peer's in the same round.
    """

    scenario: str
    server: str
    rate: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    cpu_us: float | None
    errors: int
    of_bound: float | None
    of_peer: float | None


def sample(server: Server, scenario: Scenario, load: Callable[[], Run]) -> Sample:
    """Run a load and note what it cost the server."""
    processes = server.processes()
    before = cpu_seconds(processes)
    run = load()
    spent = cpu_seconds(processes) - before
    cpu_us = spent / run.requests * 1e6 if processes and run.requests else None
    return Sample(server.name, scenario.name, run, cpu_us)


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
                cpu_us=_median_cost(samples),
                errors=sum(each.run.errors for each in samples),
                of_bound=_ratio(rounds, samples, lambda other, _: other.server == BOUND),
                of_peer=_ratio(
                    rounds,
                    samples,
                    lambda other, own: other.server == peer and other.scenario == own.scenario,
                ),
            )
        )
    return results


def _median_cost(samples: list[Sample]) -> float | None:
    costs = [each.cpu_us for each in samples if each.cpu_us is not None]
    return median(costs) if costs else None


def _ratio(
    rounds: list[list[Sample]], samples: list[Sample], is_reference: Callable[[Sample, Sample], bool]
) -> float | None:
    ratios = []
    for own, everybody in zip(samples, rounds, strict=True):
        reference = next((other for other in everybody if is_reference(other, own)), None)
        if reference is None or reference.server == own.server or not reference.run.rate:
            return None
        ratios.append(own.run.rate / reference.run.rate)
    return median(ratios)
