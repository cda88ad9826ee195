"""``auth/token/...``: who am I, make me another, end this one."""

from typing import Any

import msgspec

from holdfast.clock import rfc3339
from holdfast.errors import InvalidInputError, PermissionDeniedError
from holdfast.formats.strict_json import encode
from holdfast.policy.acl import Capability
from holdfast.policy.builtin import RESPONSE_WRAPPING
from holdfast.store import fields
from holdfast.store.auth.mounts import TOKEN_MOUNT
from holdfast.store.auth.renewal import renewing
from holdfast.store.caller import Caller
from holdfast.store.command import Command
from holdfast.store.iam.auth_tokens import is_user_token
from holdfast.store.iam.commands import RevokeUserToken
from holdfast.store.identity.known import Known, place_of
from holdfast.store.identity.names import Names, read_alias_name
from holdfast.store.layout import IDENTITY, TOKEN_ROLES, TOKENS
from holdfast.store.leases.routes import tidy
from holdfast.store.login_alias import LoginAlias
from holdfast.store.policy_records import fold_name
from holdfast.store.quotas.lease_counts import refuse_if_full
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Deferred, Route, RouteTable
from holdfast.store.tokens import batch as batch_tokens
from holdfast.store.tokens import records as token_records
from holdfast.store.tokens.batch import is_batch_token
from holdfast.store.tokens.commands import (
    CreateToken,
    RenewToken,
    RevokeAccessor,
    RevokeToken,
    describe_auth,
    limit_ttl,
    with_lifetime,
)
from holdfast.store.tokens.records import (
    BATCH,
    SERVICE,
    TokenEntry,
    find_by_accessor,
    list_accessors,
    load_live,
)
from holdfast.store.tokens.roles.policies import may_use_alias, policies_by_role
from holdfast.store.tokens.roles.records import TokenRole, load_role, role_name
from holdfast.store.tokens.roles.routes import TOKEN_ROLE_ROUTES
from holdfast.store.visit import Visit

MAX_DISPLAY_NAME_LENGTH = 256
MAX_META_BYTES = 16_384
_TYPES = {"": SERVICE, "default": SERVICE, "default-service": SERVICE, "service": SERVICE, "batch": BATCH}


_NO_ROLE = TokenRole()


def _create(visit: Visit) -> Command | Answer:
    return _new_token(visit, orphan=fields.boolean(visit.values, "no_parent"))


def _create_by_role(visit: Visit) -> Command | Answer:
    name = role_name(visit.argument)
    role = load_role(visit.view(TOKEN_ROLES), name)
    if role is None:
        raise InvalidInputError("unknown role: expected the name of a token role")
    return _new_token(visit, orphan=fields.boolean(visit.values, "no_parent"), role=role, made_by=name)


def _create_orphan(visit: Visit) -> Command | Answer:
    return _new_token(visit, orphan=True, path_is_permission=True)


def _new_token(
    visit: Visit,
    *,
    orphan: bool,
    path_is_permission: bool = False,
    role: TokenRole = _NO_ROLE,
    made_by: str = "",
) -> Command | Answer:
    values, caller = visit.values, visit.caller
    _check_maker(caller)
    kind = _type(values, role)
    chosen_id = fields.text(values, "id")
    period = fields.seconds(values, "period")
    privileged = _is_privileged(visit)
    for wanted, what in (
        (orphan and not path_is_permission, "create orphan token"),
        (bool(period), "create periodic token"),
        (bool(chosen_id), "specify token id"),
    ):
        if wanted and not privileged:
            raise InvalidInputError(f"root or sudo privileges required to {what}")
    if chosen_id and visit.store.namespace.path:
        raise InvalidInputError("id: expected none; ids are chosen in the root namespace alone")
    if "." in chosen_id or chosen_id.startswith(("s.", "hvs.")):
        raise InvalidInputError("id: expected no dot and no reserved prefix")
    policies = _policies(visit, role)
    _check_guest(caller, role, orphan=orphan or role.orphan, privileged=privileged)
    period = role.period_seconds or period
    explicit_max = _lower(fields.seconds(values, "explicit_max_ttl"), role.explicit_max_ttl_seconds)
    orphan = orphan or role.orphan
    ttl = fields.seconds(values, "ttl") or fields.seconds(values, "lease")
    if policies == ("root",) and not ttl and not period and not explicit_max:
        if caller.entry.expires_at:
            raise InvalidInputError("expiring root tokens cannot create non-expiring root tokens")
        granted = 0
    else:
        granted, capped = limit_ttl(
            ttl_seconds=ttl, explicit_max_ttl_seconds=explicit_max, period_seconds=period
        )
        visit.warnings.extend(capped)
    meta = fields.text_map(values, "meta")
    if sum(len(key) + len(value) for key, value in meta.items()) > MAX_META_BYTES:
        raise InvalidInputError(f"meta: expected at most {MAX_META_BYTES} bytes")
    entry = TokenEntry(
        accessor="",
        policies=policies,
        path="/".join(filter(None, (visit.request.path, role.path_suffix))),
        display_name=_display_name(values),
        meta=meta,
        created_at=0.0,
        explicit_max_ttl_seconds=explicit_max,
        period_seconds=period,
        renewable=fields.boolean(values, "renewable", default=True) and role.renewable and granted > 0,
        uses_left=_lower(fields.integer(values, "num_uses"), role.num_uses),
        parent="" if orphan else caller.token_hash,
        type=kind,
        # What is made with a bound token is no way out of its network, unless a role says so.
        bound_cidrs=role.bound_cidrs or caller.entry.bound_cidrs,
        mount="" if orphan else caller.entry.mount,
        token_role=made_by,
        alias=_alias(visit, role, made_by=made_by, orphan=orphan),
    )
    entry = with_lifetime(entry, now=visit.now, ttl_seconds=granted)
    if entry.is_batch:
        return _mint(visit, entry, chosen_id=chosen_id)
    return CreateToken(entry=entry, token=chosen_id or None)


