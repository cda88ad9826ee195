"""The claims of a token: which there are, what each must be, and when they hold.

Every claim that the storage API knows is listed here as required, checked, or only read:

    iss                 required, exact         selects the issuer
    sub, name, email    required, may be null   identity; the configured one becomes the user name
    exp, iat            required, numbers       not expired; not issued in the future
    nbf                 checked if present      not before its time
    email_verified      checked if present      must be true where the email address is the user name
    aud                 checked if present      must name the audience that the issuer is configured with
    jti                 read                    by which one token can be revoked
    orig_iat            checked if present      when the token was issued that this one was renewed from
    roles, groups       read; absent or null is none

Names follow the specification of the storage API (OpenStorage SDK) and RFC 7519 section 4.1. A claim that is
not listed has no effect. Unlike the original, ``exp: 0`` is long past, not forever.
"""

from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from holdfast.model import Principal
from holdfast.tokens.errors import Reason, TokenError

REQUIRED = ("iss", "sub", "exp", "iat", "name", "email")
NAMESPACED = ("roles", "groups")

_Text = Annotated[str, Meta(max_length=1024)]
_Names = Annotated[tuple[_Text, ...], Meta(max_length=256)]
_Time = Annotated[int, Meta(ge=0, lt=2**53)] | Annotated[float, Meta(ge=0, lt=2.0**53)]


class UserNameClaim(StrEnum):
    """Which claim becomes the user name, and so the owner of resources."""

    SUB = "sub"
    EMAIL = "email"
    NAME = "name"


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """The claims of one token, with the types they must have; times in Unix seconds."""

    iss: _Text
    sub: _Text | None
    name: _Text | None
    email: _Text | None
    exp: _Time
    iat: _Time
    nbf: _Time | UnsetType = UNSET
    aud: _Text | _Names | UnsetType = UNSET
    jti: _Text = ""
    orig_iat: _Time | UnsetType = UNSET
    email_verified: Any = True
    roles: _Names | None = None
    groups: _Names | None = None


def issuer_of(unverified: dict[str, Any]) -> str:
    """Return the issuer that a token names, before anything is verified.

    Raises:
        TokenError: it names none.
    """
    issuer = unverified.get("iss")
    if not isinstance(issuer, str) or not issuer:
        raise TokenError(Reason.MISSING_CLAIM, "expected the claim iss to name its issuer")
    return issuer


def read_claims(claims: dict[str, Any], *, namespace: str = "") -> Claims:
    """Return the claims of a token whose signature was verified.

    Args:
        claims: all that the token says.
        namespace: what stands before ``roles`` and ``groups``, if those count instead.

    Raises:
        TokenError: one is missing, or is not of its type or size.
    """
    if namespace:
        own = {name: claims[namespace + name] for name in NAMESPACED if namespace + name in claims}
        claims = {**claims, **own}
    try:
        return msgspec.convert(claims, Claims)
    except msgspec.ValidationError as error:
        for name in REQUIRED:
            if name not in claims:
                raise TokenError(Reason.MISSING_CLAIM, f"expected the claim {name}") from None
        # The text names the type and the claim (`$.roles[1]`), not the value.
        raise TokenError(Reason.INVALID_CLAIM, f"a claim is not what it must be: {error}") from None


def check_times(claims: Claims, *, now: float, skew_seconds: int, max_lifetime_seconds: int | None) -> None:
    """Return if the token holds at ``now``.

    Args:
        claims: the claims of the token.
        now: Unix seconds.
        skew_seconds: how far the clock of the issuer may differ from ours.
        max_lifetime_seconds: the longest time from ``iat`` to ``exp`` that is accepted, if there is one.

    Raises:
        TokenError: expired, not yet valid, or made to live too long.
    """
    if now >= claims.exp + skew_seconds:
        raise TokenError(Reason.EXPIRED, "expired; get a new one")
    begins = claims.iat if claims.nbf is UNSET else max(claims.iat, claims.nbf)
    if now < begins - skew_seconds:
        raise TokenError(Reason.NOT_YET_VALID, "not valid yet; compare the clocks of both hosts")
    if max_lifetime_seconds is not None and claims.exp - claims.iat > max_lifetime_seconds:
        raise TokenError(
            Reason.LIFETIME_TOO_LONG, f"expected a lifetime of at most {max_lifetime_seconds} seconds"
        )


def check_audience(claims: Claims, expected: str) -> None:
    """Return if the token is meant for us.

    A token that names an audience is refused where none is configured (RFC 7519 section 4.1.3): it was
    made for somebody else who trusts the same issuer.

    Raises:
        TokenError: it is meant for somebody else, or does not name us although it should.
    """
    named = () if claims.aud is UNSET else (claims.aud,) if isinstance(claims.aud, str) else claims.aud
    meant_for_us = expected in named if expected else claims.aud is UNSET
    if not meant_for_us:
        raise TokenError(Reason.WRONG_AUDIENCE, "made for another audience")


def principal_of(
    claims: Claims, user_name: UserNameClaim, *, fallback_id: str = "", signed_with: bytes = b""
) -> Principal:
    """Return who the bearer is, once all checks have passed.

    Args:
        claims: the claims of the token.
        user_name: which of them is the user name.
        fallback_id: what the token is known by if it has no ``jti``.
        signed_with: fingerprint of the key that signed it.

    Raises:
        TokenError: the claim for the user name is empty, no fit name for an owner, or unverified.
    """
    name: str | None = getattr(claims, user_name)
    if not name:
        raise TokenError(Reason.MISSING_CLAIM, f"expected the claim {user_name} to hold the user name")
    # Else whoever may change his address at a provider takes the name, and the volumes, of somebody else.
    if user_name is UserNameClaim.EMAIL and str(claims.email_verified).lower() != "true":
        raise TokenError(Reason.INVALID_CLAIM, "expected an email address that its issuer has verified")
    if not name.isprintable() or name != name.strip():
        raise TokenError(
            Reason.INVALID_CLAIM, f"expected the claim {user_name} without control characters or outer blanks"
        )
    return Principal(
        name=name,
        subject=claims.sub or "",
        issuer=claims.iss,
        display_name=claims.name or "",
        email=claims.email or "",
        roles=claims.roles or (),
        groups=claims.groups or (),
        token_id=claims.jti or fallback_id,
        expires_at=int(claims.exp),
        issued_at=int(claims.iat),
        begun_at=int(claims.iat if claims.orig_iat is UNSET else min(claims.iat, claims.orig_iat)),
        signed_with=signed_with,
    )
