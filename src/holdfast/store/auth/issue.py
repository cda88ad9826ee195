"""What a login has earned, and the token that it gets for it.

A role that does not say otherwise gets the kind of token of its mount, and a mount that of its method:
``default-batch`` for machines, whose logins then write nothing, ``default-service`` for people. What has to
be counted or renewed has to be stored: with a period or a limited number of uses ``default-batch`` gives a
service token all the same.
"""

from dataclasses import dataclass, field

from holdfast.store.auth.mounts import AuthMount
from holdfast.store.auth.token_settings import TokenSettings
from holdfast.store.login_alias import LoginAlias
from holdfast.store.tokens.commands import capped_warning
from holdfast.store.tokens.records import BATCH, SERVICE, TokenEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Earned:
    """What a method found out about somebody who logs in.

    Attributes:
        role: the record below the mount that says what he may do, such as ``role/db``.
        settings: what it says about tokens.
        name: who it is, for people and audit records; the mount's path is put in front.
        metadata: what the token shall say about him.
        bound_cidrs: networks instead of those in the settings.
        alias: what tells him from all others of the mount; empty if ``name`` does.
        groups: those that a provider says he is in.
    """

    role: str
    settings: TokenSettings
    name: str
    metadata: dict[str, str] = field(default_factory=dict)
    bound_cidrs: tuple[str, ...] = ()
    alias: str = ""
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a method's tokens are like where neither role nor mount says otherwise.

    Attributes:
        token_type: one of ``mounts.TOKEN_TYPES``.
        ttl_seconds: their first life.
    """

    token_type: str
    ttl_seconds: int


FOR_MACHINES = Defaults("default-batch", 3600)
FOR_PEOPLE = Defaults("default-service", 8 * 3600)


def new_entry(
    earned: Earned,
    mount: AuthMount,
    defaults: Defaults,
    path: str,
    *,
    now: float,
    alias: LoginAlias | None = None,
) -> tuple[TokenEntry, tuple[str, ...]]:
    """Return the entry of the token to make, and warnings about what was capped.

    Args:
        earned: what the method found out.
        mount: where the login happened.
        defaults: the method's.
        path: of the login request.
        now: Unix seconds.
        alias: how the login knew him.
    """
    settings = earned.settings
    longest = min(settings.max_ttl_seconds or mount.max_seconds, mount.max_seconds)
    if settings.explicit_max_ttl_seconds:
        longest = min(longest, settings.explicit_max_ttl_seconds)
    default = mount.default_ttl_seconds or min(defaults.ttl_seconds, longest)
    wanted = settings.period_seconds or settings.ttl_seconds or default
    granted = min(wanted, longest)
    warnings = [] if granted == wanted else [capped_warning(wanted, granted)]
    kind = token_type(settings, mount, defaults)
    policies = set(settings.policies)
    if not settings.no_default_policy:
        policies.add("default")
    entry = TokenEntry(
        accessor="",
        policies=tuple(sorted(policies)),
        path=path,
        display_name=(mount.path.replace("/", "-") + earned.name).rstrip("-"),
        meta=earned.metadata,
        created_at=now,
        ttl_seconds=granted,
        expires_at=now + granted,
        explicit_max_ttl_seconds=settings.explicit_max_ttl_seconds,
        period_seconds=min(settings.period_seconds, longest),
        renewable=kind == SERVICE,
        uses_left=settings.num_uses,
        type=kind,
        bound_cidrs=earned.bound_cidrs or settings.bound_cidrs,
        max_ttl_seconds=longest,
        mount=mount.uuid,
        role=earned.role,
        alias=alias,
    )
    return entry, tuple(warnings)


def token_type(settings: TokenSettings, mount: AuthMount, defaults: Defaults) -> str:
    """Return ``service`` or ``batch``."""
    of_mount = mount.token_type or defaults.token_type
    if of_mount in {SERVICE, BATCH}:
        wanted = of_mount  # without "default-" in front a mount overrules its roles
    elif settings.type == "default":
        wanted = of_mount.removeprefix("default-")
    else:
        wanted = settings.type.removeprefix("default-")
    return SERVICE if settings.period_seconds or settings.num_uses else wanted
