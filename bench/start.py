"""How long a store on the embedded engine takes from its command to its first answer.

Each round starts, one after the other, a bare Python, a store that people have to open, and a store that
opens itself with an OpenPGP key; both stores have run before. The first is ready when it says that it is
sealed, the second when it has read a secret. CPU time is that of all its processes; it is the better figure
where others compute too.
"""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.cpu import children, cpu_seconds, own_seconds
from bench.servers import START_SECONDS, free_port, stop
from holdfast.barrier.key_pair import generate_key_pair
from holdfast.client import VaultClient
from holdfast.crypto.openpgp import decrypt_message
from holdfast.model import SecretBytes

SECRET = "/v1/secret/data/bench"
_PAUSE_SECONDS = 0.002

Taken = tuple[float, float]
"""Seconds until it was ready, and of CPU time until then."""


@dataclass(frozen=True)
class Start:
    """How long one kind of process took.

    Attributes:
        name: what was started.
        ready_ms: median of all rounds.
        fastest_ms: the fastest round.
        slowest_ms: the slowest round.
        cpu_ms: median of the CPU time until then.
    """

    name: str
    ready_ms: float
    fastest_ms: float
    slowest_ms: float
    cpu_ms: float


def measure(rounds: int, workers: int) -> list[Start]:
    """Start everything ``rounds`` times."""
    with TemporaryDirectory(prefix="holdfast-bench-") as directory:
        sealed = _Store(Path(directory) / "sealed", workers, private_key=None)
        opening = _Store(Path(directory) / "opening", workers, private_key=generate_key_pair())
        kinds: dict[str, Callable[[], Taken]] = {
            "python": _python,
            "sealed store": lambda: sealed.start("/v1/sys/seal-status"),
            "store that opens itself": lambda: opening.start(SECRET),
        }
        rows: dict[str, list[Taken]] = {name: [] for name in kinds}
        for _ in range(rounds):
            for name, start in kinds.items():
                rows[name].append(start())
    return [summarise(name, taken) for name, taken in rows.items()]


def summarise(name: str, rows: list[Taken]) -> Start:
    """Reduce the rounds of one kind."""
    ready_ms = [seconds * 1e3 for seconds, _ in rows]
    return Start(name, median(ready_ms), min(ready_ms), max(ready_ms), median(cpu for _, cpu in rows) * 1e3)


def _python() -> Taken:
    began, used = time.perf_counter(), own_seconds()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.perf_counter() - began, own_seconds() - used


class _Store:
    """A store that has been initialised, and holds one secret.

    Args:
        directory: of everything that belongs to it.
        workers: processes that answer.
        private_key: with which it opens itself; ``None`` for one that stays sealed.
    """

    def __init__(self, directory: Path, workers: int, *, private_key: SecretBytes | None) -> None:
        directory.mkdir()
        self._directory = directory
        self._port = free_port()
        self._token = ""
        seal = ""
        if private_key is not None:
            key_file = directory / "seal.asc"
            key_file.touch(0o600)
            key_file.write_bytes(private_key.reveal())
            seal = f'seal "gpg" {{\n  private_key = "file"\n  private_key_file = "{key_file}"\n}}\n'
        (directory / "config.hcl").write_text(
            f'storage "file" {{\n  path = "{directory}/data"\n}}\n'
            f'listener "tcp" {{\n  address = "127.0.0.1:{self._port}"\n  tls_disable = true\n}}\n'
            f"{seal}workers = {workers}\ndisable_mlock = true\n"
        )
        with self._running():
            self._wait_for("/v1/sys/seal-status")
            self._furnish(private_key)

    def start(self, path: str) -> Taken:
        """Start it, and stop it after the first good answer at ``path``."""
        began = time.perf_counter()
        with self._running() as process:
            self._wait_for(path)
            return time.perf_counter() - began, cpu_seconds([process, *children(process)])

    def _furnish(self, private_key: SecretBytes | None) -> None:
        url = f"http://127.0.0.1:{self._port}"
        if private_key is None:
            VaultClient(url).init(shares=1, threshold=1)
            return
        message = json.loads(self._ask("/secrets/v1/init/default")[1])["encrypted_root_token"]
        self._token = decrypt_message(bytes.fromhex(message), private_key).reveal().decode()
        VaultClient(url, self._token).request("PUT", SECRET.removeprefix("/v1/"), {"data": {"a": "b"}})

    @contextmanager
    def _running(self) -> Iterator[int]:
        with (self._directory / "server.log").open("ab") as log:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "holdfast.cli.holdfast",
                    "server",
                    f"-config={self._directory / 'config.hcl'}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            yield process.pid
        finally:
            stop([process])

    def _wait_for(self, path: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self._ask(path)[0] != http.HTTPStatus.OK:
            if time.monotonic() > deadline:
                raise RuntimeError((self._directory / "server.log").read_text()[-2000:])
            time.sleep(_PAUSE_SECONDS)

    def _ask(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", path, headers={"X-Vault-Token": self._token} if self._token else {})
            response = connection.getresponse()
            return response.status, response.read()
        except OSError:
            return 0, b""
        finally:
            connection.close()