def _check_maker(caller: Caller) -> None:
    """Return if the caller's kind of token can make others."""
    if caller.user_token is not None:
        # It would outlive the user's rights, and perhaps the user.
        raise PermissionDeniedError("a user's token makes no other tokens; use a token of the store")
    if caller.entry.uses_left:
        raise InvalidInputError("restricted use token cannot generate child tokens")
    if caller.entry.is_batch:
        raise InvalidInputError("batch tokens cannot create more tokens")


def _check_guest(caller: Caller, role: TokenRole, *, orphan: bool, privileged: bool) -> None:
    """Return if a token of a namespace above may make this one; what it may do itself is no measure here."""
    if not caller.is_guest:
        return
    if not privileged and not role.says_which_policies:
        raise InvalidInputError("root or sudo privileges required to generate a namespace admin token")
    if caller.entry.mount and not orphan:
        # It would have to end with a mount of another namespace.
        raise InvalidInputError(
            "no_parent: expected true; a token that came from a login has no children in another namespace"
        )


def _mint(visit: Visit, entry: TokenEntry, *, chosen_id: str) -> Answer:
    """Make a token that is stored nowhere, and so can have nothing that changes or is found."""
    for wanted, what in (
        (entry.is_root, "be root tokens"),
        (entry.period_seconds, "be periodic"),
        (entry.uses_left, "have a limited use count"),
        (chosen_id, "have an id that was chosen"),
    ):
        if wanted:
            raise InvalidInputError(f"batch tokens cannot {what}")
    entry = msgspec.structs.replace(entry, renewable=False)
    known = visit.store.known(entry)
    refuse_if_full(visit.view(TOKENS), entry)
    token = batch_tokens.mint(visit.store.keyring, visit.store.hasher, entry)
    return Answer(auth=describe_auth(token, entry, visit.now, known), warnings=tuple(visit.warnings))


def _alias(visit: Visit, role: TokenRole, *, made_by: str, orphan: bool) -> LoginAlias | None:
    """Return whose the token is: its maker's unless it is an orphan, or that of the alias asked for."""
    name = fields.text(visit.values, "entity_alias")
    if not name:
        maker = visit.caller.entry
        return None if orphan or maker.alias is None else maker.alias.expanded(maker.meta)
    if not made_by:
        raise InvalidInputError("'entity_alias' is only allowed in combination with token role")
    if not may_use_alias(role, name):
        raise InvalidInputError("invalid 'entity_alias' value: expected one that the role allows")
    name, home = read_alias_name(name), visit.store.namespace.uuid
    place = place_of(visit.view(IDENTITY), Names(visit.store.hasher), TOKEN_MOUNT.accessor, name)
    if place.missing or place.entity.disabled:
        raise InvalidInputError("invalid 'entity_alias' value: its entity is gone, or disabled")
    return LoginAlias(TOKEN_MOUNT.accessor, name, linked=place.alias is not None, home=home)


def _type(values: dict[str, Any], role: TokenRole) -> str:
    kind = _TYPES.get(fields.text(values, "type"))
    if kind is None:
        raise InvalidInputError("type: expected service or batch")
    if role.type in {SERVICE, BATCH}:
        return role.type
    return role.type.removeprefix("default-") if not values.get("type") else kind


def _lower(one: int, other: int) -> int:
    """Return the lower of two limits, of which 0 is none."""
    return min(one, other) if one and other else one or other


