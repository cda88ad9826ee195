"""The request path without sockets: CPU time of one request, as a ratio to what the bare parser needs.

Everything between the bytes of a request and those of its answer is what runs in production: listener,
dialect, store, LMDB on disk, audit file. Only the sockets are left out, and with them most of the noise, so
that a change of a few per cent shows. As in a worker, requests of many connections share one turn of the
loop, and one write of audit lines.

The reference is llhttp with the fewest callbacks that a server can do with. It is not our code, so it
changes only with the machine.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httptools

from bench.store_in_process import StoreInProcess
from bench.workload import Workload
from holdfast.http.answers import Handler
from holdfast.http.connections import Connections
from holdfast.http.limits import Limits
from holdfast.http.memory_transport import MemoryTransport
from holdfast.http.message import build_response
from holdfast.http.protocol import HttpConnection
from holdfast.server.application import error_body

REQUESTS_PER_TURN = 32
SECRETS = 2_000
AT_ONCE = 100
REFERENCE = "parser alone"

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


def measure(rounds: int) -> list[Measurement]:
    """Measure every subject ``rounds`` times in turn, the reference first."""
    with TemporaryDirectory(prefix="holdfast-bench-") as directory, _subjects(Path(directory)) as subjects:
        for subject in subjects:
            subject.serve()  # caches fill, as they are in a server that has run for a while
        costs: dict[str, list[float]] = {subject.name: [] for subject in subjects}
        for _ in range(rounds):
            for subject in subjects:
                costs[subject.name].append(_microseconds(subject.serve))
    return summarise(costs)


def summarise(costs: dict[str, list[float]]) -> list[Measurement]:
    """Reduce the rounds: the cheapest is the one that was disturbed least.

    Args:
        costs: microseconds of every round by subject, the reference first.
    """
    reference = min(costs[REFERENCE])
    return [Measurement(name, min(values), min(values) / reference) for name, values in costs.items()]


def _microseconds(serve: Round) -> float:
    before = time.process_time()
    served = serve()
    return (time.process_time() - before) / served * 1e6


@contextmanager
def _subjects(directory: Path) -> Iterator[list[Subject]]:
    load = Workload(secrets=SECRETS)
    with (
        StoreInProcess(directory, "quiet", load, audited=False) as quiet,
        StoreInProcess(directory, "audited", load, audited=True) as audited,
    ):
        constant = build_response(200, b'{"data":"' + b"x" * 390 + b'"}')
        requests = audited.read_requests()
        yield [
            Subject(REFERENCE, _Parser(requests).serve),
            Subject("constant answer", _Turns(lambda _, reply: reply(constant), requests).serve),
            Subject("read", _Turns(quiet.handle, quiet.read_requests(), quiet.end_turn).serve),
            Subject("read, audited", _Turns(audited.handle, requests, audited.end_turn).serve),
            Subject(
                f"read among {AT_ONCE}, audited",
                _Many(
                    _Turns(audited.handle, audited.many_requests(AT_ONCE), audited.end_turn), load.secrets
                ).serve,
            ),
            Subject(
                "refused, audited", _Turns(audited.handle, audited.refused_requests(), audited.end_turn).serve
            ),
            Subject(
                "batch login, audited",
                _Turns(audited.handle, audited.login_requests(), audited.end_turn).serve,
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


class _Many:
    """Requests with many reads each, which are what counts."""

    def __init__(self, turns: "_Turns", reads: int) -> None:
        self._turns = turns
        self._reads = reads

    def serve(self) -> int:
        self._turns.serve()
        return self._reads


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
