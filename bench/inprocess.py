"""The request path without sockets: CPU time of one request, as a ratio to what the bare parser needs.

Everything between the bytes of a request and those of its answer is what runs in production: listener,
dialect, store, LMDB on disk, audit file. Only the sockets are left out, and with them most of the noise, so
that a change of a few per cent shows. As in a worker, requests of many connections share one turn of the
loop, and one write of audit lines.

The reference is llhttp with the fewest callbacks that a server can do with. It is not our code, so it
changes only with the machine.
"""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import httptools
import msgspec

from bench.population import populate
from bench.workload import CLIENT_HEADERS, Workload
from holdfast.audit import AuditBroker, AuditDevice, FileSink
from holdfast.errors import HoldfastError
from holdfast.http.answers import Handler
from holdfast.http.connections import Connections
from holdfast.http.limits import Limits
from holdfast.http.memory_transport import MemoryTransport
from holdfast.http.message import build_response
from holdfast.http.protocol import HttpConnection
from holdfast.server.application import Application, error_body
from holdfast.storage.lmdb_engine import LmdbStorage
from holdfast.store.local import LocalStore

REQUESTS_PER_TURN = 32
SECRETS = 2_000

Round = Callable[[], int]
"""Serves a number of requests and returns how many."""


@dataclass(frozen=True)
class Subject:
    """One thing to measure."""

    name: str
    serve: Round


@dataclass(frozen=True)
class Measurement:
    """What one request costs.

    Attributes:
        name: what was measured.
        microseconds: CPU time of this process per request.
        ratio: the same in units of the reference.
    """

    name: str
    microseconds: float
    ratio: float


def measure(rounds: int, *, only: str = "") -> list[Measurement]:
    """Measure every subject ``rounds`` times in turn, the reference first."""
    with TemporaryDirectory(prefix="holdfast-bench-") as directory, _subjects(Path(directory)) as subjects:
        chosen = [subject for subject in subjects if not only or subject.name in {REFERENCE, only}]
        for subject in chosen:
            subject.serve()  # caches fill, as they are in a server that has run for a while
        costs: dict[str, list[float]] = {subject.name: [] for subject in chosen}
        gc.freeze()
        for _ in range(rounds):
            for subject in chosen:
                costs[subject.name].append(_microseconds(subject.serve))
    return summarise(costs)


def summarise(costs: dict[str, list[float]]) -> list[Measurement]:
    """Reduce the rounds: the cheapest is the one that was disturbed least.

    Args:
        costs: microseconds of every round by subject, the reference first.
    """
    reference = min(costs[REFERENCE])
    return [Measurement(name, min(values), min(values) / reference) for name, values in costs.items()]


REFERENCE = "parser alone"


def _microseconds(serve: Round) -> float:
    before = time.process_time()
    served = serve()
    return (time.process_time() - before) / served * 1e6


@contextmanager
def _subjects(directory: Path) -> Iterator[list[Subject]]:
    load = Workload(secrets=SECRETS)
    with (
        _Store(directory, "quiet", load, audited=False) as quiet,
        _Store(directory, "audited", load, audited=True) as audited,
    ):
        constant = build_response(200, b'{"data":"' + b"x" * 390 + b'"}')
        requests = audited.read_requests()
        yield [
            Subject(REFERENCE, _Parser(requests).serve),
            Subject("constant answer", _Turns(lambda _, reply: reply(constant), requests).serve),
            Subject("read", _Turns(quiet.handle, quiet.read_requests(), quiet.end_turn).serve),
            Subject("read, audited", _Turns(audited.handle, requests, audited.end_turn).serve),
            Subject(
                "refused, audited", _Turns(audited.handle, audited.refused_requests(), audited.end_turn).serve
            ),
        ]


