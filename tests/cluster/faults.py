"""What strikes a cluster: kills and freezes of ZooKeeper servers, the leader among them, and of stores."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable

from tests.cluster.nodes import MEMBERS, Cluster

Heal = Callable[[], None]


class Striker(threading.Thread):
    """Strikes until it is stopped, one of each kind first and then at random; repairs everything at its end.

    At most one ZooKeeper server and one store are out of order at a time, except that now and then a second
    server is, so that nobody has a majority for a while.
    """

    def __init__(self, cluster: Cluster, seed: int) -> None:
        super().__init__(daemon=True)
        self._cluster = cluster
        self._choose = random.Random(seed)
        self._stopping = threading.Event()
        self._opening = [("the leader", True), ("a store", False), ("the leader", False), ("a store", True)]
        self._heals: list[tuple[float, object, Heal]] = []
        self.strikes: Counter[str] = Counter()
        self.error: BaseException | None = None

    @property
    def has_struck_in_every_way(self) -> bool:
        """Whether each kind was there, with which it begins."""
        return not self._opening

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
        choose = self._choose
        if self._opening:
            victim, is_kill = self._opening[0]
        else:
            victim = choose.choices(("a ZooKeeper server", "the leader", "a store"), (0.3, 0.25, 0.45))[0]
            is_kill = choose.random() < 0.5
        if self._strike_at(victim, is_kill=is_kill) and self._opening:
            self._opening.pop(0)

    def _strike_at(self, what: str, *, is_kill: bool) -> bool:
        """Strike, unless too much is out of order for it already; return whether it was done."""
        choose, cluster = self._choose, self._cluster
        struck = [victim for _, victim, _ in self._heals]
        if what == "a store":
            if any(node in struck for node in cluster.nodes):
                return False
            node = choose.choice(cluster.nodes)
            if is_kill:
                node.kill()
                self._note(f"kill -9 of {what}", node, (0.1, 1.5), node.come_back)
            else:
                node.freeze()
                self._note(f"SIGSTOP of {what}", node, (0.5, 5.0), node.thaw)
            return True
        whole = [member for member in cluster.ensemble.members if member not in struck]
        most = 2 if choose.random() < 0.1 else 1
        victim = cluster.ensemble.leader() if what == "the leader" else choose.choice(whole)
        if MEMBERS - len(whole) >= most or victim not in whole:
            return False
        if is_kill:
            victim.kill()
            self._note(f"kill -9 of {what}", victim, (0.3, 2.0), victim.start)
        else:
            victim.stop()
            self._note(f"SIGSTOP of {what}", victim, (0.5, 4.5), victim.resume)
        return True

    def _note(self, what: str, victim: object, after: tuple[float, float], heal: Heal) -> None:
        self.strikes[what] += 1
        self._heals.append((time.monotonic() + self._choose.uniform(*after), victim, heal))

    def _heal(self, now: float) -> None:
        due = [item for item in self._heals if item[0] <= now]
        self._heals = [item for item in self._heals if item[0] > now]
        # Servers first: a store that starts needs them.
        for _, _, heal in sorted(due, key=lambda item: item[1] in self._cluster.nodes):
            heal()
