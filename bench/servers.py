"""The servers that are compared, each started on a free loopback port and stopped by its process id."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.cpu import children
from holdfast.client import VaultClient
from holdfast.errors import HoldfastError

START_SECONDS = 20.0
STOP_SECONDS = 20.0
_PAUSE_SECONDS = 0.005
DATA = "data"  # where a store has its data, below its directory


@dataclass(frozen=True)
class Server:
    """A server under load.

    Attributes:
        name: for the report.
        url: where it listens.
        processes: returns the ids of its processes; none for a server that is not ours to look at.
    """

    name: str
    url: str
    processes: Callable[[], list[int]] = list


@contextmanager
def constant_server(workers: int) -> Iterator[Server]:
    """Run the bound: processes that answer everything with the same bytes."""
    port = free_port()
    started = []
    try:
        for _ in range(workers):
            started.append(subprocess.Popen([sys.executable, "-m", "bench.constant", str(port)]))
            # One by one, so that every one of them is known to have joined the address.
            _wait_until(lambda: _listeners(port) >= len(started), started[-1])
        yield Server("bound", f"http://127.0.0.1:{port}", lambda: [process.pid for process in started])
    finally:
        stop(started)


@contextmanager
def store_server(directory: Path, workers: int, *, audited: bool) -> Iterator[tuple[Server, str, str]]:
    """Run a fresh store, initialised and unsealed; yield it, its root token, and the share that opens it."""
    with store_process(directory, workers, audited=audited) as server:
        admin = VaultClient(server.url)
        made = admin.init(shares=1, threshold=1)
        admin.unseal(made.shares[0])
        yield server, made.root_token, made.shares[0]


@contextmanager
def store_process(directory: Path, workers: int, *, audited: bool) -> Iterator[Server]:
    """Run the store whose data are below a directory, or a new one; yield it once it answers."""
    config = directory / "config.hcl"
    port = free_port()
    config.write_text(_config(directory, port, workers, audited=audited))
    log_path = directory / "server.log"
    url = f"http://127.0.0.1:{port}"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "holdfast.cli.holdfast", "server", f"-config={config}"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        _wait_until(lambda: _answers(url), process)
        yield Server("holdfast", url, lambda: [process.pid, *children(process.pid)])
    except BaseException:
        sys.stderr.write(log_path.read_text()[-2000:])
        raise
    finally:
        stop([process])


def free_port() -> int:
    """Return a loopback port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _config(directory: Path, port: int, workers: int, *, audited: bool) -> str:
    audit = directory / "audit"
    audit.mkdir(mode=0o700, exist_ok=True)
    device = f'audit "file" "main" {{\n  options {{\n    file_path = "{audit}/audit.log"\n  }}\n}}\n'
    return (
        f'storage "file" {{\n  path = "{directory / DATA}"\n}}\n'
        f'listener "tcp" {{\n  address = "127.0.0.1:{port}"\n  tls_disable = true\n}}\n'
        f"{device if audited else ''}workers = {workers}\ndisable_mlock = true\n"
    )


def _answers(url: str) -> bool:
    try:
        VaultClient(url).seal_status()
    except HoldfastError:
        return False
    return True


def _listeners(port: int) -> int:
    """Return how many sockets listen on a port of 127.0.0.1, from the kernel's table."""
    wanted = f"0100007F:{port:04X} 00000000:0000 0A"
    return Path("/proc/net/tcp").read_text().count(wanted)


def _wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("a server did not start")
        time.sleep(_PAUSE_SECONDS)


def stop(processes: list[subprocess.Popen[bytes]]) -> None:
    """End processes of ours, and wait for it."""
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
