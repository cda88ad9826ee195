"""Very many logins of machines, and what is left of them in storage."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.growth import storage_bytes
from bench.population import populate, populate_machines
from bench.servers import DATA, store_server
from bench.workload import Workload
from bench.wrk import Run, find_wrk, login_plan_text, run_wrk
from holdfast.client import VaultClient

_RUN_SECONDS = 5.0


@dataclass(frozen=True)
class Logins:
    """What many logins came to.

    Attributes:
        logins: how many there were.
        rate: of them per second.
        p50_ms: median latency in the last run.
        p99_ms: 99th percentile in the last run.
        errors: answers that were none.
        storage_before: bytes on the disk before the first.
        storage_after: bytes on the disk after the last.
    """

    logins: int
    rate: float
    p50_ms: float
    p99_ms: float
    errors: int
    storage_before: int
    storage_after: int


def measure(logins: int, connections: int, workers: int, say: Callable[[str], None]) -> list[Logins]:
    """Let 200 machines log in until there were at least so many logins."""
    find_wrk()
    load = Workload(secrets=0)
    with (
        TemporaryDirectory(prefix="holdfast-bench-") as name,
        store_server(Path(name), workers, audited=True) as (server, token, _),
    ):
        directory = Path(name)
        call = VaultClient(server.url, token).request
        populate(call, load)
        plan = directory / "plan.lua"
        plan.touch(mode=0o600)  # it holds secret ids
        plan.write_text(login_plan_text(load, populate_machines(call, load)))
        before = storage_bytes(directory / DATA)
        runs: list[Run] = []
        while sum(run.requests for run in runs) < logins:
            runs.append(run_wrk(server.url, plan, connections=connections, seconds=_RUN_SECONDS))
            if not runs[-1].requests:
                raise RuntimeError("nobody could log in")
            say(f"{sum(run.requests for run in runs)} logins")
        done = sum(run.requests for run in runs)
        return [
            Logins(
                logins=done,
                rate=done / sum(run.seconds for run in runs),
                p50_ms=runs[-1].p50_us / 1e3,
                p99_ms=runs[-1].p99_us / 1e3,
                errors=sum(run.errors for run in runs),
                storage_before=before,
                storage_after=storage_bytes(directory / DATA),
            )
        ]
