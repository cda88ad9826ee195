"""``identity/entity-alias/...`` and ``identity/group-alias/...``: by what logins know entities and groups."""

from collections.abc import Callable
from functools import partial

from holdfast.errors import InvalidInputError
from holdfast.store import fields
from holdfast.store.command import Command
from holdfast.store.identity.alias_commands import DeleteAlias, SaveAlias
from holdfast.store.identity.describe import alias_in_list, describe_alias
from holdfast.store.identity.names import read_alias_name
from holdfast.store.identity.records import alias_id_place, find_id, load_alias, names_below
from holdfast.store.identity.request_fields import given_metadata
from holdfast.store.identity.visit import identity_of, listed, require_mount
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Route
from holdfast.store.visit import Visit


def _write(visit: Visit, *, of_group: bool) -> Command:
    return _save(visit, fields.text(visit.values, "id"), of_group=of_group)


def _write_by_id(visit: Visit, *, of_group: bool) -> Command:
    return _save(visit, visit.argument, of_group=of_group)


def _save(visit: Visit, alias_id: str, *, of_group: bool) -> Command:
    values = visit.values
    name, mount = fields.text(values, "name"), fields.text(values, "mount_accessor")
    if not alias_id and not (name and mount):
        if of_group:
            raise InvalidInputError("missing alias name" if not name else "missing mount_accessor")
        raise InvalidInputError("'id' or 'mount_accessor' and 'name' must be provided")
    return SaveAlias(
        of_group=of_group,
        id=alias_id,
        mount=require_mount(identity_of(visit), mount) if mount else "",
        name=read_alias_name(name) if name else "",
        canonical_id=fields.text(values, "canonical_id") or fields.text(values, "entity_id"),
        custom_metadata=None if of_group else given_metadata(values, "custom_metadata"),
    )


def _read(visit: Visit, *, of_group: bool) -> Answer:
    identity = identity_of(visit)
    key = find_id(identity.view, alias_id_place(visit.argument, of_group=of_group))
    alias = load_alias(identity.view, key, of_group=of_group) if key else None
    if alias is None:
        return Answer(missing=True)
    return identity.answer(describe_alias(alias, identity.mount_of))


def _delete(visit: Visit, *, of_group: bool) -> Command:
    return DeleteAlias(id=visit.argument, of_group=of_group)


def _list(visit: Visit, *, of_group: bool) -> Answer:
    identity = identity_of(visit)
    keys = names_below(identity.view, "group-alias/" if of_group else "alias/")
    aliases = [alias for key in keys if (alias := load_alias(identity.view, key, of_group=of_group))]
    return listed(
        (alias.id, alias.id, alias_in_list(alias, identity.mount_of))
        for alias in sorted(aliases, key=lambda alias: alias.id)
    )


def _routes(path: str, of: Callable[..., partial[Answer | Command]]) -> tuple[Route, ...]:
    return (
        Route(path, Operation.WRITE, of(_write)),
        Route(f"{path}/id", Operation.LIST, of(_list)),
        Route(f"{path}/id/{{}}", Operation.READ, of(_read)),
        Route(f"{path}/id/{{}}", Operation.WRITE, of(_write_by_id)),
        Route(f"{path}/id/{{}}", Operation.DELETE, of(_delete)),
    )


ALIAS_ROUTES = (
    *_routes("identity/entity-alias", lambda handler: partial(handler, of_group=False)),
    *_routes("identity/group-alias", lambda handler: partial(handler, of_group=True)),
)
