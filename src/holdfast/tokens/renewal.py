"""A new token for the bearer of a good one: the same rights, the same issuer, the same key, a later end.

    jti        <id of the first token> ~ <22 random characters>
    orig_iat   when the first token was issued

So whatever revokes the first token, by id or by issue time, revokes what was renewed from it, and whoever
revokes a renewed one revokes its whole family. A renewed token is signed by the key that signed the one it
was made from: a key that is no longer trusted takes everything with it that it ever vouched for. It lives no
longer than the one before, and the family no longer than the operator says.
"""

import re
import secrets
from typing import Any

from holdfast.errors import ConflictError
from holdfast.model import Principal
from holdfast.tokens.compact import write_compact
from holdfast.tokens.keys import SigningKey

TOKEN_ID_BYTES = 16  # 128 bits: two tokens never share an id by chance
MAX_FAMILY_CHARACTERS = 900  # leaves room for what is appended

_RENEWED = re.compile(r"(.+)~[A-Za-z0-9_-]{22}", re.DOTALL)


class NotRenewableError(ConflictError):
    """Tokens of this issuer are not renewed here."""


class RenewalEndedError(ConflictError):
    """The family of the token has lived as long as it may."""


def family_of(token_id: str) -> str:
    """Return the id of the token that the one with this id was first renewed from; its own if of none."""
    match = _RENEWED.fullmatch(token_id)
    return match[1] if match else token_id


def renew_token(
    principal: Principal, *, key: SigningKey, now: float, lifetime_seconds: int = 0, max_life_seconds: int
) -> tuple[str, int]:
    """Return a new token and when it ends, in Unix seconds.

    Args:
        principal: the bearer, as read from the token that is renewed.
        key: the key that signed that token.
        now: Unix seconds.
        lifetime_seconds: how long the new one is to live, if shorter than the present one; 0 for the same.
        max_life_seconds: how long after the first one was issued the last of a family may end.

    Raises:
        RenewalEndedError: the one that it is made from ends as late as any of its family may.
        NotRenewableError: its id leaves no room.
    """
    family = family_of(principal.token_id)
    if len(family) > MAX_FAMILY_CHARACTERS:
        raise NotRenewableError("token: its id is too long to be renewed; get a new one at its issuer")
    issued = int(now)
    lifetime = principal.expires_at - principal.issued_at
    if lifetime_seconds:
        lifetime = min(lifetime, lifetime_seconds)
    latest = principal.begun_at + max_life_seconds
    expires = min(issued + lifetime, latest)
    if latest <= principal.expires_at or expires <= issued:
        raise RenewalEndedError("token: it cannot be renewed for longer; get a new one at its issuer")
    claims: dict[str, Any] = {
        "iss": principal.issuer,
        "sub": principal.subject,
        "name": principal.display_name,
        "email": principal.email,
        "roles": principal.roles,
        "iat": issued,
        "exp": expires,
        "jti": f"{family}~{secrets.token_urlsafe(TOKEN_ID_BYTES)}",
        "orig_iat": principal.begun_at,
    }
    if principal.groups:
        claims["groups"] = principal.groups
    return write_compact(claims, key), expires
