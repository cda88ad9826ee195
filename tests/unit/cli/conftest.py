"""A home of its own for every test, and a store's wire played by a recorder on a loopback port."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

BYTES = "application/octet-stream"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """No setting and no token of whoever runs the tests reaches a command."""
    import os

    for name in list(os.environ):
        if name.startswith(("HOLDFAST_", "BAO_", "VAULT_", "DCOS_")):
            monkeypatch.delenv(name)
    directory = tmp_path / "home"
    directory.mkdir()
    monkeypatch.setenv("HOME", str(directory))
    return directory


class Wire:
    """Answers each request with what ``answers`` holds for it, and keeps what was asked.

    Attributes:
        answers: ``(method, path)`` to ``(status, body)``; anything else is a 404 without errors. A body of
            bytes is sent as they are, any other as JSON.
        requests: ``(method, path, body)`` in order; bytes where the body was some.
        headers: those of each request.
        url: where it listens.
    """

    def __init__(self, port):
        self.answers = {}
        self.requests = []
        self.headers = []
        self.url = f"http://127.0.0.1:{port}"


@pytest.fixture
def wire(monkeypatch):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            length = int(self.headers.get("Content-Length", 0))
            content = self.rfile.read(length)
            is_json = self.headers.get("Content-Type") != BYTES
            sent = (json.loads(content) if length else None) if is_json else content
            recorder.requests.append((self.command, self.path, sent))
            recorder.headers.append(dict(self.headers))
            status, body = recorder.answers.get((self.command, self.path), (404, {"errors": []}))
            is_json = not isinstance(body, bytes)
            content = (b"" if body is None else json.dumps(body).encode()) if is_json else body
            self.send_response(status)
            self.send_header("Content-Type", "application/json" if is_json else BYTES)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - names of http.server

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    recorder = Wire(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("HOLDFAST_ADDR", recorder.url)
    yield recorder
    server.shutdown()
    thread.join()
    server.server_close()