class _Parser:
    """The reference: llhttp, and a server's least callbacks."""

    def __init__(self, requests: list[bytes]) -> None:
        self._requests = requests
        self._served = 0
        self._target = b""
        self._headers: dict[bytes, bytes] = {}

    def serve(self) -> int:
        self._served = 0
        feed = httptools.HttpRequestParser(self).feed_data
        for request in self._requests:
            feed(request)
        return self._served

    def on_url(self, target: bytes) -> None:
        self._target = target

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_message_complete(self) -> None:
        self._served += 1
        self._headers = {}


class _Turns:
    """Requests to a handler through our listener, a number of connections in each turn of the loop."""

    def __init__(
        self, handler: Handler, requests: list[bytes], end_turn: Callable[[], None] = lambda: None
    ) -> None:
        self._requests = requests
        self._end_turn = end_turn
        self._transports = [MemoryTransport() for _ in range(REQUESTS_PER_TURN)]
        self._feeds = []
        for transport in self._transports:
            connection = HttpConnection(handler, error_body, Connections(Limits()))
            connection.connection_made(transport)
            self._feeds.append(connection.data_received)

    def serve(self) -> int:
        for start in range(0, len(self._requests), REQUESTS_PER_TURN):
            for feed, request in zip(self._feeds, self._requests[start:], strict=False):
                feed(request)
            self._end_turn()
        answered = sum(len(transport.written) for transport in self._transports)
        for transport in self._transports:
            transport.written.clear()
        if answered != len(self._requests):
            raise RuntimeError(f"{len(self._requests)} requests, but {answered} answers")
        return answered


class _Store:
    """A whole store in this process, populated, whose turns end when told."""

    def __init__(self, directory: Path, name: str, load: Workload, *, audited: bool) -> None:
        self._load = load
        self._audit_directory = directory
        self._due: list[Callable[[], None]] = []
        self._root = ""
        self._storage = LmdbStorage(directory / name)
        self._local = LocalStore(
            self._storage,
            audit_devices=(name,) if audited else (),
            open_audit_devices=self._open_devices,
            schedule=self._due.append,
        )
        self.handle = Application(self._local.store, dcos_stores={}).handle
        self._connection = HttpConnection(self.handle, error_body, Connections(Limits()))
        self._transport = MemoryTransport()
        self._connection.connection_made(self._transport)
        made = self._call("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
        self._call("PUT", "sys/unseal", {"key": made["keys"][0]})
        self._root = made["root_token"]
        self._tokens = populate(self._call, load, parallel=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._local.close()
        self._storage.close()

    def end_turn(self) -> None:
        """Run what waited for the end of the turn, and what that brought about."""
        while self._due:
            self._due.pop()()

    def read_requests(self) -> list[bytes]:
        """Return one allowed read of each secret."""
        load = self._load
        return [
            _request("GET", load.path(secret), self._tokens[load.token_of(secret)])
            for secret in range(load.secrets)
        ]

    def refused_requests(self) -> list[bytes]:
        """Return one read of each secret with the token of another team."""
        load = self._load
        return [
            _request("GET", load.path(secret), self._tokens[load.token_of(secret + 1)])
            for secret in range(load.secrets)
        ]

    def _call(self, method: str, path: str, body: Any) -> dict[str, Any]:
        self._connection.data_received(_request(method, path, self._root, msgspec.json.encode(body)))
        self.end_turn()
        head, _, answer = self._transport.take().partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 2"):
            raise HoldfastError(f"{method} {path}: {answer.decode()}")
        document: dict[str, Any] = msgspec.json.decode(answer) if answer else {}
        return document

    def _open_devices(self, keys: Any) -> AuditBroker:
        return AuditBroker(
            [
                AuditDevice(name, key, FileSink(self._audit_directory, f"{name}.log"))
                for name, key in keys.items()
            ]
        )


def _request(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    headers = CLIENT_HEADERS | ({"X-Vault-Token": token} if token else {})
    if body:
        headers |= {"Content-Length": str(len(body))}
    lines = [f"{method} /v1/{path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
