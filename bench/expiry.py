"""Very many tokens that run out at one moment: how soon they are gone, and what others notice of it.

They are made by the store's own engine in this process, with their end in the past, so that the server that
starts over them has all the work at once. Reads run meanwhile, and again when it is done.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.filling import run_all
from bench.growth import storage_bytes
from bench.population import populate
from bench.servers import DATA, store_process, store_server
from bench.workload import Workload
from bench.wrk import Run, find_wrk, run_wrk, walk_plan_text
from holdfast.client import VaultClient
from holdfast.storage.lmdb_engine import LmdbStorage
from holdfast.store.tokens.commands import CreateToken
from holdfast.store.tokens.records import TokenEntry

SECRETS = 1_000
_SECONDS = 5.0
_TTL_SECONDS = 3600
_PATIENCE_SECONDS = 600.0
_PAUSE_SECONDS = 0.02
_MARKS = "sys/token/expiry/"


@dataclass(frozen=True)
class Expiry:
    """What became of them.

    Attributes:
        tokens: how many there were.
        made: of them per second, in one process.
        cleared: of them per second, by the server.
        storage_with: bytes on the disk with all of them.
        storage_after: bytes on the disk afterwards; what is free in the file is used again.
        p50_ms: median latency of a read meanwhile.
        p99_ms: 99th percentile meanwhile.
        quiet_p50_ms: median latency of a read afterwards.
        quiet_p99_ms: 99th percentile afterwards.
    """

    tokens: int
    made: float
    cleared: float
    storage_with: int
    storage_after: int
    p50_ms: float
    p99_ms: float
    quiet_p50_ms: float
    quiet_p99_ms: float


def measure(tokens: int, connections: int, workers: int, say: Callable[[str], None]) -> list[Expiry]:
    """Let so many tokens run out."""
    find_wrk()
    load = Workload(secrets=SECRETS)
    with TemporaryDirectory(prefix="holdfast-bench-") as name:
        directory = Path(name)
        with store_server(directory, workers, audited=True) as (server, root, share):
            readers = populate(VaultClient(server.url, root).request, load)
        plan = directory / "plan.lua"
        plan.touch(mode=0o600)  # it holds tokens
        plan.write_text(walk_plan_text(load, readers))
        began = time.perf_counter()
        ended_at = time.time() - 1
        entry = TokenEntry(
            accessor="",
            policies=("default",),
            path="auth/token/create",
            display_name="token",
            meta={},
            created_at=ended_at - _TTL_SECONDS,
            ttl_seconds=_TTL_SECONDS,
            expires_at=ended_at,
            renewable=True,
        )
        run_all(directory / DATA, share, (CreateToken(entry=entry) for _ in range(tokens)))
        made = tokens / (time.perf_counter() - began)
        with_all = storage_bytes(directory / DATA)
        say(f"{tokens} tokens have run out")

        with store_process(directory, workers, audited=True) as server:
            VaultClient(server.url).unseal(share)
            watch = _Watch(directory / DATA)
            watch.start()
            meanwhile = run_wrk(server.url, plan, connections=connections, seconds=_SECONDS)
            seconds = watch.wait()
            say(f"they are gone after {seconds:.1f} s")
            quiet = run_wrk(server.url, plan, connections=connections, seconds=_SECONDS)
        return [
            Expiry(
                tokens=tokens,
                made=made,
                cleared=tokens / seconds,
                storage_with=with_all,
                storage_after=storage_bytes(directory / DATA),
                **_latencies("", meanwhile),
                **_latencies("quiet_", quiet),
            )
        ]


def _latencies(prefix: str, run: Run) -> dict[str, float]:
    if run.errors:
        raise RuntimeError("reads failed")
    return {f"{prefix}p50_ms": run.p50_us / 1e3, f"{prefix}p99_ms": run.p99_us / 1e3}


class _Watch(threading.Thread):
    """Looks at the records from outside until no token is left that has run out."""

    def __init__(self, data: Path) -> None:
        super().__init__(daemon=True)
        self._data = data
        self._seconds = 0.0

    def run(self) -> None:
        """Look."""
        storage = LmdbStorage(self._data, readonly=True)
        try:
            began = time.perf_counter()
            while time.perf_counter() - began < _PATIENCE_SECONDS:
                if not any(
                    int(second.rstrip("/")) <= time.time() for second in storage.list(_MARKS, limit=1)
                ):
                    self._seconds = time.perf_counter() - began
                    return
                time.sleep(_PAUSE_SECONDS)
        finally:
            storage.close()

    def wait(self) -> float:
        """Return how many seconds it took."""
        self.join(_PATIENCE_SECONDS)
        if not self._seconds:
            raise RuntimeError("tokens that have run out were not cleared away")
        return self._seconds
