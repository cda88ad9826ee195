"""Acknowledged means durable: a store under concurrent writes is killed over and over, and forgets nothing.

The kills hit a random worker, the writer process, or every process at once. ``HOLDFAST_KILLS`` sets how
many; the default is a short run, 200 the long one.
"""

import json
import os
import random
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

import pytest
import urllib3
from tests.support.store_process import StoreProcess
from tests.support.store_talk import eventually, is_whole

KILLS = int(os.environ.get("HOLDFAST_KILLS", "12"))
WRITERS = 4
FIELDS = 20  # several fields, so that a half-written secret would show


class Client(threading.Thread):
    """Writes one new secret after another and remembers which ones were acknowledged."""

    def __init__(self, store: StoreProcess, number: int) -> None:
        super().__init__(daemon=True)
        self._store = store
        self._number = number
        self._stopping = threading.Event()
        self.acknowledged: dict[str, str] = {}
        self.unexpected: list[str] = []

    def run(self) -> None:
        count = 0
        with urllib3.PoolManager(retries=False, timeout=30.0) as pool:
            while not self._stopping.is_set():
                count += 1
                path, value = f"kill/{self._number}/{count}", f"{self._number}-{count}-{token_hex(8)}"
                try:
                    answer = pool.request(
                        "PUT",
                        f"{self._store.url}/v1/secret/data/{path}",
                        headers={"X-Vault-Token": self._store.root_token},
                        body=json.dumps({"data": dict.fromkeys(map(str, range(FIELDS)), value)}),
                    )
                except (urllib3.exceptions.HTTPError, OSError):
                    time.sleep(0.02)
                    continue
                if answer.status == 200:
                    self.acknowledged[path] = value
                elif answer.status != 503:
                    self.unexpected.append(f"{answer.status} {answer.data[:100]!r}")
                else:
                    time.sleep(0.02)

    def stop(self) -> None:
        self._stopping.set()
        self.join(timeout=60)


@pytest.mark.timeout(120 + KILLS * 10)
def test_every_acknowledged_write_survives_every_kill(tmp_path: Path) -> None:
    choose = random.Random(20261124)
    with StoreProcess(tmp_path, workers=2) as store:
        store.initialize()
        clients = [Client(store, number) for number in range(WRITERS)]
        for client in clients:
            client.start()
        try:
            for _ in range(KILLS):
                time.sleep(choose.uniform(0.05, 0.4))
                strike(store, choose)
        finally:
            for client in clients:
                client.stop()
        assert [client.unexpected for client in clients] == [[]] * WRITERS
        acknowledged = {path: value for client in clients for path, value in client.acknowledged.items()}
        assert len(acknowledged) > KILLS
        verify(store, acknowledged)
        assert "Traceback" not in store.log()


def strike(store: StoreProcess, choose: random.Random) -> None:
    """Kill one worker or writer, or everything, and bring the store back to where it answers."""
    if choose.random() < 0.4:
        store.kill()
        store.start()
    else:
        children = store.children()
        if children:
            victim = choose.choice(children)
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
            # Until the supervisor knows, those that are left answer as if nothing had happened.
            eventually(lambda: victim not in store.children())
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if is_whole(store) and not store.client("").seal_status().sealed and is_steady(store):
                return
            store.unseal()
        except Exception:  # noqa: BLE001 - it is on its way down or up; the deadline decides
            time.sleep(0.02)
    raise AssertionError(f"the store did not come back:\n{store.log()[-2000:]}")


def is_steady(store: StoreProcess) -> bool:
    """Whether several answers in a row, from whichever worker, say that it is open."""
    return all(store.get("/v1/sys/health").status == 200 for _ in range(6))


def verify(store: StoreProcess, acknowledged: dict[str, str]) -> None:
    """Read back everything that was acknowledged, and everything else that is there."""
    with urllib3.PoolManager(timeout=60.0) as pool:

        def fetch(method: str, path: str) -> dict[str, object]:
            answer = pool.request(
                method, f"{store.url}/v1/secret/{path}", headers={"X-Vault-Token": store.root_token}
            )
            assert answer.status == 200, (path, answer.status)
            return answer.json()["data"]

        lost = [
            path
            for path, value in acknowledged.items()
            if fetch("GET", f"data/{path}")["data"] != dict.fromkeys(map(str, range(FIELDS)), value)
        ]
        assert lost == []
        for number in range(WRITERS):
            for name in fetch("GET", f"metadata/kill/{number}?list=true")["keys"]:
                data = fetch("GET", f"data/kill/{number}/{name}")["data"]
                assert len(data) == FIELDS, "a half-written secret"
                assert len(set(data.values())) == 1, "a half-written secret"
