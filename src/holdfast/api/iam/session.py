"""Logging in and out, and what anybody may know of it: the endpoints below ``auth/`` that need no token.

A login answers ``{"token": ...}`` and sets two cookies: the token, out of reach of scripts, and who logged
in, for scripts to show. DC/OS also read a member ``exp`` of the body as the lifetime of the token; here it is
refused like every other unknown member.
"""

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import msgspec

from holdfast.api.credentials import AUTH_COOKIE
from holdfast.api.iam.errors import refuse
from holdfast.errors import HoldfastError, PermissionDeniedError, UnauthenticatedError
from holdfast.formats.strict_json import JsonObject, encode
from holdfast.http.message import build_response
from holdfast.iam.errors import Code, refusal
from holdfast.iam.passwords import MAX_PASSWORD_BYTES
from holdfast.store.iam.login import LoginAttempt
from holdfast.store.request import Answer

INFO_COOKIE = "dcos-acs-info-cookie"
JWKS_CACHE_SECONDS = 300
MAX_DESCRIPTION_IN_COOKIE = 256  # a browser drops a cookie over 4 KiB

_MEMBERS = frozenset({"uid", "password", "token"})

PROVIDERS = {
    "dcos-users": {
        "authentication-type": "dcos-uid-password",
        "client-method": "dcos-usercredential-post-receive-authtoken",
        "config": {"start_flow_url": "/acs/api/v1/auth/login"},
        "description": "Log in with a user name and a password",
    },
    "dcos-services": {
        "authentication-type": "dcos-uid-servicekey",
        "client-method": "dcos-servicecredential-post-receive-authtoken",
        "config": {"start_flow_url": "/acs/api/v1/auth/login"},
        "description": "Log in as a service account, with a token signed by its key",
    },
}

Reply = Callable[[bytes], None]


def read_login(body: JsonObject, *, request_id: str, peer: str) -> LoginAttempt:
    """Return what somebody sent to log in.

    Raises:
        InvalidInputError: not exactly a user name, and either a password or a token.
    """
    values = body.values
    if not values.keys() <= _MEMBERS:
        raise refusal(Code.INVALID_DATA, "body: expected uid, and password or token, and no other members")
    if not all(isinstance(value, str) and value for value in values.values()):
        raise refusal(Code.INVALID_DATA, "uid, password, token: expected strings that are not empty")
    if "uid" not in values:
        raise refusal(Code.INVALID_DATA, "uid: required; logins of other identity providers are not offered")
    if ("password" in values) == ("token" in values):
        raise refusal(Code.INVALID_DATA, "expected either password or token")
    if len(values.get("password", "").encode()) > MAX_PASSWORD_BYTES:
        raise refusal(Code.INVALID_DATA, f"password: expected at most {MAX_PASSWORD_BYTES} bytes")
    return LoginAttempt(id=request_id, peer=peer, **values)


def finish_login(reply: Reply, outcome: Answer | HoldfastError, *, secure: bool) -> None:
    """Answer a login; ``secure`` tells whether the client came by TLS."""
    if isinstance(outcome, HoldfastError):
        reply(refuse(outcome))
        return
    said: dict[str, Any] = msgspec.json.decode(outcome.data or b"{}")
    info = {
        "uid": said["uid"],
        "description": said["description"][:MAX_DESCRIPTION_IN_COOKIE],
        "is_remote": False,
    }
    cookies = [
        _cookie(AUTH_COOKIE, said["token"], secure=secure, for_scripts=False),
        _cookie(INFO_COOKIE, b64encode(encode(info)).decode(), secure=secure, for_scripts=True),
    ]
    reply(build_response(200, encode({"token": said["token"]}), headers=cookies))


def finish_logout(reply: Reply, outcome: Answer | HoldfastError, *, secure: bool) -> None:
    """Answer a logout. For a token that has ended, or is no user's, only the cookies are taken away."""
    nothing_to_end = isinstance(outcome, UnauthenticatedError | PermissionDeniedError)
    if isinstance(outcome, HoldfastError) and not nothing_to_end:
        reply(refuse(outcome))
        return
    cookies = [
        _cookie(AUTH_COOKIE, "", secure=secure, for_scripts=False),
        _cookie(INFO_COOKIE, "", secure=secure, for_scripts=True),
    ]
    reply(build_response(200, b"{}", headers=cookies))


def jwks(keys: list[dict[str, str]]) -> bytes:
    """Answer with the keys that tokens can be verified with."""
    return build_response(200, encode({"keys": keys}), cache_seconds=JWKS_CACHE_SECONDS)


def providers() -> bytes:
    """Answer with the ways to log in."""
    return build_response(200, encode(PROVIDERS))


def _cookie(name: str, value: str, *, secure: bool, for_scripts: bool) -> tuple[str, str]:
    """Return a cookie for the session of the browser; an empty value takes it away."""
    attributes = ["Path=/", "SameSite=Strict"]
    if not value:
        attributes.append("Max-Age=0")
    if not for_scripts:
        attributes.append("HttpOnly")
    if secure:
        attributes.append("Secure")
    return "Set-Cookie", "; ".join([f"{name}={value}", *attributes])
