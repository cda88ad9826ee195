"""The REST side of a storage node on a loopback port, on a loop in a thread of its own."""

import asyncio
import json
import socket
import threading
from http.client import HTTPConnection, HTTPResponse

import uvloop

from holdfast.api.sdk.calls import Calls
from holdfast.api.sdk.dialect import SdkDialect
from holdfast.api.sdk.errors import listener_error_body
from holdfast.http.listener import HttpServer
from holdfast.noded.process import LIMITS

SECONDS = 60


class RestServer:
    """Serves until closed; ``calls`` may be another wire's, too."""

    def __init__(self, calls: Calls) -> None:
        self.dialect = SdkDialect(calls)
        self.server = HttpServer(self.dialect, limits=LIMITS, error_body=listener_error_body)
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.port = self._run(self.server.listen_tcp("127.0.0.1", 0))
        self._stopped = False

    def stop(self) -> None:
        """Stop as a node does."""
        if not self._stopped:
            self._stopped = True
            self.dialect.end_streams()
            self._run(self.server.stop(SECONDS))

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self.dialect.close()
        self._loop.close()

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(2 * SECONDS)


class Stream:
    """One request whose answer comes line by line."""

    def __init__(self, port: int, path: str, body: dict, *, token: str | None) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._connection.request("POST", path, json.dumps(body), headers)
        self.socket: socket.socket = self._connection.sock
        self.answer: HTTPResponse = self._connection.getresponse()
        self.status = self.answer.status

    def __iter__(self):
        return self

    def __next__(self) -> dict:
        line = self.answer.readline()
        if not line:
            raise StopIteration
        assert line.endswith(b"\n")
        return json.loads(line)

    def close(self) -> None:
        self.answer.close()
        self._connection.close()
