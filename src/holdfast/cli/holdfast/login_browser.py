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
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from holdfast.cli.browser_callback import (
    CALLBACK_PATH,
    WAIT_SECONDS,
    CallbackListener,
    nobody_came,
    show_address,
)
from holdfast.cli.errors import LocalError, UsageError
from holdfast.client import VaultClient
from holdfast.client.address import is_loopback
from holdfast.client.errors import RemoteInvalidInputError

DEFAULT_PORT = 8250
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
    with CallbackListener(wanted.listen, wanted.port) as listener:
        redirect = f"{scheme}://{host or 'localhost'}:{port or listener.server_port}{CALLBACK_PATH}"
        begun = _begin(client, wanted, redirect, nonce)
        listener.state = begun.state
        show_address(begun.url, opens_browser=wanted.opens_browser)
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
    show_address(begun.url, opens_browser=wanted.opens_browser)
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
    raise nobody_came()


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


def _port(given: Mapping[str, Any], name: str, default: int) -> int:
    text = given.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and int(text) <= _MAX_PORT):
        raise UsageError(f"{name}: expected a number from 0 to {_MAX_PORT}")
    return int(text)
