"""A whole store in this process, populated: LMDB on disk, audit file if wanted, turns that end when told."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import msgspec

from bench.population import populate, populate_machines
from bench.workload import TEAMS, Workload, request_text
from holdfast.audit import AuditBroker, AuditDevice, FileSink
from holdfast.errors import HoldfastError
from holdfast.http.connections import Connections
from holdfast.http.limits import Limits
from holdfast.http.memory_transport import MemoryTransport
from holdfast.http.protocol import HttpConnection
from holdfast.server.application import Application, error_body
from holdfast.storage.lmdb_engine import LmdbStorage
from holdfast.store.local import LocalStore


class StoreInProcess:
    """The store.

    Args:
        directory: where its data and its audit file go.
        name: of both.
        load: what it is populated with.
        audited: whether there is an audit file.

    Attributes:
        handle: answers requests, as the handler of a listener.
    """

    def __init__(self, directory: Path, name: str, load: Workload, *, audited: bool) -> None:
        self._load = load
        self._audit_directory = directory
        self._due: list[Callable[[], None]] = []
        self._root = ""
        self._storage = LmdbStorage(directory / name)
        self._local = LocalStore(
            self._storage,
            audit_devices=(name,) if audited else (),
            open_audit_devices=self._open_devices,
            schedule=self._due.append,
        )
        self.handle = Application(self._local.store).handle
        self._connection = HttpConnection(self.handle, error_body, Connections(Limits()))
        self._transport = MemoryTransport()
        self._connection.connection_made(self._transport)
        made = self._call("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
        self._call("PUT", "sys/unseal", {"key": made["keys"][0]})
        self._root = made["root_token"]
        self._tokens = populate(self._call, load, parallel=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._local.close()
        self._storage.close()

    def end_turn(self) -> None:
        """Run what waited for the end of the turn, and what that brought about."""
        while self._due:
            self._due.pop()()

    def read_requests(self) -> list[bytes]:
        """Return one allowed read of each secret."""
        return self._reads(token_shift=0)

    def many_requests(self, at_once: int) -> list[bytes]:
        """Return one allowed read of each secret, so many of a team's in one request."""
        load, texts = self._load, []
        for team in range(TEAMS):
            paths = [load.path(secret) for secret in range(team, load.secrets, TEAMS)]
            for first in range(0, len(paths), at_once):
                body = msgspec.json.encode({"paths": paths[first : first + at_once]}).decode()
                token = self._tokens[load.token_of(team)]
                texts.append(request_text("POST", "sys/kv/bulk-read", token, body).encode())
        return texts

    def refused_requests(self) -> list[bytes]:
        """Return one read of each secret with the token of another team."""
        return self._reads(token_shift=1)

    def login_requests(self) -> list[bytes]:
        """Return logins of all machines in turn, as many as there are secrets."""
        machines = [msgspec.json.encode(each).decode() for each in populate_machines(self._call, self._load)]
        texts = [request_text("POST", self._load.login_path, body=machine).encode() for machine in machines]
        return [texts[number % len(texts)] for number in range(self._load.secrets)]

    def _reads(self, *, token_shift: int) -> list[bytes]:
        load, tokens = self._load, self._tokens
        return [
            request_text("GET", load.path(secret), tokens[load.token_of(secret + token_shift)]).encode()
            for secret in range(load.secrets)
        ]

    def _call(self, method: str, path: str, body: Any) -> dict[str, Any]:
        text = request_text(
            method, path, self._root, "" if body is None else msgspec.json.encode(body).decode()
        )
        self._connection.data_received(text.encode())
        self.end_turn()
        head, _, answer = self._transport.take().partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 2"):
            raise HoldfastError(f"{method} {path}: {answer.decode()}")
        document: dict[str, Any] = msgspec.json.decode(answer) if answer else {}
        return document

    def _open_devices(self, keys: Mapping[str, bytes]) -> AuditBroker:
        return AuditBroker(
            [
                AuditDevice(name, key, FileSink(self._audit_directory, f"{name}.log"))
                for name, key in keys.items()
            ]
        )
