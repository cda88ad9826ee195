"""Token roles at rest, and what a request says about one.

<name>    the role, in a place of its own in each namespace (see ``layout``)
"""

from typing import Any

import msgspec

from holdfast.errors import InvalidInputError
from holdfast.model import parse_path
from holdfast.storage.interface import Reader
from holdfast.store import fields
from holdfast.store.networks import parse_networks
from holdfast.store.policy_records import fold_name
from holdfast.store.tokens.records import BATCH, SYSTEM_MAX_TTL_SECONDS

TYPES = ("default-service", "default-batch", "service", "batch")
_PAGE = 1000


class TokenRole(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One role. Fields are only ever appended: their order is the record format.

    Attributes:
        allowed: folded policy names that tokens may have, and have if nothing is asked for.
        allowed_globs: names with ``*`` for any text, which tokens may have too.
        disallowed: names that no token has.
        disallowed_globs: the same with ``*`` for any text.
        orphan: whether tokens outlive the one that makes them.
        renewable: whether their life can be extended.
        path_suffix: put behind the path in the names of their leases.
        type: one of ``TYPES``; without ``default-`` in front a request cannot choose.
        period_seconds: renewals reset to this; 0 for an ordinary token.
        explicit_max_ttl_seconds: a limit that no renewal passes; 0 for none.
        bound_cidrs: networks that tokens may be used from; empty for any.
        no_default_policy: leave ``default`` out.
        num_uses: how often a token may be used; 0 for unlimited.
        allowed_entity_aliases: aliases that a token may belong to the entity of, with ``*`` for any text.
    """

    allowed: tuple[str, ...] = ()
    allowed_globs: tuple[str, ...] = ()
    disallowed: tuple[str, ...] = ()
    disallowed_globs: tuple[str, ...] = ()
    orphan: bool = False
    renewable: bool = True
    path_suffix: str = ""
    type: str = "default-service"
    period_seconds: int = 0
    explicit_max_ttl_seconds: int = 0
    bound_cidrs: tuple[str, ...] = ()
    no_default_policy: bool = False
    num_uses: int = 0
    allowed_entity_aliases: tuple[str, ...] = ()

    @property
    def says_which_policies(self) -> bool:
        """Whether the role rather than the caller's own policies decides which ones a token may have."""
        return bool(self.allowed or self.allowed_globs or self.disallowed or self.disallowed_globs)


encode_role = msgspec.msgpack.Encoder().encode
decode_role = msgspec.msgpack.Decoder(TokenRole).decode


def role_name(argument: str) -> str:
    """Return the name of a role as it is stored.

    Raises:
        InvalidInputError: it is none.
    """
    if not argument or "/" in argument:
        raise InvalidInputError("role: expected a name without a slash")
    return argument


def load_role(view: Reader, name: str) -> TokenRole | None:
    """Return the role with this name, or ``None``."""
    record = view.get(name)
    return None if record is None else decode_role(record)


def list_roles(view: Reader) -> list[str]:
    """Return all names, sorted."""
    names: list[str] = []
    after = ""
    while page := view.list("", after=after, limit=_PAGE):
        names.extend(page)
        after = page[-1]
    return names


def read_role(values: dict[str, Any], before: TokenRole) -> TokenRole:
    """Return ``before`` with what a request gives changed.

    Raises:
        InvalidInputError: a field is not what it must be, or two of them contradict each other.
    """
    role = TokenRole(
        allowed=_names(values, "allowed_policies", before.allowed),
        allowed_globs=_globs(values, "allowed_policies_glob", before.allowed_globs),
        disallowed=_names(values, "disallowed_policies", before.disallowed),
        disallowed_globs=_globs(values, "disallowed_policies_glob", before.disallowed_globs),
        orphan=fields.boolean(values, "orphan", default=before.orphan),
        renewable=fields.boolean(values, "renewable", default=before.renewable),
        path_suffix=_suffix(values, before.path_suffix),
        type=_type(values, before.type),
        period_seconds=_seconds(values, "token_period", "period", before.period_seconds),
        explicit_max_ttl_seconds=_seconds(
            values, "token_explicit_max_ttl", "explicit_max_ttl", before.explicit_max_ttl_seconds
        ),
        bound_cidrs=_networks(values, before.bound_cidrs),
        no_default_policy=fields.boolean(values, "token_no_default_policy", default=before.no_default_policy),
        num_uses=fields.integer(values, "token_num_uses", before.num_uses),
        allowed_entity_aliases=(
            fields.words(values, "allowed_entity_aliases")
            if "allowed_entity_aliases" in values
            else before.allowed_entity_aliases
        ),
    )
    if role.type == BATCH:
        _check_batch(role)
    return role


def describe_role(name: str, role: TokenRole) -> dict[str, Any]:
    """Return the role under the names of the API."""
    return {
        "name": name,
        "allowed_policies": list(role.allowed),
        "allowed_policies_glob": list(role.allowed_globs),
        "disallowed_policies": list(role.disallowed),
        "disallowed_policies_glob": list(role.disallowed_globs),
        "orphan": role.orphan,
        "renewable": role.renewable,
        "path_suffix": role.path_suffix,
        "allowed_entity_aliases": list(role.allowed_entity_aliases),
        "token_type": role.type,
        "token_period": role.period_seconds,
        "period": role.period_seconds,
        "token_explicit_max_ttl": role.explicit_max_ttl_seconds,
        "explicit_max_ttl": role.explicit_max_ttl_seconds,
        "token_bound_cidrs": list(role.bound_cidrs),
        "token_no_default_policy": role.no_default_policy,
        "token_num_uses": role.num_uses,
    }


def _check_batch(role: TokenRole) -> None:
    if role.period_seconds:
        raise InvalidInputError("token_type: expected service for periodic tokens; batch cannot renew")
    if role.num_uses:
        raise InvalidInputError("token_type: expected service for tokens whose uses are counted")


def _names(values: dict[str, Any], field: str, before: tuple[str, ...]) -> tuple[str, ...]:
    if field not in values:
        return before
    return tuple(sorted({fold_name(word) for word in fields.words(values, field)}))


def _globs(values: dict[str, Any], field: str, before: tuple[str, ...]) -> tuple[str, ...]:
    if field not in values:
        return before
    return tuple(sorted({word.lower() for word in fields.words(values, field)}))


def _suffix(values: dict[str, Any], before: str) -> str:
    if "path_suffix" not in values:
        return before
    text = fields.text(values, "path_suffix").strip("/")
    return parse_path(text, field="path_suffix").text if text else ""


def _type(values: dict[str, Any], before: str) -> str:
    kind = fields.text(values, "token_type", before) or before
    kind = "default-service" if kind == "default" else kind
    if kind not in TYPES:
        raise InvalidInputError(f"token_type: expected one of {', '.join(TYPES)}")
    return kind


def _seconds(values: dict[str, Any], name: str, old_name: str, before: int) -> int:
    field = name if name in values else old_name
    if field not in values:
        return before
    seconds = fields.seconds(values, field)
    if seconds > SYSTEM_MAX_TTL_SECONDS:
        raise InvalidInputError(f"{field}: expected at most {SYSTEM_MAX_TTL_SECONDS} seconds")
    return seconds


def _networks(values: dict[str, Any], before: tuple[str, ...]) -> tuple[str, ...]:
    field = "token_bound_cidrs" if "token_bound_cidrs" in values else "bound_cidrs"
    return parse_networks(fields.words(values, field), field=field) if field in values else before
