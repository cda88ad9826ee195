"""How long writes stand still after something was killed."""

import http.client
import threading
import time
from collections.abc import Callable, Sequence

from tests.cluster.callers import NotDoneError, Wire
from tests.cluster.nodes import Cluster, Node

MOST_SECONDS = 60.0


def until_writes_flow(nodes: Sequence[Node], strike: Callable[[], None]) -> list[float]:
    """Strike; return for each node how long it then took to acknowledge a write begun after that."""
    seconds = [MOST_SECONDS] * len(nodes)
    struck = threading.Event()
    start = 0.0

    def probe(number: int, node: Node) -> None:
        wire = Wire()
        struck.wait()
        while time.monotonic() - start < MOST_SECONDS:
            try:
                path = f"/v1/secret/data/probe/{number}"
                status, _ = wire.request(node, "PUT", path, {"data": {"value": "probe"}})
            except (NotDoneError, OSError, http.client.HTTPException):
                status = 0
            if status == 200:
                seconds[number] = time.monotonic() - start
                break
            time.sleep(0.01)
        wire.close()

    threads = [
        threading.Thread(target=probe, args=(number, node), daemon=True) for number, node in enumerate(nodes)
    ]
    for thread in threads:
        thread.start()
    start = time.monotonic()
    strike()
    struck.set()
    for thread in threads:
        thread.join(timeout=2 * MOST_SECONDS)
    return seconds


def after_the_leader_is_killed(cluster: Cluster) -> list[float]:
    """Kill the ZooKeeper server that leads, measure at every node, and bring it back."""
    ensemble = cluster.ensemble
    ensemble.wait_until_serving()
    leader = ensemble.leader()
    assert leader is not None
    seconds = until_writes_flow(cluster.nodes, leader.kill)
    leader.start()
    ensemble.wait_until_serving()
    return seconds


def after_a_store_is_killed(cluster: Cluster, number: int) -> tuple[list[float], float]:
    """Kill a store, and start it again at once; return the times at the others, and its own."""
    victim = cluster.nodes[number]
    others = [node for node in cluster.nodes if node is not victim]

    def strike() -> None:
        victim.kill()
        threading.Thread(target=victim.come_back, daemon=True).start()

    *at_others, own = until_writes_flow([*others, victim], strike)
    return at_others, own
