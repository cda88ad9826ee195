"""A small HTTPS service on loopback that a test fills with answers, breaks and mends."""

import json
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl

from tests.support.certificates import TestAuthority

Answer = tuple[int, Any]
Respond = Callable[[str, dict[str, str], Any], Answer]


class HttpsService:
    """Answers ``GET`` and ``POST`` from ``pages``, by path.

    A page is JSON to send, or a function of (path, headers, decoded body) that returns (status, JSON).

    Attributes:
        ca_pem: the authority of its certificate.
        pages: as above.
        asked: (method, path) of every request.
        status: if set, what is answered whatever is asked.
    """

    def __init__(self, directory: Path, *, name: str = "service") -> None:
        authority = TestAuthority(f"CA of {name}")
        self.ca_pem = Path(authority.write_authority(directory / f"{name}-ca.pem")).read_text()
        certificate, key = authority.issue(directory, name)
        self.pages: dict[str, Any] = {}
        self.asked: list[tuple[str, str]] = []
        self.status: int | None = None
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer(None)

            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["Content-Length"]))
                is_form = "urlencoded" in (self.headers["Content-Type"] or "")
                self._answer(dict(parse_qsl(sent.decode())) if is_form else json.loads(sent))

            def _answer(self, body: Any) -> None:
                service.asked.append((self.command, self.path))
                status, document = service.respond(self.path, dict(self.headers), body)
                payload = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(payload)))
                if status in {301, 302, 307}:
                    self.send_header("Location", "https://127.0.0.1:1/")
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *_: Any) -> None:
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # Each connection shakes hands in its own thread: one that never does holds up no other.
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that hang up
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._server.server_address[1]}"

    def respond(self, path: str, headers: dict[str, str], body: Any) -> Answer:
        if self.status is not None:
            return self.status, {}
        page = self.pages.get(path)
        if page is None:
            return 404, {}
        return page(path, headers, body) if callable(page) else (200, page)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
