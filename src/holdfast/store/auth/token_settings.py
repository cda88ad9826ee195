"""What a role says about the tokens that its logins get: the fields that every method's roles share.

Clients send ``token_ttl``, ``token_policies`` and so on; older ones, and older guides, ``ttl`` and
``policies``. Both are read, and the old names are shown again to whoever used them, because tools compare
what they wrote with what they read.
"""

from typing import Any

import msgspec

from holdfast.errors import InvalidInputError
from holdfast.store import fields
from holdfast.store.networks import parse_networks
from holdfast.store.policy_records import fold_name
from holdfast.store.tokens.records import BATCH, SYSTEM_MAX_TTL_SECONDS

ROLE_TYPES = ("default", "service", "batch", "default-service", "default-batch")
OLD_NAMES = ("ttl", "max_ttl", "period", "policies", "num_uses", "bound_cidrs")


class TokenSettings(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The settings. Fields are only ever appended: their order is part of records.

    Attributes:
        ttl_seconds: first life; 0 for the mount's.
        max_ttl_seconds: how long renewals may keep a token alive; 0 for the mount's.
        period_seconds: renewals reset to this; 0 for an ordinary token.
        explicit_max_ttl_seconds: a limit that no renewal passes, whatever changes; 0 for none.
        policies: folded names, sorted.
        no_default_policy: leave ``default`` out.
        num_uses: how often a token may be used; 0 for unlimited.
        bound_cidrs: networks that a login may come from, and its token be used from; empty for any.
        type: one of ``ROLE_TYPES``; ``default`` leaves it to the mount.
        old_names: the old names that were used, so that they are shown again.
    """

    ttl_seconds: int = 0
    max_ttl_seconds: int = 0
    period_seconds: int = 0
    explicit_max_ttl_seconds: int = 0
    policies: tuple[str, ...] = ()
    no_default_policy: bool = False
    num_uses: int = 0
    bound_cidrs: tuple[str, ...] = ()
    type: str = "default"
    old_names: tuple[str, ...] = ()


def read_token_settings(values: dict[str, Any], before: TokenSettings) -> TokenSettings:
    """Return ``before`` with what a request gives changed.

    Raises:
        InvalidInputError: a field is not what it must be, or two of them contradict each other.
    """
    reader = _Reader(values)
    settings = TokenSettings(
        ttl_seconds=reader.seconds("ttl", before.ttl_seconds),
        max_ttl_seconds=reader.seconds("max_ttl", before.max_ttl_seconds),
        period_seconds=reader.seconds("period", before.period_seconds),
        explicit_max_ttl_seconds=reader.seconds("explicit_max_ttl", before.explicit_max_ttl_seconds),
        policies=_policies(reader, before.policies),
        no_default_policy=fields.boolean(values, "token_no_default_policy", default=before.no_default_policy),
        num_uses=fields.integer(values, reader.name("num_uses"), before.num_uses),
        bound_cidrs=_networks(reader, before.bound_cidrs),
        type=fields.text(values, "token_type", before.type) or "default",
        old_names=tuple(name for name in OLD_NAMES if name in before.old_names or name in reader.old_names),
    )
    _check(settings)
    return settings


def describe_token_settings(settings: TokenSettings) -> dict[str, Any]:
    """Return the settings under their names in the API."""
    described: dict[str, Any] = {
        "token_ttl": settings.ttl_seconds,
        "token_max_ttl": settings.max_ttl_seconds,
        "token_period": settings.period_seconds,
        "token_explicit_max_ttl": settings.explicit_max_ttl_seconds,
        "token_policies": list(settings.policies),
        "token_no_default_policy": settings.no_default_policy,
        "token_num_uses": settings.num_uses,
        "token_bound_cidrs": list(settings.bound_cidrs),
        "token_type": settings.type,
    }
    return described | {name: described[f"token_{name}"] for name in settings.old_names}


class _Reader:
    """Finds a field under its name of today, or under its old one."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values
        self.old_names = {name for name in OLD_NAMES if name in values and f"token_{name}" not in values}

    def name(self, old_name: str) -> str:
        return old_name if old_name in self.old_names else f"token_{old_name}"

    def seconds(self, old_name: str, before: int) -> int:
        name = self.name(old_name)
        return fields.seconds(self.values, name) if name in self.values else before


def _policies(reader: _Reader, before: tuple[str, ...]) -> tuple[str, ...]:
    name = reader.name("policies")
    if name not in reader.values:
        return before
    policies = {fold_name(word) for word in fields.words(reader.values, name)}
    if "root" in policies:
        raise InvalidInputError(f"{name}: expected other policies than root; no login gets a root token")
    return tuple(sorted(policies))


def _networks(reader: _Reader, before: tuple[str, ...]) -> tuple[str, ...]:
    name = reader.name("bound_cidrs")
    if name not in reader.values:
        return before
    return parse_networks(fields.words(reader.values, name), field=name)


def _check(settings: TokenSettings) -> None:
    longest = settings.max_ttl_seconds or SYSTEM_MAX_TTL_SECONDS
    if longest > SYSTEM_MAX_TTL_SECONDS:
        raise InvalidInputError(f"token_max_ttl: expected at most {SYSTEM_MAX_TTL_SECONDS} seconds")
    if settings.ttl_seconds > longest:
        raise InvalidInputError("token_ttl: expected at most token_max_ttl, or 768h where that is not set")
    if settings.period_seconds > longest:
        raise InvalidInputError("token_period: expected at most token_max_ttl, or 768h where that is not set")
    if settings.type not in ROLE_TYPES:
        raise InvalidInputError(f"token_type: expected one of {', '.join(ROLE_TYPES)}")
    if settings.type in {BATCH, "default-batch"}:
        if settings.period_seconds:
            raise InvalidInputError("token_type: expected service for periodic tokens; batch cannot renew")
        if settings.num_uses:
            raise InvalidInputError("token_type: expected service for tokens whose uses are counted")
