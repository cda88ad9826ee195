"""From the claims of a verified token to what its bearer has earned, if a role means him."""

from typing import Any

from holdfast.errors import InvalidInputError
from holdfast.store.auth.issue import Earned
from holdfast.store.auth.jwt.claims import check_bound_claims, group_names, mapped, required_text, text_of
from holdfast.store.auth.jwt.config import JwtConfig
from holdfast.store.auth.jwt.roles import JwtRole, role_key


def check_issuer(claims: dict[str, Any], config: JwtConfig) -> None:
    """Return if a token is from the configured issuer; a discovered one may end in a slash or not.

    Raises:
        InvalidInputError: it is from another.
    """
    issuer = text_of(claims.get("iss")) or ""
    if config.bound_issuer:
        is_right = issuer == config.bound_issuer
    else:
        is_right = not config.issuer or issuer.rstrip("/") == config.issuer
    if not is_right:
        raise InvalidInputError("error validating token: expected the issuer that the mount is bound to")


def earned_by(claims: dict[str, Any], name: str, role: JwtRole) -> Earned:
    """Return what a token's bearer gets; its signature, issuer, times and audience are right.

    Raises:
        InvalidInputError: the role does not mean him, or the token does not say who he is.
    """
    if role.bound_subject and claims.get("sub") != role.bound_subject:
        raise InvalidInputError("error validating claims: sub claim does not match bound subject")
    check_bound_claims(claims, role.bound_claims, globs=role.bound_claims_type == "glob")
    user = required_text(claims, role.user_claim_name)
    groups = group_names(claims, role.groups_claim) if role.groups_claim else ()
    metadata = {**mapped(claims, role.claim_mappings), "role": name}
    return Earned(role=role_key(name), settings=role.settings, name=user, metadata=metadata, groups=groups)
