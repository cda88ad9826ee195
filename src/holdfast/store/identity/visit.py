"""What the handlers of ``identity/...`` look at: the records, and the auth mounts that aliases speak of."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from holdfast.barrier import BarrierReader
from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode
from holdfast.store.auth.mounts import TOKEN_MOUNT, AuthMount
from holdfast.store.identity.known import place_of
from holdfast.store.identity.names import Names, folded
from holdfast.store.identity.records import (
    Entity,
    Group,
    alias_id_place,
    find_id,
    load_alias,
    load_entity,
    load_group,
    unwritten_entity,
)
from holdfast.store.layout import IDENTITY
from holdfast.store.request import Answer
from holdfast.store.visit import Visit

ROOT_NAMESPACE = "root"
UNWRITTEN = "nothing is stored about this entity yet: it follows from its alias"


class Identity(NamedTuple):
    """The identity as a handler sees it.

    Attributes:
        view: its records; each read sees the newest committed state.
        names: of the store.
        mount_of: finds an auth mount by its accessor.
        namespace: id of the namespace.
    """

    view: BarrierReader
    names: Names
    mount_of: Callable[[str], AuthMount | None]
    namespace: str

    def answer(self, described: dict[str, Any], warnings: Iterable[str] = ()) -> Answer:
        """Return what was described as an answer."""
        document = {**described, "namespace_id": self.namespace}
        return Answer(data=encode(document), warnings=tuple(warnings))

    def entity(self, entity_id: str) -> Entity | None:
        """Return an entity: stored, or as it is before anybody wrote about it."""
        entity = load_entity(self.view, entity_id)
        if entity is not None and entity.merged_into:
            entity = load_entity(self.view, entity.merged_into)
        if entity is None and self.names.is_of_an_alias(entity_id):
            return unwritten_entity(entity_id)
        return entity

    def entity_named(self, name: str) -> Entity | None:
        """Return the entity with this name."""
        key = self.names.key("entity name", folded(name))
        found = find_id(self.view, f"entity-name/{key}") or self.names.of_own_name(name)
        return self.entity(found) if found else None

    def entity_at(self, mount: str, name: str) -> Entity | None:
        """Return the entity that somebody has who logs in at a mount under a name."""
        return place_of(self.view, self.names, mount, name).entity if self.mount_of(mount) else None

    def group(self, group_id: str) -> Group | None:
        """Return a group."""
        return load_group(self.view, group_id)

    def group_named(self, name: str) -> Group | None:
        """Return the group with this name."""
        found = find_id(self.view, f"group-name/{self.names.key('group name', folded(name))}")
        return self.group(found) if found else None

    def group_at(self, mount: str, name: str) -> Group | None:
        """Return the group that logins at a mount know under a name."""
        alias = load_alias(self.view, self.names.key("group alias", mount, name), of_group=True)
        return self.group(alias.canonical_id) if alias else None

    def owner_of_alias(self, alias_id: str, *, of_group: bool) -> str:
        """Return the id of what an alias belongs to; empty for no such alias."""
        key = find_id(self.view, alias_id_place(alias_id, of_group=of_group))
        alias = load_alias(self.view, key, of_group=of_group) if key else None
        return alias.canonical_id if alias else ""


def identity_of(visit: Visit) -> Identity:
    """Return the identity for a visit."""
    mounts = {mount.accessor: mount for mount in (TOKEN_MOUNT, *visit.store.auth_mounts.mounts)}
    namespace = visit.store.namespace.id or ROOT_NAMESPACE
    return Identity(visit.view(IDENTITY), visit.store.names, mounts.get, namespace)


def require_mount(identity: Identity, accessor: str) -> str:
    """Return the accessor of an auth mount.

    Raises:
        InvalidInputError: no mount has it.
    """
    if identity.mount_of(accessor) is None:
        raise InvalidInputError("invalid mount accessor: expected that of an auth mount")
    return accessor


def listed(things: Iterable[tuple[str, str, dict[str, Any]]]) -> Answer:
    """Return a list as the API has it: of each thing its word in the list, its id, and more about it."""
    rows = list(things)
    if not rows:
        return Answer(missing=True)
    return Answer(
        data=encode({"keys": [word for word, _, _ in rows], "key_info": {key: info for _, key, info in rows}})
    )
