"""Talking to the provider about somebody who logged in there: his code for tokens, more claims. All blocks.

What the provider says of an error is one of the words of RFC 6749 or it is not repeated, not in the audit
trail either: it comes from outside.
"""

import logging
from base64 import b64encode
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote_plus, urlencode

from holdfast.client.outside import ask, get_document, read_object
from holdfast.errors import InvalidInputError, UnavailableError
from holdfast.store.auth.jwt.browser_state import BrowserState
from holdfast.store.auth.jwt.config import JwtConfig
from holdfast.store.auth.jwt.provider import Provider
from holdfast.tokens.discovery import PROVIDER

FORM = "application/x-www-form-urlencoded"
ERRORS = frozenset(
    {
        "access_denied",
        "account_selection_required",
        "consent_required",
        "interaction_required",
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "login_required",
        "server_error",
        "temporarily_unavailable",
        "unauthorized_client",
        "unsupported_grant_type",
        "unsupported_response_type",
    }
)
_OUR_FAULT = frozenset({"invalid_client", "unauthorized_client", "unsupported_grant_type"})

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a code was exchanged for.

    Attributes:
        identity: says who it is; nobody has verified it yet.
        access: lets us ask for more claims; empty if the provider gave none.
    """

    identity: str
    access: str

    def __repr__(self) -> str:
        return "Tokens(...)"


def exchange(config: JwtConfig, provider: Provider, state: BrowserState, code: str) -> Tokens:
    """Return the tokens for a code.

    Raises:
        InvalidInputError: the provider does not accept the code.
        UnavailableError: it does not answer, or does not accept us.
    """
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": state.redirect_uri,
        "code_verifier": state.verifier,
    }
    headers = {"Content-Type": FORM}
    client, secret = config.oidc_client_id, config.oidc_client_secret
    if secret and not provider.secret_in_body:
        pair = f"{quote_plus(client)}:{quote_plus(secret)}"  # RFC 6749, section 2.3.1
        headers["Authorization"] = "Basic " + b64encode(pair.encode()).decode()
    else:
        fields["client_id"] = client
        if secret:
            fields["client_secret"] = secret
    answer = ask(
        provider.token,
        ca_pem=config.oidc_discovery_ca_pem,
        headers=headers,
        body=urlencode(fields).encode(),
        what=PROVIDER,
    )
    document = read_object(answer.body, what=PROVIDER)
    if answer.status != HTTPStatus.OK:
        raise _refused(error_word(document.get("error")))
    identity, access = document.get("id_token"), document.get("access_token")
    if not isinstance(identity, str):
        raise InvalidInputError("login failed: the provider gave no identity token; is openid a scope there?")
    return Tokens(identity, access if isinstance(access, str) and access.isascii() else "")


def fetch_claims(config: JwtConfig, provider: Provider, access: str, subject: Any) -> dict[str, Any]:
    """Return what the userinfo endpoint says of the subject of an identity token.

    Raises:
        InvalidInputError: it speaks of somebody else.
        UnavailableError: it does not answer, or not with claims.
    """
    document = get_document(
        provider.userinfo,
        ca_pem=config.oidc_discovery_ca_pem,
        headers={"Authorization": f"Bearer {access}"},
        what=PROVIDER,
    )
    claims = read_object(document, what=PROVIDER)
    if not isinstance(subject, str) or claims.get("sub") != subject:
        raise InvalidInputError("login failed: the provider's userinfo endpoint speaks of somebody else")
    return claims


def error_word(said: Any) -> str:
    """Return a word of the standards for an error, or one that stands for all others."""
    return said if isinstance(said, str) and said in ERRORS else "another error"


def _refused(word: str) -> InvalidInputError | UnavailableError:
    if word in _OUR_FAULT:
        log.warning("%s does not accept oidc_client_id with oidc_client_secret: %s", PROVIDER, word)
        return UnavailableError(f"{PROVIDER} does not accept this store as its client: {word}")
    return InvalidInputError(f"login failed: the provider does not accept the code: {word}; begin again")
