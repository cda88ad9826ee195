"""How a store does as it grows: the same questions with a thousand secrets and with a million.

The store is founded by a real server, filled by its own engine in this process, and then served by a real
server again. Reads go evenly to all secrets there are, in an order that jumps about, so that what a server
remembers of the last requests is of no use where there are more secrets than it remembers.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import TypeVar

from bench.contest import sample
from bench.filling import fill
from bench.memory import memory_of
from bench.population import populate
from bench.servers import DATA, Server, store_process, store_server
from bench.workload import Workload
from bench.wrk import READS, find_wrk, run_wrk, walk_plan_text
from holdfast.client import VaultClient
from holdfast.errors import HoldfastError

SIZES = (1_000, 10_000, 100_000, 1_000_000)
LISTED_NAMES = 1_000
_LISTED = "listed"
_LISTINGS = 200
_READY_SECONDS = 30.0
_WARM_UP_SECONDS = 3.0
_PAUSE_SECONDS = 0.002

T = TypeVar("T")


@dataclass(frozen=True)
class Size:
    """A store of one size.

    Attributes:
        secrets: how many it holds, beside those in the directory that is listed.
        filled: secrets written per second by its engine, to get there.
        ready_ms: from the command to the first secret read, the key being handed in at once; median.
        rate: reads per second.
        p50_ms: median latency of a read.
        p99_ms: 99th percentile.
        cpu_us: CPU time of a read.
        list_p50_ms: median time to list a directory of ``LISTED_NAMES`` names, one request at a time.
        list_p99_ms: 99th percentile.
        memory_bytes: of all processes, with what they map of the data file.
        own_bytes: of all processes, without that.
        storage_bytes: on the disk.
        errors: answers to reads that were none.
        disturbance: share of the machine that others took during the reads.
    """

    secrets: int
    filled: float
    ready_ms: float
    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    list_p50_ms: float
    list_p99_ms: float
    memory_bytes: int
    own_bytes: int
    storage_bytes: int
    errors: int
    disturbance: float


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the command line asks for.

    Attributes:
        sizes: how many secrets there are to be, one after the other.
        connections: open connections of the load.
        seconds: length of the run of reads.
        starts: how often the store is started at each size.
        workers: processes that answer.
        audited: whether the store writes an audit file.
    """

    sizes: tuple[int, ...] = SIZES
    connections: int = 64
    seconds: float = 5.0
    starts: int = 3
    workers: int = 2
    audited: bool = True


def measure(settings: Settings, say: Callable[[str], None]) -> list[Size]:
    """Let one store grow from size to size, and look at it at each."""
    find_wrk()
    with TemporaryDirectory(prefix="holdfast-bench-") as directory:
        store = _GrowingStore(Path(directory), settings)
        sizes = []
        for secrets in sorted(settings.sizes):
            say(f"{secrets} secrets: writing")
            filled = store.grow_to(secrets)
            say(f"{secrets} secrets: measuring")
            sizes.append(replace(store.look(), filled=filled))
        return sizes


def storage_bytes(directory: Path) -> int:
    """Return what the files in a directory take of the disk; holes take nothing."""
    return sum(path.stat().st_blocks * 512 for path in directory.iterdir())


class _GrowingStore:
    """The store."""

    def __init__(self, directory: Path, settings: Settings) -> None:
        self._directory, self._settings = directory, settings
        self._load = Workload(secrets=0)
        with store_server(directory, settings.workers, audited=settings.audited) as (server, token, share):
            self._root, self._share = token, share
            self._tokens = populate(VaultClient(server.url, token).request, self._load)
        self._fill((f"{_LISTED}/name-{number:04d}", 0) for number in range(LISTED_NAMES))

    def grow_to(self, secrets: int) -> float:
        """Write what is missing; return how many per second."""
        before, self._load = self._load.secrets, Workload(secrets=secrets)
        began = time.perf_counter()
        self._fill((self._load.name(number), number) for number in range(before, secrets))
        return (secrets - before) / (time.perf_counter() - began)

    def look(self) -> Size:
        """Start the store some times, and ask it."""
        settings = self._settings
        ready = [self._start(lambda _: None)[0] for _ in range(settings.starts - 1)]
        last, size = self._start(self._ask)
        return replace(size, ready_ms=median([*ready, last]) * 1e3)

    def _fill(self, secrets: Iterable[tuple[str, int]]) -> None:
        load = self._load
        fill(
            self._directory / DATA,
            self._share,
            load.mount,
            ((path, load.body(number)["data"]) for path, number in secrets),
        )

    def _start(self, ask: Callable[[Server], T]) -> tuple[float, T]:
        """Return how many seconds the store took until it gave a secret, and what came of ``ask``."""
        settings = self._settings
        began = time.perf_counter()
        with store_process(self._directory, settings.workers, audited=settings.audited) as server:
            VaultClient(server.url).unseal(self._share)
            client = VaultClient(server.url, self._root)
            while not _reads(client, self._load.path(0)):
                if time.perf_counter() - began > _READY_SECONDS:
                    raise RuntimeError("a store did not get ready")
                time.sleep(_PAUSE_SECONDS)
            seconds = time.perf_counter() - began
            return seconds, ask(server)

    def _ask(self, server: Server) -> Size:
        settings, load = self._settings, self._load
        plan = self._directory / "plan.lua"
        plan.touch(mode=0o600)  # it holds tokens
        plan.write_text(walk_plan_text(load, self._tokens))

        run_wrk(server.url, plan, connections=settings.connections, seconds=_WARM_UP_SECONDS)
        reads = sample(
            server,
            READS,
            lambda: run_wrk(server.url, plan, connections=settings.connections, seconds=settings.seconds),
        )
        listings = self._list(VaultClient(server.url, self._root))
        memory = memory_of(server.processes())
        return Size(
            secrets=load.secrets,
            filled=0.0,
            ready_ms=0.0,
            rate=reads.run.rate,
            p50_ms=reads.run.p50_us / 1e3,
            p99_ms=reads.run.p99_us / 1e3,
            cpu_us=reads.cpu_us or 0.0,
            list_p50_ms=median(listings) * 1e3,
            list_p99_ms=quantiles(listings, n=100)[-1] * 1e3,
            memory_bytes=memory.total_bytes,
            own_bytes=memory.own_bytes,
            storage_bytes=storage_bytes(self._directory / DATA),
            errors=reads.run.errors,
            disturbance=reads.disturbance or 0.0,
        )

    def _list(self, client: VaultClient) -> list[float]:
        seconds = []
        for _ in range(_LISTINGS):
            began = time.perf_counter()
            answer = client.request("LIST", f"{self._load.mount}/metadata/{_LISTED}", None)
            seconds.append(time.perf_counter() - began)
            if len(answer["data"]["keys"]) != LISTED_NAMES:
                raise RuntimeError("a listing is not complete")
        return seconds


def _reads(client: VaultClient, path: str) -> bool:
    try:
        client.request("GET", path, None)
    except HoldfastError:
        return False
    return True