def _policies(visit: Visit, role: TokenRole) -> tuple[str, ...]:
    caller = visit.caller.entry
    asked = {fold_name(name) for name in fields.words(visit.values, "policies")}
    with_default = not fields.boolean(visit.values, "no_default_policy")
    if role.says_which_policies:
        own = () if visit.caller.is_guest else caller.policies
        policies = policies_by_role(role, asked, own, with_default=with_default)
    elif visit.caller.is_guest:
        policies = asked | ({"default"} if with_default and not role.no_default_policy else set())
    else:
        policies = _part_of_own(caller, asked, with_default=with_default and not role.no_default_policy)
    if RESPONSE_WRAPPING in policies:
        raise InvalidInputError(
            "policies: expected others than response-wrapping, which is for one-time tokens"
        )
    if "root" not in policies:
        return tuple(sorted(policies))
    if visit.store.namespace.path:
        raise InvalidInputError("root tokens may not be created from a non-root namespace")
    if not caller.is_root:
        raise InvalidInputError("root tokens may not be created without parent token being root")
    if policies - {"default"} != {"root"} or len(asked) > 1:
        raise InvalidInputError("policies: expected root alone, or none of it")
    return ("root",)


def _part_of_own(caller: TokenEntry, asked: set[str], *, with_default: bool) -> set[str]:
    """Return the policies of a child, which never gets more than its maker has, ``default`` included."""
    if caller.is_root:
        policies = asked or {"root"}
    elif "root" in asked or asked <= set(caller.policies):
        policies = asked or set(caller.policies)
    else:
        raise InvalidInputError("child policies must be subset of parent")
    if not with_default:
        return policies - {"default"}
    return policies | {"default"} if caller.is_root or "default" in caller.policies else policies


def _display_name(values: dict[str, Any]) -> str:
    name = fields.text(values, "display_name")
    if len(name) > MAX_DISPLAY_NAME_LENGTH:
        raise InvalidInputError(f"display_name: expected at most {MAX_DISPLAY_NAME_LENGTH} characters")
    kept = "".join(character if character.isalnum() else "-" for character in name).strip("-")
    return f"token-{kept}" if kept else "token"


def _is_privileged(visit: Visit) -> bool:
    wrap = visit.request.wrap_seconds or None
    return bool(visit.caller.acl.decide(visit.request.path, Capability.SUDO, wrap_ttl_seconds=wrap))


def _lookup_self(visit: Visit) -> Answer:
    return Answer(data=_describe(visit, visit.caller.entry, visit.request.token, visit.caller.known))


def _lookup(visit: Visit) -> Answer:
    token = fields.text(visit.values, "token") or visit.request.token
    if is_user_token(token) or is_batch_token(token):
        caller = visit.store.authenticate_own(token, visit.now)
        return Answer(data=_describe(visit, caller.entry, token, caller.known))
    entry = load_live(visit.view(TOKENS), visit.store.hasher.token(token), now=visit.now)
    if entry is None:
        raise PermissionDeniedError("bad token")
    return Answer(data=_describe(visit, entry, token, visit.store.known(entry)))


def _lookup_accessor(visit: Visit) -> Answer:
    entry = live_by_accessor(visit)[1]
    return Answer(data=_describe(visit, entry, "", visit.store.known(entry)))


def live_by_accessor(visit: Visit) -> tuple[str, TokenEntry]:
    """Return hash and entry of the live token that the ``accessor`` field belongs to.

    Raises:
        InvalidInputError: there is none.
    """
    accessor, view = fields.required_text(visit.values, "accessor"), visit.view(TOKENS)
    found = find_by_accessor(view, visit.store.hasher, accessor)
    if found is None or load_live(view, found[0], now=visit.now) is None:
        raise InvalidInputError("invalid accessor")
    return found


def _list_accessors(visit: Visit) -> Answer:
    return Answer(data=encode({"keys": list(list_accessors(visit.view(TOKENS), visit.store.hasher))}))


def _renew_self(visit: Visit) -> Command | Deferred:
    if visit.caller.user_token is not None:
        raise InvalidInputError("lease is not renewable: log in again")
    _refuse_batch(visit.request.token, "renewed")
    command = RenewToken(
        token_hash=visit.caller.token_hash,
        token=visit.request.token,
        increment_seconds=fields.seconds(visit.values, "increment"),
    )
    return renewing(visit, visit.caller.entry, command)


def _refuse_batch(token: str, what: str) -> None:
    if is_batch_token(token):
        raise InvalidInputError(f"batch tokens cannot be {what}")


def _renew(visit: Visit) -> Command | Deferred:
    token = fields.required_text(visit.values, "token")
    _refuse_batch(token, "renewed")
    token_hash = visit.store.hasher.token(token)
    command = RenewToken(
        token_hash=token_hash, token=token, increment_seconds=fields.seconds(visit.values, "increment")
    )
    return renewing(visit, token_records.load(visit.view(TOKENS), token_hash), command)


