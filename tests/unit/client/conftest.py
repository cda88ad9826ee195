"""A real HTTP server on loopback whose answers a test scripts and whose requests it can read."""

import contextlib
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest


@dataclass
class Seen:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class ScriptedServer:
    address: str
    answers: deque = field(default_factory=deque)
    seen: list[Seen] = field(default_factory=list)

    def answer(self, status: int, body: bytes = b"", *, headers: dict[str, str] | None = None) -> None:
        """Queue one answer; the status 0 breaks the connection instead."""
        self.answers.append((status, body, headers or {}))


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    class Handler(BaseHTTPRequestHandler):
        wbufsize = -1  # one packet per answer
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            script.seen.append(Seen(self.command, self.path, headers, body))
            status, answer, extra = script.answers.popleft()
            if status == 0:
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **extra}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

        def finish(self) -> None:
            with contextlib.suppress(OSError, ValueError):  # a connection that the test broke
                super().finish()

    httpd = HTTPServer(("127.0.0.1", 0), Handler)
    script = ScriptedServer(f"http://127.0.0.1:{httpd.server_port}")
    # HTTPServer serves one connection at a time, so each client under test must close its own.
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield script
    httpd.shutdown()
    thread.join()
    httpd.server_close()
