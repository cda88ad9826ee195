"""``role/...``: roles, as a whole and field by field."""

from collections.abc import Callable
from typing import Any

import msgspec

from holdfast.crypto.identifiers import new_uuid
from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode
from holdfast.store import fields
from holdfast.store.auth.approle.commands import RemoveAppRole, SaveAppRole
from holdfast.store.auth.approle.records import Role, role_key
from holdfast.store.auth.method import AuthRoute
from holdfast.store.auth.records import decode_record
from holdfast.store.auth.token_settings import describe_token_settings, read_token_settings
from holdfast.store.auth.visit import AuthVisit
from holdfast.store.command import Command
from holdfast.store.networks import parse_networks
from holdfast.store.permit import Permit
from holdfast.store.request import Answer, Operation

MAX_ID_LENGTH = 255


def describe_role(role: Role) -> dict[str, Any]:
    """Return a role under the names of its fields in the API."""
    return {
        "bind_secret_id": role.bind_secret_id,
        "secret_id_bound_cidrs": list(role.secret_id_bound_cidrs) or None,
        "secret_id_num_uses": role.secret_id_num_uses,
        "secret_id_ttl": role.secret_id_ttl_seconds,
        "local_secret_ids": role.local_secret_ids,
        **describe_token_settings(role.settings),
    }


def _write_role(visit: AuthVisit) -> Command:
    return _save(visit, visit.values, may_create=True)


def _save(visit: AuthVisit, values: dict[str, Any], *, may_create: bool = False) -> Command:
    stored = visit.records.get(role_key(visit.name))
    before = None if stored is None else decode_record(stored, Role)
    if before is None and not may_create:
        raise InvalidInputError("no role has this name: write the role first")
    role = _changed(values, before or Role(role_id=new_uuid()))
    is_reset = visit.request.operation is Operation.DELETE  # of one field, to whoever may delete there
    permit = Permit(create=False, update=True) if is_reset else visit.permit
    return SaveAppRole(mount=visit.mount.uuid, role=visit.name, value=role, before=stored, permit=permit)


def _changed(values: dict[str, Any], before: Role) -> Role:
    bind = fields.boolean(values, "bind_secret_id", default=before.bind_secret_id)
    cidrs = before.secret_id_bound_cidrs
    for name in ("bound_cidr_list", "secret_id_bound_cidrs"):
        if name in values:
            cidrs = parse_networks(fields.words(values, name), field=name)
    ttl = before.secret_id_ttl_seconds
    if "secret_id_ttl" in values:
        ttl = fields.seconds(values, "secret_id_ttl")
    role = msgspec.structs.replace(
        before,
        settings=read_token_settings(values, before.settings),
        bind_secret_id=bind,
        secret_id_bound_cidrs=cidrs,
        secret_id_num_uses=fields.integer(values, "secret_id_num_uses", before.secret_id_num_uses),
        secret_id_ttl_seconds=ttl,
        local_secret_ids=fields.boolean(values, "local_secret_ids", default=before.local_secret_ids),
        role_id=_given_role_id(values) or before.role_id,
    )
    if not role.bind_secret_id and not role.secret_id_bound_cidrs and not role.settings.bound_cidrs:
        raise InvalidInputError("at least one constraint should be enabled on the role")
    return role


def _given_role_id(values: dict[str, Any]) -> str:
    role_id = fields.text(values, "role_id")
    if len(role_id) > MAX_ID_LENGTH or not role_id.isprintable():
        raise InvalidInputError(f"role_id: expected at most {MAX_ID_LENGTH} printable characters")
    return role_id


def _read_role(visit: AuthVisit) -> Answer:
    return Answer(data=encode(describe_role(visit.require(role_key(visit.name), Role))))


def _delete_role(visit: AuthVisit) -> Command:
    return RemoveAppRole(mount=visit.mount.uuid, role=visit.name)


def _list_roles(visit: AuthVisit) -> Answer:
    return visit.listing("role/")


def _read_role_id(visit: AuthVisit) -> Answer:
    return Answer(data=encode({"role_id": visit.require(role_key(visit.name), Role).role_id}))


def _write_role_id(visit: AuthVisit) -> Command:
    fields.required_text(visit.values, "role_id")
    return _save(visit, {"role_id": visit.values["role_id"]})


# -- field by field ----------------------------------------------------------------------------------------

_DEFAULTS = describe_role(Role(role_id="")) | {"secret_id_bound_cidrs": []}

# The last word of the path, the field, and what older clients call it.
_FIELDS = (
    ("policies", "token_policies", "policies"),
    ("period", "token_period", "period"),
    ("bind-secret-id", "bind_secret_id", ""),
    ("bound-cidr-list", "secret_id_bound_cidrs", "bound_cidr_list"),
    ("local-secret-ids", "local_secret_ids", ""),
    ("secret-id-bound-cidrs", "secret_id_bound_cidrs", ""),
    ("secret-id-num-uses", "secret_id_num_uses", ""),
    ("secret-id-ttl", "secret_id_ttl", ""),
    ("token-bound-cidrs", "token_bound_cidrs", ""),
    ("token-max-ttl", "token_max_ttl", ""),
    ("token-num-uses", "token_num_uses", ""),
    ("token-ttl", "token_ttl", ""),
)


def _field_routes(word: str, name: str, old_name: str) -> tuple[AuthRoute, ...]:
    names = [each for each in (name, old_name) if each]

    def read(visit: AuthVisit) -> Answer:
        value = describe_role(visit.require(role_key(visit.name), Role))[name]
        return Answer(data=encode(dict.fromkeys(names, value)))

    def write(visit: AuthVisit) -> Command:
        given = {each: visit.values[each] for each in names if each in visit.values}
        if not given:
            raise InvalidInputError(f"{name}: expected a value, but it is missing")
        return _save(visit, given)

    def reset(visit: AuthVisit) -> Command:
        return _save(visit, {name: _DEFAULTS[name]})

    handlers: tuple[tuple[Operation, Callable[[AuthVisit], Any]], ...] = (
        (Operation.READ, read),
        (Operation.WRITE, write),
        (Operation.DELETE, reset),
    )
    return tuple(AuthRoute(f"role/<>/{word}", operation, handler) for operation, handler in handlers)


ROLE_ROUTES = (
    AuthRoute("role", Operation.LIST, _list_roles),
    AuthRoute("role/<>", Operation.READ, _read_role),
    AuthRoute("role/<>", Operation.WRITE, _write_role, creates=True),
    AuthRoute("role/<>", Operation.DELETE, _delete_role),
    AuthRoute("role/<>/role-id", Operation.READ, _read_role_id),
    AuthRoute("role/<>/role-id", Operation.WRITE, _write_role_id),
    *(route for row in _FIELDS for route in _field_routes(*row)),
)
