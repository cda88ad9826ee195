"""Logging in with a token of a provider: its signature, issuer and times, then what the role asks for."""

from functools import partial
from typing import Any

from holdfast.errors import InvalidInputError
from holdfast.store import fields
from holdfast.store.auth.issue import Earned
from holdfast.store.auth.jwt.claims import (
    check_audience,
    check_bound_claims,
    check_times,
    mapped,
    required_text,
    text_of,
)
from holdfast.store.auth.jwt.config import CONFIG_KEY, JwtConfig, configured_keys, fetch_keys
from holdfast.store.auth.jwt.roles import JwtRole, role_key
from holdfast.store.auth.login import Login
from holdfast.store.auth.provider_keys import Keys
from holdfast.store.auth.records import decode_record, fold_role, load_record
from holdfast.store.auth.signatures import check_signature
from holdfast.tokens.compact import CompactToken, read_compact
from holdfast.tokens.errors import TokenError


def log_in(login: Login) -> None:
    """Begin a login."""
    stored = login.records.get(CONFIG_KEY)
    if stored is None:
        raise InvalidInputError("could not load configuration: this mount was not configured")
    config = decode_record(stored, JwtConfig)
    name = fields.text(login.values, "role") or config.default_role
    if not name:
        raise InvalidInputError("missing role")
    text = fields.text(login.values, "jwt")
    if not text:
        raise InvalidInputError("missing token")
    name = fold_role(name, field="role")
    role = load_record(login.records, role_key(name), JwtRole)
    if role is None:
        raise InvalidInputError("role could not be found: expected the name of a role of this mount")
    token = _read(text)
    step = partial(_verified_by, login, config, (name, role), token)
    if config.jwt_validation_pubkeys:
        step(configured_keys(config))
    else:
        login.with_keys(stored, partial(fetch_keys, config), token.key_id, step)


def _read(text: str) -> CompactToken:
    try:
        return read_compact(text)
    except TokenError as error:
        raise _not_believed(error) from None


def _verified_by(
    login: Login, config: JwtConfig, named: tuple[str, JwtRole], token: CompactToken, keys: Keys
) -> None:
    try:
        claims = check_signature(token, keys, config.algorithms)
    except TokenError as error:
        raise _not_believed(error) from None
    if config.issuer and not _is_issuer(claims.get("iss"), config):
        raise InvalidInputError("error validating token: expected the issuer that the mount is bound to")
    name, role = named
    check_times(claims, role.leeways, now=login.now)
    check_audience(claims, role.bound_audiences)
    if role.bound_subject and claims.get("sub") != role.bound_subject:
        raise InvalidInputError("error validating claims: sub claim does not match bound subject")
    check_bound_claims(claims, role.bound_claims, globs=role.bound_claims_type == "glob")
    user = required_text(claims, _user_claim(role))
    metadata = {**mapped(claims, role.claim_mappings), "role": name}
    login.grant(Earned(role=role_key(name), settings=role.settings, name=user, metadata=metadata))


def _is_issuer(said: Any, config: JwtConfig) -> bool:
    """Whether a token is from the configured issuer; a discovered one may end in a slash or not."""
    issuer = text_of(said) or ""
    return issuer == config.bound_issuer if config.bound_issuer else issuer.rstrip("/") == config.issuer


def _user_claim(role: JwtRole) -> str:
    is_bare_pointer = role.user_claim_json_pointer and not role.user_claim.startswith("/")
    return f"/{role.user_claim}" if is_bare_pointer else role.user_claim


def _not_believed(error: TokenError) -> InvalidInputError:
    return InvalidInputError(f"error validating {error.message}", detail=error.reason)
