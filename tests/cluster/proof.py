"""The proof: callers, strikes and measurements together, and the verdict on what was written down."""

import http.client
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

from tests.cluster.callers import Caller, History, NotDoneError, Wire
from tests.cluster.faults import Striker
from tests.cluster.measure import after_a_store_is_killed, after_the_leader_is_killed
from tests.cluster.nodes import Cluster, Node
from tests.support.linearizability import UndecidedError, is_linearizable

KEYS = tuple(f"shared/{number}" for number in range(5))
CALLERS = 6
SETTLE_SECONDS = 60.0

T = TypeVar("T")


@dataclass
class Verdict:
    """What a run found out."""

    seconds: float = 0.0
    called_seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    strikes: Counter[str] = field(default_factory=Counter)
    calls_of_key: dict[str, int] = field(default_factory=dict)
    not_linearizable: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    leader_killed: list[float] = field(default_factory=list)
    store_killed_others: list[float] = field(default_factory=list)
    store_killed_itself: list[float] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        bad = (self.not_linearizable, self.undecided, self.lost, self.unexpected, self.trouble)
        return not any(bad)


def run(directory: Path, *, seconds: float, seed: int, measurements: int) -> Verdict:
    """Call and strike a new cluster for so long, repair it, measure, read everything back, and judge."""
    verdict, history = Verdict(), History()
    cluster = Cluster(directory)
    try:
        callers = [Caller(number, cluster.nodes, KEYS, history) for number in range(CALLERS)]
        striker = Striker(cluster, seed)
        start = time.monotonic()
        for thread in (*callers, striker):
            thread.start()
        time.sleep(seconds)
        while striker.is_alive() and not striker.has_struck_in_every_way:
            if time.monotonic() > start + seconds + SETTLE_SECONDS:
                break  # a busy machine takes longer, but not for ever
            time.sleep(0.1)
        striker.stop()
        striker.join(timeout=2 * SETTLE_SECONDS)
        verdict.seconds = time.monotonic() - start
        verdict.strikes = striker.strikes
        if striker.error is not None:
            raise striker.error
        settle(cluster)
        for number in range(measurements):
            verdict.leader_killed.append(max(after_the_leader_is_killed(cluster)))
            others, itself = after_a_store_is_killed(cluster, number % len(cluster.nodes))
            verdict.store_killed_others.append(max(others))
            verdict.store_killed_itself.append(itself)
        verdict.called_seconds = time.monotonic() - start
        for caller in callers:
            caller.stop()
        for caller in callers:
            caller.join(timeout=SETTLE_SECONDS)
        settle(cluster)
        read_back(cluster, history, verdict)
        verdict.trouble = cluster.trouble_in_logs()
    finally:
        cluster.close()
    judge(history, verdict)
    return verdict


def settle(cluster: Cluster) -> None:
    """Wait until every server serves and every store writes."""
    cluster.ensemble.wait_until_serving()
    wire = Wire()
    for node in cluster.nodes:
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            try:
                body = {"data": {"value": "settled"}}
                status, document = wire.request(node, "PUT", "/v1/secret/data/settled", body)
            except (NotDoneError, OSError, http.client.HTTPException) as error:
                status, document = 0, repr(error)
            if status == 200:
                break
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"{node.directory.name} does not recover: {status} {document}\n{node.log()[-3000:]}"
                )
            time.sleep(0.1)
    wire.close()


def read_back(cluster: Cluster, history: History, verdict: Verdict) -> None:
    """Read every key at every node, as part of the history, and every secret that was acknowledged once."""
    last = Caller(CALLERS, cluster.nodes, KEYS, history)
    for node in cluster.nodes:
        for key in KEYS:
            patiently(lambda node=node, key=key: last.read(node, key))
    last.close()
    wire = Wire()
    verdict.acknowledged = len(history.acknowledged)
    for number, (path, value) in enumerate(history.acknowledged.items()):
        node = cluster.nodes[number % len(cluster.nodes)]
        status, document = patiently(lambda node=node, path=path: read(wire, node, path))
        if status != 200 or document["data"]["data"]["value"] != value:
            verdict.lost.append(path)
    wire.close()


def read(wire: Wire, node: Node, path: str) -> tuple[int, Any]:
    """Return status and document of an answer that says something of a secret."""
    status, document = wire.request(node, "GET", f"/v1/secret/data/{path}")
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        raise NotDoneError
    return status, document


def patiently(ask: Callable[[], T]) -> T:
    """Ask until there is an answer: a node that was in trouble a moment ago may refuse once more."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        try:
            return ask()
        except (NotDoneError, OSError, http.client.HTTPException):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def judge(history: History, verdict: Verdict) -> None:
    """Check each key by itself: a history is linearizable if that of each key is."""
    verdict.outcomes = history.outcomes
    verdict.unexpected = history.unexpected
    for key, calls in sorted(history.calls.items()):
        verdict.calls_of_key[key] = len(calls)
        try:
            if not is_linearizable(calls):
                verdict.not_linearizable.append(key)
        except UndecidedError:
            verdict.undecided.append(key)