def _renew_accessor(visit: Visit) -> Command | Deferred:
    token_hash, entry = live_by_accessor(visit)
    command = RenewToken(token_hash=token_hash, increment_seconds=fields.seconds(visit.values, "increment"))
    return renewing(visit, entry, command)


def _revoke_self(visit: Visit) -> Command:
    if visit.caller.user_token is not None:
        return RevokeUserToken(token=visit.caller.user_token)
    _refuse_batch(visit.request.token, "revoked")
    return RevokeToken(token_hash=visit.caller.token_hash)


def _revoke(visit: Visit) -> Command:
    token = _own_token(visit)
    _refuse_batch(token, "revoked")
    user_token = visit.store.users.find(token, visit.now) if is_user_token(token) else None
    if user_token is not None:
        return RevokeUserToken(token=user_token)
    return RevokeToken(token_hash=visit.store.hasher.token(token))


def _revoke_accessor(visit: Visit) -> Command:
    return RevokeAccessor(accessor=fields.required_text(visit.values, "accessor"))


def _own_token(visit: Visit) -> str:
    """Return the token that a request is to end; one of another namespace would seem to have ended."""
    token = fields.required_text(visit.values, "token")
    home = visit.store.namespaces.home_of(token)
    if home is not None and home is not visit.store:
        raise InvalidInputError(
            "token: expected one of this namespace; send the request to that of the token"
        )
    return token


def _revoke_orphan(visit: Visit) -> Command:
    token = _own_token(visit)
    _refuse_batch(token, "revoked")
    return RevokeToken(token_hash=visit.store.hasher.token(token), keep_children=True)


def _describe(visit: Visit, entry: TokenEntry, token: str, known: Known) -> bytes:
    data: dict[str, Any] = {
        "id": token,
        "accessor": entry.accessor,
        "policies": list(entry.policies),
        "path": entry.path,
        "meta": entry.meta or None,
        "display_name": entry.display_name,
        "num_uses": max(0, entry.uses_left),
        "orphan": not entry.parent,
        "creation_time": int(entry.created_at),
        "creation_ttl": entry.ttl_seconds,
        "expire_time": rfc3339(entry.expires_at) if entry.expires_at else None,
        "ttl": max(0, int(entry.expires_at - visit.now)) if entry.expires_at else 0,
        "explicit_max_ttl": entry.explicit_max_ttl_seconds,
        "entity_id": known.entity_id,
        "type": entry.type,
    }
    if known.policies:
        data["identity_policies"] = list(known.policies)
    if visit.store.namespace.path:
        data["namespace_path"] = visit.store.namespace.path
    if entry.bound_cidrs:
        data["bound_cidrs"] = list(entry.bound_cidrs)
    if entry.expires_at:
        data["issue_time"] = rfc3339(entry.created_at)
        data["renewable"] = entry.renewable
    if entry.renewed_at:
        data["last_renewal"] = rfc3339(entry.renewed_at)
        data["last_renewal_time"] = int(entry.renewed_at)
    if entry.token_role:
        data["role"] = entry.token_role
    if entry.period_seconds:
        data["period"] = entry.period_seconds
    return encode(data)


TOKEN_ROUTES = RouteTable(
    (
        Route("auth/token/create", Operation.WRITE, _create),
        Route("auth/token/create-orphan", Operation.WRITE, _create_orphan),
        Route("auth/token/create/{}", Operation.WRITE, _create_by_role),
        Route("auth/token/lookup-self", Operation.READ, _lookup_self),
        Route("auth/token/lookup-self", Operation.WRITE, _lookup_self),
        Route("auth/token/lookup", Operation.READ, _lookup),
        Route("auth/token/lookup", Operation.WRITE, _lookup),
        Route("auth/token/lookup-accessor", Operation.WRITE, _lookup_accessor),
        Route("auth/token/accessors", Operation.LIST, _list_accessors, sudo=True),
        Route("auth/token/renew-self", Operation.WRITE, _renew_self),
        Route("auth/token/renew", Operation.WRITE, _renew),
        Route("auth/token/renew-accessor", Operation.WRITE, _renew_accessor),
        Route("auth/token/revoke-self", Operation.WRITE, _revoke_self),
        Route("auth/token/revoke", Operation.WRITE, _revoke),
        Route("auth/token/revoke-accessor", Operation.WRITE, _revoke_accessor),
        Route("auth/token/revoke-orphan", Operation.WRITE, _revoke_orphan, sudo=True),
        Route("auth/token/tidy", Operation.WRITE, tidy),
        *TOKEN_ROLE_ROUTES,
    )
)
