"""Waiting on this machine for whoever comes back from an OpenID provider with a code (RFC 8252, 7.3)."""

import secrets
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlsplit

from holdfast.cli.errors import LocalError
from holdfast.cli.output import remark

CALLBACK_PATH = "/oidc/callback"
WAIT_SECONDS = 300.0  # stores take no answer after that
STEP_SECONDS = 0.5

_PAGE = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Holdfast</title>"
    "<p>The answer is here. Go back to the terminal, which says how it ended; this page can be closed.</p>"
    "</html>"
)


def show_address(url: str, *, opens_browser: bool) -> None:
    """Ask somebody to open an address."""
    remark(f"Complete the login at the provider. Open this address in a browser:\n\n    {url}\n")
    if opens_browser and urlsplit(url).scheme in {"http", "https"}:
        import webbrowser

        if not webbrowser.open(url):
            remark("No browser could be opened.")
    remark("Waiting for it...")


class CallbackListener(HTTPServer):
    """Waits on this machine for whoever comes back with the state of this login. Others are turned away.

    Attributes:
        state: of this login.
        query: what he came back with.
    """

    def __init__(self, host: str, port: int) -> None:
        self.state = ""
        self.query: dict[str, str] = {}
        if ":" in host:
            import socket

            self.address_family = socket.AF_INET6
        try:
            super().__init__((host, port), _Callback)
        except OSError:
            raise LocalError(
                f"port {port}: something else waits there already; choose another with port=..."
            ) from None
        self.timeout = STEP_SECONDS

    def wait(self, now: Callable[[], float] = time.monotonic) -> dict[str, str]:
        """Return what somebody came back with."""
        until = now() + WAIT_SECONDS
        while not self.query:
            if now() >= until:
                raise nobody_came()
            self.handle_request()
        return self.query

    def handle_error(self, *_: object) -> None:
        """A browser that hangs up is no trouble of ours."""


class _Callback(BaseHTTPRequestHandler):
    server: CallbackListener
    timeout = 5.0  # for one that opens a connection and says nothing

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        is_ours = parts.path == CALLBACK_PATH and secrets.compare_digest(
            query.get("state", "").encode(), self.server.state.encode()
        )
        page = (_PAGE if is_ours else "").encode()
        self.send_response(HTTPStatus.OK if is_ours else HTTPStatus.NOT_FOUND)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(page)
        if is_ours:
            self.server.query = query

    def log_message(self, *_: object) -> None:
        """Say nothing: the address holds the code."""


def nobody_came() -> LocalError:
    """Return the error of a login that nobody completed."""
    return LocalError(f"nobody came back from the provider within {WAIT_SECONDS:.0f} seconds; begin again")
