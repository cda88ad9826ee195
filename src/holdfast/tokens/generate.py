"""Making tokens: a user, an issuer, a key and a lifetime go in, one signed token comes out.

The claims are those of OpenStorage's generators, and a ``jti`` by which the one token can be revoked.
Roles are named, not looked up: a role that does not exist allows nothing.
"""

import re
import secrets
from typing import Any

from holdfast.errors import InvalidInputError
from holdfast.model.duration import MAX_SECONDS, SECONDS_PER_UNIT
from holdfast.tokens.compact import write_compact
from holdfast.tokens.keys import SigningKey
from holdfast.tokens.renewal import TOKEN_ID_BYTES
from holdfast.tokens.user_file import User

DEFAULT_LIFETIME_SECONDS = SECONDS_PER_UNIT["d"]

_LIFETIME = re.compile(r"([0-9]{1,12})([smhdy])")


def generate_token(
    user: User,
    *,
    issuer: str,
    key: SigningKey,
    issued_at: float,
    lifetime_seconds: int = DEFAULT_LIFETIME_SECONDS,
) -> str:
    """Return a signed token.

    Args:
        user: who it speaks for.
        issuer: the plain name that the verifier knows this key under.
        key: what signs it.
        issued_at: Unix seconds at which it becomes valid; fractions are dropped.
        lifetime_seconds: how long it is valid; 0 gives a token that has already expired.

    Raises:
        InvalidInputError: the issuer is empty or a URL, or the lifetime is out of range.
    """
    if not issuer or not issuer.isprintable():
        raise InvalidInputError("issuer: expected a plain name such as holdfast.example.com")
    if issuer.lower().startswith(("http://", "https://")):
        raise InvalidInputError(
            "issuer: expected a plain name; a URL stands for an OIDC provider, which signs itself"
        )
    if not 0 <= lifetime_seconds <= MAX_SECONDS:
        raise InvalidInputError("token duration: expected 0 to 292 years")
    issued = int(issued_at)
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": user.subject,
        "name": user.name,
        "email": user.email,
        "roles": user.roles,
        "iat": issued,
        "exp": issued + lifetime_seconds,
        "jti": secrets.token_urlsafe(TOKEN_ID_BYTES),
    }
    if user.groups:
        claims["groups"] = user.groups
    return write_compact(claims, key)


def parse_lifetime(text: str, *, field: str = "token duration") -> int:
    """Return the seconds of a lifetime such as ``30m`` or ``1y``: digits and one unit of ``s m h d y``.

    A day has 24 hours and a year 365 days. Sums such as ``1h30m``, signs and fractions are refused.

    Args:
        text: what was given.
        field: what errors call it.

    Raises:
        InvalidInputError: not of that form, or over 292 years.
    """
    match = _LIFETIME.fullmatch(text)
    seconds = int(match[1]) * SECONDS_PER_UNIT[match[2]] if match else -1
    if not 0 <= seconds <= MAX_SECONDS:
        raise InvalidInputError(
            f"{field}: expected digits and one unit of s, m, h, d or y, such as 24h, up to 292y"
        )
    return seconds
