"""How much memory a server needs for its secrets, beside a peer: written through its API, then read.

Of a peer the processes that listen at its address are weighed, so it has to run on this host.
"""

import http.client
import json
import secrets
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from bench.load import Settings, peer_of, say
from bench.memory import Memory, memory_of
from bench.population import populate, remove
from bench.servers import Server, store_server
from bench.workload import CLIENT_HEADERS, Workload
from bench.wrk import find_wrk, run_wrk, walk_plan_text
from holdfast.client import VaultClient

PER = 100_000
_WRITERS = 16
_READING_SECONDS = 10.0
_BAD = 300


@dataclass(frozen=True)
class Weight:
    """What one server holds.

    Attributes:
        server: its name.
        secrets: how many it was given.
        before: memory before the first of them.
        after: memory once all are there and have been read.
        own_after: of that what is not the content of a file.
        per_100_000: how much memory came with each 100,000 secrets.
    """

    server: str
    secrets: int
    before: int
    after: int
    own_after: int
    per_100_000: float


def measure(settings: Settings) -> list[Weight]:
    """Weigh a store, and a peer if there is one."""
    find_wrk()
    weights = []
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="holdfast-bench-")))
        started = store_server(directory, settings.workers, audited=settings.audited)
        store, token, _ = stack.enter_context(started)
        weights.append(_weigh(store, VaultClient(store.url, token), token, directory, settings))
        if settings.peer_url:
            peer, admin = peer_of(settings)
            weights.append(_weigh(peer, admin, settings.peer_token, directory, settings))
    return weights


def weight_of(server: str, count: int, before: Memory, after: Memory) -> Weight:
    """Return what came with so many secrets."""
    grown = (after.total_bytes - before.total_bytes) * PER / count
    return Weight(server, count, before.total_bytes, after.total_bytes, after.own_bytes, grown)


def _weigh(server: Server, admin: VaultClient, token: str, directory: Path, settings: Settings) -> Weight:
    load = Workload(mount=f"bench-{secrets.token_hex(4)}", secrets=settings.secrets)
    tokens: list[str] = []
    try:
        tokens = populate(admin.request, Workload(load.mount, secrets=0, tokens=load.tokens))
        before = memory_of(server.processes())
        if not before.total_bytes:
            raise SystemExit(f"{server.name}: expected a server of yours on this host")
        say(f"{server.name}: writing {load.secrets} secrets")
        with ThreadPoolExecutor(_WRITERS) as pool:
            for _ in pool.map(
                lambda part: _write(server.url, settings.peer_ca, token, load, part), range(_WRITERS)
            ):
                pass
        plan = directory / f"{server.name}.lua"
        plan.touch(mode=0o600)  # it holds tokens
        plan.write_text(walk_plan_text(load, tokens))
        run_wrk(server.url, plan, connections=settings.connections, seconds=_READING_SECONDS)
        return weight_of(server.name, load.secrets, before, memory_of(server.processes()))
    finally:
        remove(admin.request, load, tokens)


def _write(url: str, ca_file: str, token: str, load: Workload, part: int) -> None:
    headers = {**CLIENT_HEADERS, "X-Vault-Token": token, "Content-Type": "application/json"}
    connection = _connection(url, ca_file)
    try:
        for secret in _share(load.secrets, part):
            connection.request("POST", f"/v1/{load.path(secret)}", json.dumps(load.body(secret)), headers)
            response = connection.getresponse()
            response.read()
            if response.status >= _BAD:
                raise RuntimeError(f"a write was answered with {response.status}")
    finally:
        connection.close()


def _share(count: int, part: int) -> Iterator[int]:
    return iter(range(part, count, _WRITERS))


def _connection(url: str, ca_file: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=ca_file or None)
        return http.client.HTTPSConnection(parts.netloc, timeout=60, context=context)
    return http.client.HTTPConnection(parts.netloc, timeout=60)
