"""What strikes a cluster: kills and freezes of ZooKeeper servers, the leader among them, and of stores."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable

from tests.cluster.nodes import Cluster

Heal = Callable[[], None]


class Striker(threading.Thread):
    """Strikes at random until it is stopped, and repairs everything before it ends.

    At most one ZooKeeper server and one store are out of order at a time, except that now and then a second
    server is, so that nobody has a majority for a while.
    """

    def __init__(self, cluster: Cluster, seed: int) -> None:
        super().__init__(daemon=True)
        self._cluster = cluster
        self._choose = random.Random(seed)
        self._stopping = threading.Event()
        self._heals: list[tuple[float, object, Heal]] = []
        self.strikes: Counter[str] = Counter()
        self.error: BaseException | None = None

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        try:
            while not self._stopping.wait(self._choose.uniform(0.2, 1.2)):
                self._heal(time.monotonic())
                self._strike()
        except BaseException as error:  # noqa: BLE001 - told by whoever waits for it
            self.error = error
        finally:
            try:
                self._heal(time.monotonic() + 1e9)
            except BaseException as error:  # noqa: BLE001 - told by whoever waits for it
                self.error = error

    def _strike(self) -> None:
        choose, ensemble = self._choose, self._cluster.ensemble
        struck = [victim for _, victim, _ in self._heals]
        if choose.random() < 0.55:
            most = 2 if choose.random() < 0.1 else 1
            whole = [member for member in ensemble.members if member not in struck]
            if len(ensemble.members) - len(whole) >= most:
                return
            leader = ensemble.leader() if choose.random() < 0.5 else None
            victim = leader if leader in whole else choose.choice(whole)
            name = "the leader" if victim is leader and leader is not None else "a ZooKeeper server"
            if choose.random() < 0.5:
                victim.kill()
                self._note(f"kill -9 of {name}", victim, (0.3, 2.0), victim.start)
            else:
                victim.stop()
                self._note(f"SIGSTOP of {name}", victim, (0.5, 4.5), victim.resume)
        else:
            if any(node in struck for node in self._cluster.nodes):
                return
            node = choose.choice(self._cluster.nodes)
            if choose.random() < 0.5:
                node.kill()
                self._note("kill -9 of a store", node, (0.1, 1.5), node.come_back)
            else:
                node.freeze()
                self._note("SIGSTOP of a store", node, (0.5, 5.0), node.thaw)

    def _note(self, what: str, victim: object, after: tuple[float, float], heal: Heal) -> None:
        self.strikes[what] += 1
        self._heals.append((time.monotonic() + self._choose.uniform(*after), victim, heal))

    def _heal(self, now: float) -> None:
        due = [item for item in self._heals if item[0] <= now]
        self._heals = [item for item in self._heals if item[0] > now]
        # Servers first: a store that starts needs them.
        for _, _, heal in sorted(due, key=lambda item: item[1] in self._cluster.nodes):
            heal()
