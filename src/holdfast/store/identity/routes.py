"""``identity/...``: the one table of its paths, and finding entities and groups by what they are known by.

What a provider of OpenID tokens would need (``identity/oidc/...``) is not offered, nor are second factors
(``identity/mfa/...``).
"""

from holdfast.errors import InvalidInputError
from holdfast.store import fields
from holdfast.store.identity.alias_routes import ALIAS_ROUTES
from holdfast.store.identity.entity_routes import ENTITY_ROUTES, show_entity
from holdfast.store.identity.group_routes import GROUP_ROUTES, show_group
from holdfast.store.identity.records import Entity, Group
from holdfast.store.identity.visit import identity_of
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Route, RouteTable
from holdfast.store.visit import Visit

_KEYS = "id, name, alias_id, or alias_name and alias_mount_accessor"


def _look_up_entity(visit: Visit) -> Answer:
    identity, (kind, text, mount) = identity_of(visit), _asked(visit)
    entity: Entity | None
    if kind == "alias_id":
        owner = identity.owner_of_alias(text, of_group=False)
        entity = identity.entity(owner) if owner else None
    elif kind == "alias_name":
        entity = identity.entity_at(mount, text)
    else:
        entity = identity.entity(text) if kind == "id" else identity.entity_named(text)
    return Answer() if entity is None else show_entity(visit, identity, entity)


def _look_up_group(visit: Visit) -> Answer:
    identity, (kind, text, mount) = identity_of(visit), _asked(visit)
    group: Group | None
    if kind == "alias_id":
        owner = identity.owner_of_alias(text, of_group=True)
        group = identity.group(owner) if owner else None
    elif kind == "alias_name":
        group = identity.group_at(mount, text)
    else:
        group = identity.group(text) if kind == "id" else identity.group_named(text)
    return Answer() if group is None else show_group(identity, group)


def _asked(visit: Visit) -> tuple[str, str, str]:
    """Return by what is asked for something: the one key, its text, and the mount of an alias."""
    values = visit.values
    found = [(key, text) for key in ("id", "name", "alias_id") if (text := fields.text(values, key))]
    name, mount = (fields.text(values, f"alias_{part}") for part in ("name", "mount_accessor"))
    if bool(name) != bool(mount):
        raise InvalidInputError("alias_name and alias_mount_accessor: expected both or none")
    if name:
        found.append(("alias_name", name))
    if len(found) != 1:
        raise InvalidInputError(f"expected exactly one of {_KEYS}")
    key, text = found[0]
    return key, text, mount


IDENTITY_ROUTES = RouteTable(
    (
        *ENTITY_ROUTES,
        *ALIAS_ROUTES,
        *GROUP_ROUTES,
        Route("identity/lookup/entity", Operation.WRITE, _look_up_entity),
        Route("identity/lookup/group", Operation.WRITE, _look_up_group),
    )
)
