"""Requests to a real store, each on a connection of its own, so that the kernel may pick any worker."""

import http.client
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.store_process import StoreProcess

PATIENCE_SECONDS = 60.0  # a disk that others keep busy may hold a commit up for many seconds
ENOUGH_FOR_EVERY_WORKER = 24  # of two workers, one is missed by that many connections once in eight million


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def connect(store: StoreProcess) -> http.client.HTTPConnection:
    if store.certificate:
        return http.client.HTTPSConnection(
            "127.0.0.1", store.port, context=store.context(), timeout=PATIENCE_SECONDS
        )
    return http.client.HTTPConnection("127.0.0.1", store.port, timeout=PATIENCE_SECONDS)


def ask(
    store: StoreProcess,
    method: str,
    path: str,
    body: Any = None,
    *,
    token: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send one request, as root unless another token is given; a body that is no text becomes JSON."""
    connection = connect(store)
    try:
        return ask_on(
            connection,
            method,
            path,
            body,
            headers={"X-Vault-Token": store.root_token if token is None else token} | dict(headers or {}),
        )
    finally:
        connection.close()


def ask_on(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: Any = None,
    *,
    headers: Mapping[str, str],
) -> Answer:
    data = body if body is None or isinstance(body, str | bytes) else json.dumps(body)
    connection.request(method, path, data, {name: value for name, value in headers.items() if value})
    response = connection.getresponse()
    return Answer(response.status, dict(response.getheaders()), response.read())


def ask_every_worker(store: StoreProcess, method: str, path: str, **how: Any) -> list[Answer]:
    """Send the same request so often that every worker gets it."""
    return [ask(store, method, path, **how) for _ in range(ENOUGH_FOR_EVERY_WORKER)]


def eventually(condition: Callable[[], bool], *, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until a condition holds; a connection that breaks counts as not yet."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s")


def listeners(store: StoreProcess) -> set[str]:
    """Return the sockets that listen for the store, one a worker, by what the kernel numbers them."""
    address, listening = f"0100007F:{store.port:04X}", "0A"
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    return {fields[9] for fields in sockets if (fields[1], fields[3]) == (address, listening)}


def is_whole(store: StoreProcess, *, workers: int = 2) -> bool:
    """Whether writer and workers are there, and each worker listens."""
    return len(listeners(store)) == workers and len(store.children()) == 1 + workers


def is_running(process_id: int) -> bool:
    """Whether a process exists and is not just waiting to be reaped."""
    try:
        status = Path(f"/proc/{process_id}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def writer_and_workers(store: StoreProcess) -> tuple[int, list[int]]:
    """Return the process ids of the writer, which is the eldest, and of the workers."""
    writer, *workers = sorted(store.children(), key=started_at)
    return writer, workers


def started_at(process_id: int) -> tuple[int, int]:
    """Return when a process was started, in ticks of the kernel: process ids begin anew some time."""
    status = Path(f"/proc/{process_id}/stat").read_text()
    return int(status.rpartition(")")[2].split()[19]), process_id
