"""``role/...``: which tokens of the provider may log in, and what they get."""

from typing import Any

import msgspec

from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import decode_object, encode
from holdfast.store import fields
from holdfast.store.auth.jwt.claims import Leeways
from holdfast.store.auth.jwt.redirects import check_redirects
from holdfast.store.auth.method import kept_by_name
from holdfast.store.auth.token_settings import TokenSettings, describe_token_settings, read_token_settings
from holdfast.store.auth.visit import AuthVisit
from holdfast.store.command import Command
from holdfast.store.request import Answer

JWT, OIDC = "jwt", "oidc"
CLIENT, DIRECT = "client", "direct"
MAX_SCOPES = 32

_RESERVED = frozenset({"role"})


class JwtRole(msgspec.Struct, array_like=True, frozen=True):
    """One role. Fields are only ever appended: their order is the record format.

    Attributes:
        user_claim: the claim that says who it is.
        settings: about tokens.
        bound_audiences: one of them must be in ``aud``; with none, a token may name no audience.
        bound_subject: the ``sub`` that a token must have; empty for any.
        bound_claims: by name or pointer, the values of which a claim must have one.
        bound_claims_type: ``string``, or ``glob`` for patterns with ``*``.
        claim_mappings: by name or pointer, what a claim is called in a token's metadata.
        expiration_leeway: see ``Leeways``.
        not_before_leeway: see ``Leeways``.
        clock_skew_leeway: see ``Leeways``.
        user_claim_json_pointer: whether ``user_claim`` is a pointer even without a slash in front.
        groups_claim: by name or pointer, the claim that lists the groups that somebody is in.
        role_type: ``jwt`` for those who bring a token, ``oidc`` for those who log in through a browser.
        allowed_redirect_uris: where the latter may be sent back to.
        oidc_scopes: what the provider is asked for beside ``openid``.
        max_age: how long ago somebody may have proved himself to the provider, in seconds; 0 for any time.
        callback_mode: ``client`` if people are sent back to the program that waits; ``direct`` if to the
            store, which the program then asks.
        verbose_oidc_logging: kept and shown; claims are never logged.
    """

    user_claim: str
    settings: TokenSettings = TokenSettings()
    bound_audiences: tuple[str, ...] = ()
    bound_subject: str = ""
    bound_claims: dict[str, list[str]] = {}
    bound_claims_type: str = "string"
    claim_mappings: dict[str, str] = {}
    expiration_leeway: int = 0
    not_before_leeway: int = 0
    clock_skew_leeway: int = 0
    user_claim_json_pointer: bool = False
    groups_claim: str = ""
    role_type: str = JWT
    allowed_redirect_uris: tuple[str, ...] = ()
    oidc_scopes: tuple[str, ...] = ()
    max_age: int = 0
    callback_mode: str = CLIENT
    verbose_oidc_logging: bool = False

    @property
    def user_claim_name(self) -> str:
        """The claim that says who it is, as ``find_claim`` wants its name."""
        is_bare_pointer = self.user_claim_json_pointer and not self.user_claim.startswith("/")
        return f"/{self.user_claim}" if is_bare_pointer else self.user_claim

    @property
    def claim_names(self) -> set[str]:
        """The claims that it takes to decide about somebody; those that are only told are not among them."""
        return {self.user_claim_name, *self.bound_claims, *([self.groups_claim] if self.groups_claim else [])}

    @property
    def leeways(self) -> Leeways:
        """How exactly times are taken."""
        return Leeways(self.expiration_leeway, self.not_before_leeway, self.clock_skew_leeway)


def role_key(name: str) -> str:
    """Return where a role is."""
    return f"role/{name}"


def _write_role(visit: AuthVisit) -> Command:
    values = visit.values

    def make(before: JwtRole | None) -> JwtRole:
        return _changed(values, before or JwtRole(user_claim=""))

    if fields.boolean(values, "verbose_oidc_logging"):
        visit.warnings.append(
            "verbose_oidc_logging has no effect: what a provider says of people is not logged"
        )
    return visit.change(role_key(visit.name), JwtRole, make)


