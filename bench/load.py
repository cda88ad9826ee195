"""The load benchmark: a store of our own, the bound, and a peer if there is one, under ``wrk``."""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.contest import Result, Sample, sample, summarise
from bench.cpu import pin
from bench.memory import listeners_at
from bench.population import Call, populate, populate_machines, remove
from bench.servers import Server, constant_server, store_server
from bench.workload import Workload
from bench.wrk import READS, SCENARIOS, Scenario, find_wrk, login_plan_text, plan_text, run_wrk
from holdfast.client import TlsSettings, VaultClient

WARM_UP_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the command line asks for.

    Attributes:
        connections: open connections of the load.
        seconds: length of one run.
        rounds: how often each run is repeated.
        workers: processes that answer, of the store and of the bound.
        audited: whether the store writes an audit file.
        secrets: how many secrets there are.
        pinned: give the servers as many processors as they have workers, and the load the others.
        peer_url: another server to compare with; empty for none.
        peer_token: a token that may do everything there.
        peer_ca: certificate authority of the peer; empty for the system's.
        only: names of the scenarios to run; empty for all.
    """

    connections: int = 64
    seconds: float = 5.0
    rounds: int = 3
    workers: int = 2
    audited: bool = True
    secrets: int = 10_000
    pinned: bool = False
    peer_url: str = ""
    peer_token: str = ""
    peer_ca: str = ""
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contestant:
    """A server, and the plan of each scenario that it is given."""

    server: Server
    plans: dict[str, Path]


def measure(settings: Settings) -> list[Result]:
    """Run every scenario on every server, in turn, ``rounds`` times."""
    find_wrk()
    scenarios = [each for each in SCENARIOS if not settings.only or each.name in settings.only]
    load = Workload(mount=f"bench-{secrets.token_hex(4)}", secrets=settings.secrets)
    rounds: list[list[Sample]] = []
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="holdfast-bench-")))
        store, root_token, _ = stack.enter_context(
            store_server(directory, settings.workers, audited=settings.audited)
        )
        ours = stack.enter_context(_populated(store, VaultClient(store.url, root_token), load, directory))
        # The bound gets the very requests that the store gets.
        bound = Contestant(stack.enter_context(constant_server(settings.workers)), ours.plans)
        contestants = [ours]
        if settings.peer_url:
            peer, admin = peer_of(settings)
            contestants.append(stack.enter_context(_populated(peer, admin, load, directory)))
        if settings.pinned:
            _pin([bound.server, store], settings.workers)
        runs = [(bound, READS)] + [(each, scenario) for scenario in scenarios for each in contestants]
        for number in range(settings.rounds):
            say(f"round {number + 1} of {settings.rounds}")
            rounds.append([_sample(contestant, scenario, settings) for contestant, scenario in runs])
    return summarise(rounds, peer="peer")


def peer_of(settings: Settings) -> tuple[Server, VaultClient]:
    """Return the other server, and a client that may do everything there."""
    tls = TlsSettings(ca_cert=settings.peer_ca) if settings.peer_ca else None
    admin = VaultClient(settings.peer_url, settings.peer_token, tls=tls)
    return Server("peer", settings.peer_url, listeners_at(settings.peer_url)), admin


def _sample(contestant: Contestant, scenario: Scenario, settings: Settings) -> Sample:
    server, plan = contestant.server, contestant.plans[scenario.name]
    run_wrk(server.url, plan, connections=settings.connections, seconds=WARM_UP_SECONDS)
    return sample(
        server,
        scenario,
        lambda: run_wrk(server.url, plan, connections=settings.connections, seconds=settings.seconds),
    )


@contextmanager
def _populated(server: Server, admin: VaultClient, load: Workload, directory: Path) -> Iterator[Contestant]:
    say(f"{server.name}: writing {load.secrets} secrets")
    call: Call = admin.request
    tokens: list[str] = []
    try:
        tokens = populate(call, load)
        machines = populate_machines(call, load)
        plans = {}
        for number, scenario in enumerate(SCENARIOS):
            path = directory / f"{server.name}-{number}.lua"
            path.touch(mode=0o600)  # it holds tokens
            path.write_text(
                login_plan_text(load, machines) if scenario.logins else plan_text(load, tokens, scenario)
            )
            plans[scenario.name] = path
        yield Contestant(server, plans)
    finally:
        remove(call, load, tokens)


def _pin(servers: list[Server], workers: int) -> None:
    processors = sorted(os.sched_getaffinity(0))
    if len(processors) <= workers:
        raise SystemExit(
            f"--pin: expected fewer workers than processors, of which there are {len(processors)}"
        )
    for server in servers:
        pin(server.processes(), set(processors[:workers]))
    pin([0], set(processors[workers:]))  # wrk is a child of this process


def say(text: str) -> None:
    """Tell whoever waits how far it is."""
    sys.stderr.write(f"bench: {text}\n")
