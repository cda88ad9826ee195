"""Logging in through a browser: the authorization code flow of OpenID Connect, with PKCE.

    oidc/auth_url    where to go; begins a login, and stores nothing
    oidc/callback    somebody comes back with a code, or with an error
    oidc/poll        the program that waits asks, where people are sent back to the store itself

Each may be served by another process or node than the one before: all there is to know travels in the state.

    state is ours, of this mount, in time  ->  the program is the one that began  ->  code for tokens
    ->  signature, issuer, audience, nonce, times  ->  userinfo, if claims are missing
    ->  what the role asks for  ->  the state is used up  ->  token
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from functools import partial
from html import escape
from typing import Any
from urllib.parse import urlencode

from holdfast.errors import InvalidInputError, UnavailableError
from holdfast.formats.strict_json import encode
from holdfast.store.auth.issue import FOR_PEOPLE, Earned
from holdfast.store.auth.jwt.bearer import check_issuer, earned_by
from holdfast.store.auth.jwt.browser_state import (
    EXPIRED,
    MAX_CLIENT_NONCE_LENGTH,
    BrowserState,
    new_state,
    read_state,
    write_state,
)
from holdfast.store.auth.jwt.claims import DEFAULT_CLOCK_SKEW_SECONDS, check_audience, check_times, find_claim
from holdfast.store.auth.jwt.code_exchange import Tokens, error_word, exchange, fetch_claims
from holdfast.store.auth.jwt.commands import ARRIVED, Arrival, FetchArrival, UseState
from holdfast.store.auth.jwt.config import JwtConfig
from holdfast.store.auth.jwt.login import load_config, load_role, not_believed, with_provider
from holdfast.store.auth.jwt.provider import Provider
from holdfast.store.auth.jwt.redirects import is_allowed
from holdfast.store.auth.jwt.roles import DIRECT, OIDC, JwtRole
from holdfast.store.auth.login import Login
from holdfast.store.auth.records import decode_record
from holdfast.store.auth.signatures import check_signature
from holdfast.store.request import Answer
from holdfast.tokens.compact import OF_PROVIDERS, CompactToken, read_compact
from holdfast.tokens.errors import TokenError

POLL_SECONDS = 2
MAX_CODE_LENGTH = 4096
MAX_PEER_LENGTH = 64
CONFIRMED = "yes"
HTML = "text/html; charset=utf-8"
PENDING = "authorization_pending"
REQUIRED = (
    "sub",
    "exp",
    "iat",
)  # OpenID Connect Core 1.0, section 2; issuer, audience and nonce are compared

_SHA_OF_ALGORITHM = {"256": "sha256", "384": "sha384", "512": "sha512"}
_CONFIRM = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Was it you?</title>"
    "<p>A program at {peer} wants to act as you, in the role {role}. Did you start it yourself, just now?</p>"
    "<p>If somebody sent you the address that you opened, close this page: he would get your rights.</p>"
    "<form method=get>{hidden}<button>Yes, log that program in</button></form></html>"
)
_DONE = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Logged in</title>"
    "<p>{who} is logged in. You can close this page and go back to the program that asked for it.</p></html>"
)


def auth_url(login: Login) -> None:
    """Say where to log in."""
    stored, config = load_config(login)
    _check_offered(config)
    named = login.given("role") or config.default_role
    if not named:
        raise InvalidInputError("missing role")
    redirect_uri, client_nonce = login.given("redirect_uri"), login.given("client_nonce")
    if not redirect_uri:
        raise InvalidInputError("missing redirect_uri")
    name, role = load_role(login, named)
    if role.role_type != OIDC:
        raise InvalidInputError("role with jwt role_type is not allowed: it is for logins with a token")
    if not is_allowed(redirect_uri, role.allowed_redirect_uris):
        raise InvalidInputError(
            "unauthorized redirect_uri: expected one of allowed_redirect_uris of the role"
        )
    is_direct = role.callback_mode == DIRECT
    if len(client_nonce) > MAX_CLIENT_NONCE_LENGTH or (is_direct and not client_nonce):
        raise InvalidInputError(f"client_nonce: expected 1 to {MAX_CLIENT_NONCE_LENGTH} characters")
    state = new_state(
        mount=login.mount.uuid,
        role=name,
        redirect_uri=redirect_uri,
        client_nonce=client_nonce,
        direct=is_direct,
        peer=login.request.peer.rpartition(":")[0][:MAX_PEER_LENGTH],
        now=login.now,
    )
    with_provider(login, stored, config, "", partial(_send_away, login, config, role, state))


def callback(login: Login) -> None:
    """Take somebody back."""
    state = read_state(login.opened, login.given("state"), mount=login.mount.uuid, now=login.now)
    if not state.direct:
        state.check_client(login.given("client_nonce"))
    if login.given("error"):
        raise InvalidInputError(f"login failed: the provider refused: {error_word(login.given('error'))}")
    code = login.given("code")
    if not 0 < len(code) <= MAX_CODE_LENGTH:
        raise InvalidInputError("login failed: no code from the provider")
    stored, config = load_config(login)
    _check_offered(config)
    if state.direct and login.given("confirmation") != CONFIRMED:
        _ask_whether_it_was_him(login, state)
        return
    _Arriving(login, stored, config, state).begin(code)


def _ask_whether_it_was_him(login: Login, state: BrowserState) -> None:
    """Have somebody confirm that he wants whoever began this login to act as him (RFC 8628, section 5.4).

    Nobody can confirm for him: the confirmation comes with the code, which only his browser was given.
    """
    sent = {name: login.given(name) for name in ("state", "code", "iss")} | {"confirmation": CONFIRMED}
    hidden = "".join(
        f'<input type=hidden name="{name}" value="{escape(text)}">' for name, text in sent.items() if text
    )
    page = _CONFIRM.format(role=escape(state.role), peer=escape(state.peer) or "this machine", hidden=hidden)
    login.say(Answer(raw=page.encode(), media_type=HTML))


def poll(login: Login) -> None:
    """Tell the program that waits whether somebody has come back; if so, it gets his token."""
    state = read_state(login.opened, login.given("state"), mount=login.mount.uuid, now=login.now)
    state.check_client(login.given("client_nonce"))
    if not state.direct:
        raise InvalidInputError("login failed: nobody is sent back to the store in this login")
    stored = login.records.get(ARRIVED + state.mark)
    if stored is None:
        raise InvalidInputError(PENDING)
    earned = decode_record(stored, Arrival).earned()
    command = FetchArrival(mount=login.mount.uuid, mark=state.mark)
    login.change(command, lambda _fetched: login.grant(earned, FOR_PEOPLE))


def _check_offered(config: JwtConfig) -> None:
    if not config.oidc_client_id:
        raise InvalidInputError("OIDC login is not configured for this mount: it has no oidc_client_id")


def _send_away(
    login: Login, config: JwtConfig, role: JwtRole, state: BrowserState, provider: Provider
) -> None:
    if not provider.authorization or not provider.token:
        raise UnavailableError("the token provider names no https address where people log in")
    text = write_state(login.opened, state)
    asked = {
        "client_id": config.oidc_client_id,
        "response_type": "code",
        "redirect_uri": state.redirect_uri,
        "scope": " ".join(dict.fromkeys(("openid", *role.oidc_scopes))),
        "state": text,
        "nonce": state.nonce,
        "code_challenge": _base64url(state.challenge),
        "code_challenge_method": "S256",
    }
    if role.max_age:
        asked["max_age"] = str(role.max_age)
    joint = "&" if "?" in provider.authorization else "?"
    data: dict[str, Any] = {"auth_url": f"{provider.authorization}{joint}{urlencode(asked)}"}
    if state.direct:
        data |= {"state": text, "poll_interval": str(POLL_SECONDS)}  # as text, or clients see none
    login.say(Answer(data=encode(data)))


class _Arriving:
    """Somebody who came back with a code."""

    def __init__(self, login: Login, stored: bytes, config: JwtConfig, state: BrowserState) -> None:
        self._login = login
        self._stored = stored
        self._config = config
        self._state = state
        self._tokens = Tokens("", "")

    def begin(self, code: str) -> None:
        """Ask where the code is exchanged, and exchange it."""
        self._with_provider("", partial(self._exchange, code))

    def _with_provider(self, key_id: str, step: Any) -> None:
        with_provider(self._login, self._stored, self._config, key_id, step)

    def _exchange(self, code: str, provider: Provider) -> None:
        said = self._login.given("iss")
        if said and said != provider.issuer:  # RFC 9207: the answer of another provider, mixed in
            raise InvalidInputError("login failed: the answer is from another provider")
        if not provider.token:
            raise UnavailableError("the token provider names no https address where codes are exchanged")
        work = partial(exchange, self._config, provider, self._state, code)
        self._login.outside(work, self._exchanged)

    def _exchanged(self, tokens: Tokens) -> None:
        self._tokens = tokens
        try:
            token = read_compact(tokens.identity, OF_PROVIDERS)
        except TokenError as error:
            raise not_believed(error) from None
        self._with_provider(token.key_id, partial(self._verify, token))

    def _verify(self, token: CompactToken, provider: Provider) -> None:
        try:
            claims = check_signature(token, provider.keys, self._config.algorithms)
        except TokenError as error:
            raise not_believed(error) from None
        if not all(claims.get(each) for each in REQUIRED):
            raise InvalidInputError(f"error validating token: expected the claims {', '.join(REQUIRED)}")
        _, role = self._role()
        check_issuer(claims, self._config)
        _check_parties(claims, self._config.oidc_client_id, role.bound_audiences)
        if not _is_same(claims.get("nonce"), self._state.nonce):
            raise InvalidInputError("error validating token: expected the nonce of this login")
        check_times(claims, role.leeways, now=self._login.now)
        _check_age(claims, role.max_age, now=self._login.now)
        _check_access_token(claims, token, self._tokens.access)
        is_complete = all(find_claim(claims, each) is not None for each in role.claim_names)
        is_complete = is_complete and all(
            find_claim(claims, each) is not None for each in role.claim_mappings
        )
        if is_complete or not provider.userinfo or not self._tokens.access:
            self._decide(claims, {})
            return
        work = partial(fetch_claims, self._config, provider, self._tokens.access, claims.get("sub"))
        self._login.outside(work, partial(self._decide, claims))

    def _decide(self, claims: dict[str, Any], more: dict[str, Any]) -> None:
        """Decide by all claims; those that the provider signed win over those that it merely told."""
        name, role = self._role()
        self._accept(earned_by({**more, **claims}, name, role))

    def _role(self) -> tuple[str, JwtRole]:
        """Return the role, as it is now."""
        name, role = load_role(self._login, self._state.role)
        if role.role_type != OIDC or not is_allowed(self._state.redirect_uri, role.allowed_redirect_uris):
            raise InvalidInputError(EXPIRED, detail="the role was changed meanwhile")
        return name, role

    def _accept(self, earned: Earned) -> None:
        login, state = self._login, self._state
        arrival = None
        if state.direct:
            arrival = Arrival(earned.role, earned.settings, earned.name, earned.metadata, earned.groups)
        command = UseState(mount=login.mount.uuid, mark=state.mark, arrival=arrival)
        if state.direct:
            page = _DONE.format(who=escape(earned.name)).encode()
            login.change(command, lambda _: login.say(Answer(raw=page, media_type=HTML)))
        else:
            login.change(command, lambda _: login.grant(earned, FOR_PEOPLE))


def _check_parties(claims: dict[str, Any], client_id: str, bound: tuple[str, ...]) -> None:
    """Return if a token was made for us (OpenID Connect Core 1.0, section 3.1.3.7).

    Raises:
        InvalidInputError: it was made for somebody else, or at his request.
    """
    check_audience(claims, (client_id,))
    if bound:
        check_audience(claims, bound)
    several = isinstance(claims.get("aud"), list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != client_id:
        raise InvalidInputError("error validating token: the azp claim names another client")


def _check_age(claims: dict[str, Any], max_age: int, *, now: float) -> None:
    if not max_age:
        return
    at = claims.get("auth_time")
    if isinstance(at, bool) or not isinstance(at, int | float):
        raise InvalidInputError("error validating token: expected the claim auth_time, for max_age is set")
    if now > at + max_age + DEFAULT_CLOCK_SKEW_SECONDS:
        raise InvalidInputError("error validating token: the bearer proved himself too long ago; log in anew")


def _check_access_token(claims: dict[str, Any], token: CompactToken, access: str) -> None:
    """Return if both tokens belong together, as far as the identity token says (section 3.1.3.6)."""
    said = claims.get("at_hash")
    if said is None or not access:
        return
    name = _SHA_OF_ALGORITHM.get(token.algorithm.value[-3:], "sha512")  # EdDSA has no number: SHA-512
    digest = hashlib.new(name, access.encode()).digest()
    if not _is_same(said, _base64url(digest[: len(digest) // 2])):
        raise InvalidInputError("error validating token: the access token belongs to another one")


def _is_same(said: Any, expected: str) -> bool:
    return isinstance(said, str) and hmac.compare_digest(said.encode(), expected.encode())


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
