"""Tokens from an OpenID provider that the node trusts: a login in a browser, and new tokens without one.

The identity token that the provider signs is what the node is shown. This program is a public client of the
provider: it has no secret, and proves with PKCE (RFC 7636) that who redeems a code is who asked for it. A
refresh token gets later identity tokens; providers give one to those who ask for ``offline_access``.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from holdfast.cli.browser_callback import CALLBACK_PATH, CallbackListener, show_address
from holdfast.cli.errors import LocalError
from holdfast.cli.hfctl.token_places import Secrets
from holdfast.client import TlsSettings
from holdfast.client.opening import open_api
from holdfast.model import SecretBytes

WELL_KNOWN = "/.well-known/openid-configuration"
SCOPES = "openid profile email offline_access"
TIMEOUT_SECONDS = 20.0
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def log_in(settings: Mapping[str, str], *, port: int, opens_browser: bool) -> Secrets:
    """Return what the provider gives to whoever logs in at it.

    Args:
        settings: ``issuer``, ``client_id``, and what else ``provider_settings`` has.
        port: where to wait for the browser; 0 for a free one.
        opens_browser: whether to open one.

    Raises:
        LocalError: nobody came back, or what came back is not for us.
        RemoteError: the provider refuses, or does not answer.
    """
    found = _discover(settings, TIMEOUT_SECONDS)
    state, verifier, nonce = (secrets.token_urlsafe(32) for _ in range(3))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    with CallbackListener("127.0.0.1", port) as listener:
        listener.state = state
        redirect = f"http://127.0.0.1:{listener.server_port}{CALLBACK_PATH}"
        query = {
            "response_type": "code",
            "client_id": settings["client_id"],
            "redirect_uri": redirect,
            "scope": settings.get("scopes") or SCOPES,
            "state": state,
            "nonce": nonce,
            "prompt": "consent",  # without it no refresh token is given
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        where = _place(found, "authorization_endpoint")
        show_address(f"{where}{'&' if '?' in where else '?'}{urlencode(query)}", opens_browser=opens_browser)
        came = listener.wait()
    if "code" not in came:
        raise LocalError("the provider let nobody in; begin again")
    if came.get("iss", settings["issuer"]).rstrip("/") != settings["issuer"].rstrip("/"):
        raise LocalError("somebody came back from another provider than the one that was asked")
    form = {
        "grant_type": "authorization_code",
        "code": came["code"],
        "redirect_uri": redirect,
        "code_verifier": verifier,
    }
    given = _redeem(settings, found, form, TIMEOUT_SECONDS)
    _check_nonce(given, nonce)
    return given


def refresh(settings: Mapping[str, str], held: Secrets, *, seconds: float) -> Secrets:
    """Return new tokens for the refresh token that a context holds.

    Raises:
        LocalError: it holds none, or the provider gives no identity token for it.
        RemoteError: the provider refuses, or does not answer in time.
    """
    if held.refresh_token is None:
        raise LocalError(
            "there is no refresh token; log in again with `hfctl context create --oidc-issuer ...`"
        )
    found = _discover(settings, seconds)
    form = {"grant_type": "refresh_token", "refresh_token": held.refresh_token.reveal().decode()}
    given = _redeem(settings, found, form, seconds)
    # A provider that does not rotate refresh tokens gives none again.
    return Secrets(given.token, given.refresh_token or held.refresh_token)


def _discover(settings: Mapping[str, str], seconds: float) -> dict[str, Any]:
    issuer = settings["issuer"]
    found = _call(settings, "GET", issuer.rstrip("/") + WELL_KNOWN, None, seconds)
    if str(found.get("issuer", "")).rstrip("/") != issuer.rstrip("/"):
        raise LocalError("the provider calls itself something else than the issuer of the context")
    return found


def _redeem(
    settings: Mapping[str, str], found: Mapping[str, Any], form: Mapping[str, str], seconds: float
) -> Secrets:
    body = urlencode({**form, "client_id": settings["client_id"]}).encode()
    given = _call(settings, "POST", _place(found, "token_endpoint"), body, seconds)
    token, refresh_token = given.get("id_token"), given.get("refresh_token")
    if not isinstance(token, str):
        raise LocalError("the provider gives no identity token; the scope openid has to be asked for")
    return Secrets(
        SecretBytes(token.encode()),
        SecretBytes(refresh_token.encode()) if isinstance(refresh_token, str) else None,
    )


def _check_nonce(given: Secrets, nonce: str) -> None:
    from holdfast.cli.hfctl.token_claims import claims_of

    if given.token is None or claims_of(given.token).get("nonce") != nonce:
        raise LocalError("the provider answered another login than this one; begin again")


def _place(found: Mapping[str, Any], name: str) -> str:
    url = found.get(name)
    if not isinstance(url, str):
        raise LocalError(f"the provider names no {name}")
    return url


def _call(
    settings: Mapping[str, str], method: str, url: str, form: bytes | None, seconds: float
) -> dict[str, Any]:
    import msgspec

    parts = urlsplit(url)
    api = open_api(
        f"{parts.scheme}://{parts.netloc}",
        field="--oidc-issuer",
        tls=TlsSettings(ca_cert=settings.get("ca", "")),
        timeout_seconds=seconds,
        retries=0,
        read_error=_read_error,
    )
    try:
        answer = api.exchange(method, parts.path, form, headers=_FORM if form else {})
        document = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        document = None
    finally:
        api.close()
    if not isinstance(document, dict):
        raise LocalError("the provider's answer is not a JSON object (is this the right address?)")
    return document


def _read_error(document: dict[str, Any]) -> tuple[str, str]:
    code, text = str(document.get("error") or ""), str(document.get("error_description") or "")
    return f"the provider refuses: {text or code}" if text or code else "", code
