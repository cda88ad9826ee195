"""Logging in at an OpenID provider: the address is printed, and the answer is waited for on this machine.

    this program        the store               the provider        a browser, anywhere on this machine
    where to go?   ->   auth_url
                                                                <-  opened by hand
    waits at http://localhost:8250/oidc/callback                <-  sent back, with a code
    code           ->   callback            ->  code for tokens
    token          <-

With ``callbackmode=direct`` people are sent back to the store itself, so that the browser may be on another
machine; this program asks the store until somebody has come back.

What the program and the store exchange beside that, ``client_nonce``, never goes through the browser, so that
whoever sees what went through it cannot take the token.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from holdfast.cli.errors import LocalError, UsageError
from holdfast.cli.output import remark
from holdfast.client import VaultClient
from holdfast.client.address import is_loopback
from holdfast.client.errors import RemoteInvalidInputError

CALLBACK_PATH = "/oidc/callback"
DEFAULT_PORT = 8250
WAIT_SECONDS = 300.0  # the store takes no answer after that
STEP_SECONDS = 0.5
SLOWEST_POLL_SECONDS = 10
PENDING = ("authorization_pending", "slow_down")

_FIELDS = frozenset(
    {
        "role",
        "port",
        "listenaddress",
        "callbackhost",
        "callbackport",
        "callbackmethod",
        "callbackmode",
        "skip_browser",
    }
)
_TRUE, _FALSE = frozenset({"1", "t", "true"}), frozenset({"0", "f", "false"})
_MAX_PORT = 65_535
_PAGE = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Holdfast</title>"
    "<p>The answer is here. Go back to the terminal, which says how it ended; this page can be closed.</p>"
    "</html>"
)


@dataclass(frozen=True, slots=True)
class BrowserLogin:
    """What somebody typed.

    Attributes:
        path: where the method is mounted below ``auth/``.
        role: what is wanted; empty for the mount's default.
        listen: where to wait; an address of this machine alone.
        port: at which port; 0 for a free one.
        callback: where the provider sends people back to, as scheme, host and port; port 0 for ``port``.
        direct: whether that is the store.
        opens_browser: whether to open one.
    """

    path: str
    role: str
    listen: str
    port: int
    callback: tuple[str, str, int]
    direct: bool
    opens_browser: bool


def read_fields(path: str, given: Mapping[str, Any]) -> BrowserLogin:
    """Return what the fields on the command line say.

    Raises:
        UsageError: there is no such field, or it cannot be that.
    """
    if set(given) - _FIELDS or any(not isinstance(value, str) for value in given.values()):
        raise UsageError(f"expected each once of {', '.join(sorted(_FIELDS))}, as field=value")
    listen, port = given.get("listenaddress") or "localhost", _port(given, "port", DEFAULT_PORT)
    if not is_loopback(listen):
        raise UsageError("listenaddress: expected an address of this machine alone; see callbackmode=direct")
    scheme, mode = given.get("callbackmethod") or "http", given.get("callbackmode") or "client"
    if scheme not in {"http", "https"}:
        raise UsageError("callbackmethod: expected http or https")
    if mode not in {"client", "direct"}:
        raise UsageError("callbackmode: expected client or direct")
    skip = str(given.get("skip_browser") or "true").lower()
    if skip not in _TRUE | _FALSE:
        raise UsageError("skip_browser: expected true or false")
    return BrowserLogin(
        path=path.strip("/"),
        role=given.get("role") or "",
        listen="127.0.0.1" if listen.lower() == "localhost" else listen,
        port=port,
        callback=(scheme, given.get("callbackhost") or "", _port(given, "callbackport", 0)),
        direct=mode == "direct",
        opens_browser=skip in _FALSE,
    )


def log_in_with_browser(
    client: VaultClient, wanted: BrowserLogin, address: str, namespace: str = ""
) -> dict[str, Any]:
    """Return the store's answer, which holds the token.

    Args:
        client: of the store, without a token.
        wanted: what somebody typed.
        address: of the store, as people reach it.
        namespace: that the method is in; a browser says it in the path.

    Raises:
        LocalError: nobody came back in time, or this program cannot wait where it should.
        RemoteError: the store refuses.
    """
    nonce = secrets.token_urlsafe(24)
    if not wanted.direct:
        return _by_listener(client, wanted, nonce)
    within = f"{namespace.strip('/')}/".removeprefix("/")
    return _by_store(client, wanted, f"{address.rstrip('/')}/v1/{within}", nonce)


def _by_listener(client: VaultClient, wanted: BrowserLogin, nonce: str) -> dict[str, Any]:
    scheme, host, port = wanted.callback
    with _Listener(wanted.listen, wanted.port) as listener:
        redirect = f"{scheme}://{host or 'localhost'}:{port or listener.server_port}{CALLBACK_PATH}"
        begun = _begin(client, wanted, redirect, nonce)
        listener.state = begun.state
        _show(begun.url, opens_browser=wanted.opens_browser)
        query = listener.wait()
    sent: dict[str, str | list[str]] = {
        name: query[name] for name in ("state", "code", "iss", "error") if name in query
    }
    return client.request("GET", f"auth/{wanted.path}{CALLBACK_PATH}", query={**sent, "client_nonce": nonce})


def _by_store(client: VaultClient, wanted: BrowserLogin, base: str, nonce: str) -> dict[str, Any]:
    scheme, host, port = wanted.callback
    if host:
        base = f"{scheme}://{host}" + (f":{port}" if port else "") + urlsplit(base).path
    begun = _begin(client, wanted, f"{base}auth/{wanted.path}{CALLBACK_PATH}", nonce)
    if not begun.poll_seconds:
        raise LocalError("callbackmode: the role wants client; ask its administrator")
    _show(begun.url, opens_browser=wanted.opens_browser)
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        try:
            return client.request(
                "POST",
                f"auth/{wanted.path}/oidc/poll",
                {"state": begun.state, "client_nonce": nonce},
            )
        except RemoteInvalidInputError as error:
            if not any(word in error.message for word in PENDING):
                raise
        time.sleep(begun.poll_seconds)
    raise _nobody_came()


@dataclass(frozen=True, slots=True, repr=False)
class _Begun:
    """A login on its way; ``poll_seconds`` is 0 if people are sent back to this program."""

    url: str
    state: str
    poll_seconds: float


def _begin(client: VaultClient, wanted: BrowserLogin, redirect_uri: str, nonce: str) -> _Begun:
    body = {"role": wanted.role, "redirect_uri": redirect_uri, "client_nonce": nonce}
    data = client.request("POST", f"auth/{wanted.path}/oidc/auth_url", body).get("data") or {}
    url = data.get("auth_url")
    state = dict(parse_qsl(urlsplit(url).query)).get("state", "") if isinstance(url, str) else ""
    if not state:
        raise LocalError(
            "the server says not where to log in (is the redirect address one of allowed_redirect_uris?)"
        )
    return _Begun(str(url), state, _seconds(data.get("poll_interval")))


def _seconds(interval: Any) -> float:
    """Return how long to wait before asking again, 0 for never; servers say it as a number or as text."""
    text = str(interval or "0")
    return float(min(max(int(text), 0), SLOWEST_POLL_SECONDS)) if text.isascii() and text.isdigit() else 0.0


def _show(url: str, *, opens_browser: bool) -> None:
    remark(f"Complete the login at the provider. Open this address in a browser:\n\n    {url}\n")
    if opens_browser and urlsplit(url).scheme in {"http", "https"}:
        import webbrowser

        if not webbrowser.open(url):
            remark("No browser could be opened.")
    remark("Waiting for it...")


class _Listener(HTTPServer):
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
                raise _nobody_came()
            self.handle_request()
        return self.query

    def handle_error(self, *_: object) -> None:
        """A browser that hangs up is no trouble of ours."""


class _Callback(BaseHTTPRequestHandler):
    server: _Listener
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


def _nobody_came() -> LocalError:
    return LocalError(f"nobody came back from the provider within {WAIT_SECONDS:.0f} seconds; begin again")


def _port(given: Mapping[str, Any], name: str, default: int) -> int:
    text = given.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and int(text) <= _MAX_PORT):
        raise UsageError(f"{name}: expected a number from 0 to {_MAX_PORT}")
    return int(text)
