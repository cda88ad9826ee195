"""``auth/token/roles/...``: which tokens may be made in whose name."""

from holdfast.formats.strict_json import encode
from holdfast.store.command import Command
from holdfast.store.layout import TOKEN_ROLES
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Route
from holdfast.store.tokens.roles.commands import DeleteTokenRole, SaveTokenRole
from holdfast.store.tokens.roles.records import (
    TokenRole,
    describe_role,
    list_roles,
    load_role,
    read_role,
    role_name,
)
from holdfast.store.visit import Visit


def _list(visit: Visit) -> Answer:
    names = list_roles(visit.view(TOKEN_ROLES))
    return Answer(data=encode({"keys": names})) if names else Answer(missing=True)


def _read(visit: Visit) -> Answer:
    name = role_name(visit.argument)
    role = load_role(visit.view(TOKEN_ROLES), name)
    return Answer(missing=True) if role is None else Answer(data=encode(describe_role(name, role)))


def _write(visit: Visit) -> Command:
    name = role_name(visit.argument)
    before = load_role(visit.view(TOKEN_ROLES), name)
    return SaveTokenRole(name=name, role=read_role(visit.values, before or TokenRole()), before=before)


def _delete(visit: Visit) -> Command:
    return DeleteTokenRole(name=role_name(visit.argument))


TOKEN_ROLE_ROUTES = (
    Route("auth/token/roles", Operation.LIST, _list),
    Route("auth/token/roles/{}", Operation.READ, _read),
    Route("auth/token/roles/{}", Operation.WRITE, _write),
    Route("auth/token/roles/{}", Operation.DELETE, _delete),
)
