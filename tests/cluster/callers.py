"""Callers that read and write secrets at every node, through HTTP, and write down what came of it.

An answer says one of three things: it was done, it was not done, or nobody knows. A refusal that does not say
that the outcome is unknown is taken at its word: such a call must not have changed anything.
"""

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.cluster.nodes import Node
from tests.support.linearizability import ABSENT, CONFLICT, NEVER, READ, UNKNOWN, WRITE, Call

TIMEOUT_SECONDS = 8.0
REST_SECONDS = 0.02


class NotDoneError(Exception):
    """The node said that nothing was changed, or was not there to be asked."""


class History:
    """All calls, by key; and secrets that were written once each, with what was acknowledged."""

    def __init__(self) -> None:
        self.calls: dict[str, list[Call]] = {}
        self.outcomes: Counter[str] = Counter()
        self.unexpected: list[str] = []
        self.acknowledged: dict[str, str] = {}
        self._lock = threading.Lock()

    def note(self, key: str, call: Call) -> None:
        with self._lock:
            self.calls.setdefault(key, []).append(call)
            outcome = "unknown" if not call.is_known else "conflict" if call.outcome == CONFLICT else "done"
            self.outcomes[f"{call.kind} {outcome}"] += 1

    def note_other(self, what: str) -> None:
        with self._lock:
            self.outcomes[what] += 1

    def acknowledge(self, path: str, value: str) -> None:
        with self._lock:
            self.acknowledged[path] = value

    def note_unexpected(self, text: str) -> None:
        with self._lock:
            self.unexpected.append(text)


class Wire:
    """One caller's connections, one to each node."""

    def __init__(self) -> None:
        self._connections: dict[int, http.client.HTTPConnection] = {}

    def request(self, node: Node, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return status and document of an answer.

        Raises:
            NotDoneError: nobody was there.
            OSError, http.client.HTTPException: the connection ended, or nobody answered.
        """
        connection = self._connections.get(node.port)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=TIMEOUT_SECONDS)
            try:
                connection.connect()
            except OSError:
                connection.close()
                raise NotDoneError from None
        self._connections[node.port] = connection
        try:
            connection.request(
                method, path, None if body is None else json.dumps(body), {"X-Vault-Token": node.root_token}
            )
            answer = connection.getresponse()
            content = answer.read()
            return answer.status, json.loads(content) if content else None
        except BaseException:
            self._connections.pop(node.port).close()
            raise

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()


class Caller(threading.Thread):
    """Reads and writes until it is stopped: any key, at any node."""

    def __init__(self, number: int, nodes: Sequence[Node], keys: Sequence[str], history: History) -> None:
        super().__init__(daemon=True)
        self._number = number
        self._nodes = nodes
        self._keys = keys
        self._history = history
        self._choose = random.Random(number)
        self._wire = Wire()
        self._stopping = threading.Event()
        self._known_version: dict[str, int] = {}
        self._count = 0

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        choose = self._choose
        while not self._stopping.is_set():
            node, key = choose.choice(self._nodes), choose.choice(self._keys)
            try:
                what = choose.random()
                if what < 0.45:
                    self.read(node, key)
                elif what < 0.65:
                    self._write(node, key, None)
                elif what < 0.85:
                    self._write(node, key, self._known_version.get(key, 0))
                else:
                    self._write_once(node)
            except NotDoneError:
                self._history.note_other("refused")
                time.sleep(REST_SECONDS)
        self.close()

    def close(self) -> None:
        self._wire.close()

    def read(self, node: Node, key: str) -> None:
        """Read; a read without an answer tells nothing, and changes nothing."""
        started = time.monotonic()
        try:
            status, document = self._wire.request(node, "GET", f"/v1/secret/data/{key}")
        except (OSError, http.client.HTTPException):
            self._history.note_other("read unanswered")
            return
        ended = time.monotonic()
        if status == 404:
            outcome = ABSENT
        elif status == 200:
            outcome = document["data"]["metadata"]["version"], document["data"]["data"]["value"]
        else:
            raise self._refusal("read", node, status, document)
        self._known_version[key] = outcome[0]
        self._history.note(key, Call(READ, started, ended, outcome, who=self._who(node)))

    def _write(self, node: Node, key: str, expected: int | None) -> None:
        self._count += 1
        value = f"{self._number}-{self._count}"
        body: dict[str, Any] = {"data": {"value": value}}
        if expected is not None:
            body["options"] = {"cas": expected}
        started = time.monotonic()
        ended, outcome = NEVER, UNKNOWN
        try:
            status, document = self._wire.request(node, "PUT", f"/v1/secret/data/{key}", body)
            if status == 200:
                outcome = document["data"]["version"]
                self._known_version[key] = outcome
            elif status == 400 and "check-and-set" in str(document):
                outcome = CONFLICT
                self._known_version.pop(key, None)
            elif not says_unknown(status, document):
                raise self._refusal("write", node, status, document)
        except (OSError, http.client.HTTPException):
            pass  # it may have been done, or may yet be
        if outcome is not UNKNOWN:
            ended = time.monotonic()
        self._history.note(key, Call(WRITE, started, ended, outcome, value, expected, self._who(node)))

    def _write_once(self, node: Node) -> None:
        """Write a secret of its own that nobody else writes, so that a loss cannot hide."""
        self._count += 1
        path, value = f"once/{self._number}/{self._count}", f"{self._number}-{self._count}"
        try:
            status, document = self._wire.request(
                node, "PUT", f"/v1/secret/data/{path}", {"data": {"value": value}}
            )
        except (OSError, http.client.HTTPException):
            return
        if status == 200:
            self._history.acknowledge(path, value)
        elif not says_unknown(status, document):
            raise self._refusal("write", node, status, document)

    def _refusal(self, what: str, node: Node, status: int, document: Any) -> NotDoneError:
        if status != 503:
            self._history.note_unexpected(f"{what} at {node.directory.name}: {status} {document}")
        return NotDoneError()

    def _who(self, node: Node) -> str:
        return f"caller {self._number} at {node.directory.name}"


def says_unknown(status: int, document: Any) -> bool:
    """Whether a refusal says that nobody knows what became of the change."""
    return status == 503 and "not known" in str(document)
