"""Three ZooKeeper servers and three stores over them, all real processes, and what may happen to them."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from tests.support.store_process import StoreProcess
from tests.support.zookeeper import storage_stanza, zookeeper

MEMBERS = NODES = 3
RETURN_SECONDS = 60.0


class Node(StoreProcess):
    """One store of the cluster; opened with the one share whenever it starts."""

    share = ""

    def signal(self, number: int) -> None:
        """Send a signal to every process of the store."""
        for pid in self.process_ids():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def freeze(self) -> None:
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def come_back(self) -> None:
        """Start it and hand the share in, as often as it takes; ZooKeeper may be away at first."""
        deadline = time.monotonic() + RETURN_SECONDS
        while True:
            try:
                if self.process is None or self.process.poll() is not None:
                    self.start()
                if not self.client("").unseal(self.share).sealed:
                    return
            except Exception:  # it is on its way up: the deadline decides
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.1)


class Cluster:
    """See the module; leave it through ``close``."""

    def __init__(self, directory: Path) -> None:
        self._running = zookeeper(directory / "zookeeper", members=MEMBERS)
        self.ensemble = self._running.__enter__()
        self.nodes: list[Node] = []
        try:
            self._start_nodes(directory)
        except BaseException:
            self.close()
            raise

    def _start_nodes(self, directory: Path) -> None:
        stanza = storage_stanza(
            self.ensemble.address,
            "/holdfast",
            auth_info="digest:store:not-a-real-password",
            session_timeout="3s",
            request_timeout="5s",
        )
        for number in range(1, NODES + 1):
            home = directory / f"node{number}"
            home.mkdir()
            settings = f'cluster {{\n  node_id = "node-{number}"\n}}\n'
            self.nodes.append(Node(home, workers=1, storage=stanza, settings=settings))
        first, *others = self.nodes
        first.start()
        first.initialize(shares=1, threshold=1)
        for node in self.nodes:
            node.share, node.root_token = first.shares[0], first.root_token
        for node in others:
            node.come_back()

    def close(self) -> None:
        """End every process."""
        for node in self.nodes:
            with suppress(Exception):
                node.thaw()
                node.kill()
        self._running.__exit__(None, None, None)

    def trouble_in_logs(self) -> list[str]:
        """Return lines of the stores' logs that tell of a defect or of damage."""
        words = ("Traceback", "defect", "damage", "not as Holdfast left", "went back", "missing")
        return [
            f"{node.directory.name}: {line}"
            for node in self.nodes
            for line in node.log().splitlines()
            if any(word in line for word in words)
        ]