def _changed(values: dict[str, Any], before: JwtRole) -> JwtRole:
    bound_claims = before.bound_claims
    if "bound_claims" in values:
        bound_claims = {
            name: _values(name, value) for name, value in _members(values, "bound_claims").items()
        }
    mappings = before.claim_mappings
    if "claim_mappings" in values:
        mappings = fields.text_map({"claim_mappings": _members(values, "claim_mappings")}, "claim_mappings")
    audiences = before.bound_audiences
    if "bound_audiences" in values:
        audiences = fields.words(values, "bound_audiences")
    role = JwtRole(
        user_claim=fields.text(values, "user_claim", before.user_claim),
        settings=read_token_settings(values, before.settings),
        bound_audiences=audiences,
        bound_subject=fields.text(values, "bound_subject", before.bound_subject),
        bound_claims=bound_claims,
        bound_claims_type=fields.text(values, "bound_claims_type", before.bound_claims_type),
        claim_mappings=mappings,
        expiration_leeway=_leeway(values, "expiration_leeway", before.expiration_leeway),
        not_before_leeway=_leeway(values, "not_before_leeway", before.not_before_leeway),
        clock_skew_leeway=_leeway(values, "clock_skew_leeway", before.clock_skew_leeway),
        user_claim_json_pointer=fields.boolean(
            values, "user_claim_json_pointer", default=before.user_claim_json_pointer
        ),
        groups_claim=fields.text(values, "groups_claim", before.groups_claim),
        **_browser_fields(values, before),
    )
    _check(role)
    return role


def _browser_fields(values: dict[str, Any], before: JwtRole) -> dict[str, Any]:
    """Return what is said about logins through a browser.

    A role that allows addresses to be sent back to is one for these, also where nobody says so.
    """
    redirects, scopes = before.allowed_redirect_uris, before.oidc_scopes
    if "allowed_redirect_uris" in values:
        redirects = check_redirects(fields.words(values, "allowed_redirect_uris"))
    if "oidc_scopes" in values:
        scopes = fields.words(values, "oidc_scopes")
    likely = OIDC if redirects and not before.user_claim else before.role_type
    return {
        "role_type": fields.text(values, "role_type", likely) or likely,
        "allowed_redirect_uris": redirects,
        "oidc_scopes": scopes,
        "max_age": fields.seconds(values, "max_age") if "max_age" in values else before.max_age,
        "callback_mode": fields.text(values, "callback_mode", before.callback_mode) or CLIENT,
        "verbose_oidc_logging": fields.boolean(
            values, "verbose_oidc_logging", default=before.verbose_oidc_logging
        ),
    }


def _check(role: JwtRole) -> None:
    if not role.user_claim:
        raise InvalidInputError("user_claim: expected the name of the claim that says who logs in")
    if role.bound_claims_type not in {"string", "glob"}:
        raise InvalidInputError("bound_claims_type: expected string or glob")
    if role.role_type not in {JWT, OIDC}:
        raise InvalidInputError("role_type: expected jwt or oidc")
    if role.role_type == OIDC:
        _check_browser(role)
    elif not (role.bound_audiences or role.bound_subject or role.bound_claims or role.settings.bound_cidrs):
        raise InvalidInputError("must have at least one bound constraint when creating/updating a role")
    names = list(role.claim_mappings.values())
    if len(set(names)) < len(names) or _RESERVED & set(names):
        raise InvalidInputError("claim_mappings: expected each metadata name once, and none of them role")


def _check_browser(role: JwtRole) -> None:
    if not role.allowed_redirect_uris:
        raise InvalidInputError("allowed_redirect_uris: expected where people may be sent back to")
    if role.callback_mode not in {CLIENT, DIRECT}:
        raise InvalidInputError(f"callback_mode: expected {CLIENT} or {DIRECT}")
    is_scope = all(scope.isascii() and scope.isprintable() and " " not in scope for scope in role.oidc_scopes)
    if not is_scope or len(role.oidc_scopes) > MAX_SCOPES:
        raise InvalidInputError(f"oidc_scopes: expected at most {MAX_SCOPES} words")


def _values(name: str, value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not values or any(not isinstance(each, str | int | bool) for each in values):
        raise InvalidInputError("bound_claims: expected text, or a list of texts, for each claim")
    return [fields.text({name: each}, name) for each in values]


def _members(values: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a field that is an object, or the JSON text of one, as command lines send it."""
    value = values.get(name)
    if isinstance(value, str):
        return decode_object(value.encode()).values if value.strip() else {}
    return fields.members(values, name)


def _leeway(values: dict[str, Any], name: str, before: int) -> int:
    if name not in values:
        return before
    value = values[name]
    if value in {-1, "-1", "-1s"}:
        return -1
    return fields.seconds(values, name)


def _read_role(visit: AuthVisit) -> Answer:
    role = visit.require(role_key(visit.name), JwtRole)
    shown = msgspec.structs.asdict(role)
    del shown["settings"]
    bound = {name: each[0] if len(each) == 1 else each for name, each in role.bound_claims.items()}
    shown |= {
        "bound_claims": bound or None,
        "claim_mappings": role.claim_mappings or None,
        "bound_audiences": list(role.bound_audiences),
        "allowed_redirect_uris": list(role.allowed_redirect_uris) or None,
        "oidc_scopes": list(role.oidc_scopes) or None,
    }
    return Answer(data=encode(shown | describe_token_settings(role.settings)))


ROLE_ROUTES = kept_by_name("role", read=_read_role, write=_write_role)
