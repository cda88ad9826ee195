"""Logging in with a token of a provider: its signature, issuer and times, then what the role asks for."""

from collections.abc import Callable
from functools import partial

from holdfast.errors import InvalidInputError
from holdfast.store import fields
from holdfast.store.auth.jwt.bearer import check_issuer, earned_by
from holdfast.store.auth.jwt.claims import check_audience, check_times
from holdfast.store.auth.jwt.config import CONFIG_KEY, JwtConfig
from holdfast.store.auth.jwt.provider import Provider, configured_keys, fetch_provider
from holdfast.store.auth.jwt.roles import JWT, JwtRole, role_key
from holdfast.store.auth.login import Login
from holdfast.store.auth.provider_keys import Keys, has_key
from holdfast.store.auth.records import decode_record, fold_role, load_record
from holdfast.store.auth.signatures import check_signature
from holdfast.tokens.compact import ACCESS_OR_IDENTITY, CompactToken, read_compact
from holdfast.tokens.errors import TokenError


def log_in(login: Login) -> None:
    """Begin a login."""
    stored, config = load_config(login)
    named = fields.text(login.values, "role") or config.default_role
    if not named:
        raise InvalidInputError("missing role")
    text = fields.text(login.values, "jwt")
    if not text:
        raise InvalidInputError("missing token")
    name, role = load_role(login, named)
    if role.role_type != JWT:
        raise InvalidInputError("role with oidc role_type is not allowed: it is for logins through a browser")
    try:
        token = read_compact(text, ACCESS_OR_IDENTITY)
    except TokenError as error:
        raise not_believed(error) from None
    step = partial(_verified_by, login, config, (name, role), token)
    if config.jwt_validation_pubkeys:
        step(configured_keys(config))
    else:
        with_provider(login, stored, config, token.key_id, lambda provider: step(provider.keys))


def load_config(login: Login) -> tuple[bytes, JwtConfig]:
    """Return the configuration of the mount, as it is stored and as it is read.

    Raises:
        InvalidInputError: there is none.
    """
    stored = login.records.get(CONFIG_KEY)
    if stored is None:
        raise InvalidInputError("could not load configuration: this mount was not configured")
    return stored, decode_record(stored, JwtConfig)


def load_role(login: Login, named: str) -> tuple[str, JwtRole]:
    """Return a role and its name as it is stored.

    Raises:
        InvalidInputError: there is none of this name.
    """
    name = fold_role(named, field="role")
    role = load_record(login.records, role_key(name), JwtRole)
    if role is None:
        raise InvalidInputError("role could not be found: expected the name of a role of this mount")
    return name, role


def not_believed(error: TokenError) -> InvalidInputError:
    """Return the refusal of a token."""
    return InvalidInputError(f"error validating {error.message}", detail=error.reason)


def with_provider(
    login: Login, stored: bytes, config: JwtConfig, key_id: str, step: Callable[[Provider], None]
) -> None:
    """Take the next step with what the provider publishes, a key with this id if it has one."""
    login.with_published(
        stored,
        partial(fetch_provider, config),
        lambda provider: has_key(key_id, provider.keys),
        step,
    )


def _verified_by(
    login: Login, config: JwtConfig, named: tuple[str, JwtRole], token: CompactToken, keys: Keys
) -> None:
    try:
        claims = check_signature(token, keys, config.algorithms)
    except TokenError as error:
        raise not_believed(error) from None
    check_issuer(claims, config)
    name, role = named
    check_times(claims, role.leeways, now=login.now)
    check_audience(claims, role.bound_audiences)
    login.grant(earned_by(claims, name, role))
