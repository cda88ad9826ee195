"""Changes of entities, as commands for the writer."""

import msgspec

from holdfast.crypto.identifiers import new_uuid
from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode as encode_json
from holdfast.storage.interface import Transaction
from holdfast.store.command import Scope
from holdfast.store.identity.below import leave_groups_below
from holdfast.store.identity.changes import (
    find_named,
    join_group,
    leave_groups,
    put_alias,
    put_entity,
    put_sign,
    remove_alias,
    remove_entity,
    require_entity,
)
from holdfast.store.identity.commands import IdentityCommand, changed
from holdfast.store.identity.known import place_of
from holdfast.store.identity.names import Names, own_name, read_name
from holdfast.store.identity.records import Alias, Entity, encode, load_alias, load_entity, removed_place
from holdfast.store.layout import IDENTITY
from holdfast.store.request import Answer

_UNKNOWN_ENTITY = "entity not found from id"


class SaveEntity(IdentityCommand, frozen=True, kw_only=True):
    """Make an entity, or change one; what is ``None`` stays.

    Attributes:
        id: of the one to change; empty to find it by its name, or make it.
        name: its name.
        policies: folded names.
        metadata: within the limits.
        disabled: whether its tokens are refused.
    """

    id: str = ""
    name: str | None = None
    policies: tuple[str, ...] | None = None
    metadata: dict[str, str] | None = None
    disabled: bool | None = None

    def change(self, view: Transaction, names: Names, now: float) -> Answer:
        """Store it; a new one is told by its id."""
        entity, is_new = self._found(view, names, now)
        given = {
            "name": read_name(self.name, thing_id=entity.id) if self.name else None,
            "policies": self.policies,
            "metadata": self.metadata,
            "disabled": self.disabled,
        }
        put_entity(view, names, changed(entity, given, now))
        if not is_new:
            return Answer()
        name = given["name"] or entity.name
        return Answer(data=encode_json({"id": entity.id, "name": name, "aliases": None}))

    def _found(self, view: Transaction, names: Names, now: float) -> tuple[Entity, bool]:
        if self.id:
            return require_entity(view, names, self.id, now=now, refusal=_UNKNOWN_ENTITY), False
        found = find_named(view, names, "entity", self.name) if self.name else None
        entity = load_entity(view, found) if found else None
        if entity is not None:
            return entity, False
        unwritten = names.of_own_name(self.name or "")
        if unwritten is not None:
            return require_entity(view, names, unwritten, now=now, refusal=_UNKNOWN_ENTITY), False
        new_id = new_uuid()
        return Entity(id=new_id, name=own_name("entity", new_id), created_at=now), True


class DeleteEntities(IdentityCommand, frozen=True, kw_only=True):
    """Remove entities with all that leads to them; absent ones are fine.

    Attributes:
        ids: which.
        name: one by its name.
    """

    ids: tuple[str, ...] = ()
    name: str = ""

    def run(self, scope: Scope) -> Answer:
        """Remove them in one transaction, from groups of namespaces below as well."""
        view, names = scope.view(IDENTITY), Names(scope.hasher)
        for entity_id in self._which(view, names):
            leave_groups_below(scope, entity_id)
        return self.change(view, names, scope.now)

    def _which(self, view: Transaction, names: Names) -> tuple[str, ...]:
        """Return the ids of all of them; of one that is nowhere on record a group below may know."""
        name = self.name
        found = (find_named(view, names, "entity", name) or names.of_own_name(name)) if name else None
        return tuple(dict.fromkeys((*self.ids, *([found] if found else []))))

    def change(self, view: Transaction, names: Names, now: float) -> Answer:
        """Remove them in this namespace; the tokens of whoever they were end with them."""
        for entity_id in self._which(view, names):
            entity = load_entity(view, entity_id)
            if entity is not None and not entity.merged_into:
                _remove(view, names, entity, now)
            elif entity is None and names.is_of_an_alias(entity_id):
                view.put(removed_place(entity_id), encode(now))
        return Answer()


def _remove(view: Transaction, names: Names, entity: Entity, now: float) -> None:
    aliases = [alias for key in entity.aliases if (alias := load_alias(view, key)) is not None]
    remove_entity(view, names, entity)
    # Whoever logs in by one of its aliases is one of these from now on.
    next_ids = (place_of(view, names, alias.mount, alias.name).entity.id for alias in aliases)
    for entity_id in {entity.id, *entity.merged_ids, *next_ids}:
        view.put(removed_place(entity_id), encode(now))


class MergeEntities(IdentityCommand, frozen=True, kw_only=True):
    """Have entities become another: their aliases lead to it, and they are no more.

    Attributes:
        sources: ids of those that go.
        target: id of the one that stays.
        keep: ids of aliases to keep where both sides have one of the same mount.
    """

    sources: tuple[str, ...]
    target: str
    keep: tuple[str, ...] = ()

    def run(self, scope: Scope) -> Answer:
        """Merge them, for groups of namespaces below as well; or nothing of it."""
        view = scope.view(IDENTITY)
        target, *sources = (_final_id(view, each) for each in (self.target, *self.sources))
        answer = super().run(scope)
        for source in dict.fromkeys(sources):
            if source != target:
                leave_groups_below(scope, source, instead=target)
        return answer

    def change(self, view: Transaction, names: Names, now: float) -> Answer:
        """Move aliases and remove the sources, or nothing of it."""
        target = require_entity(
            view, names, self.target, now=now, refusal="to_entity_id: entity id to merge to is invalid"
        )
        for source_id in dict.fromkeys(self.sources):
            if source_id == self.target:
                raise InvalidInputError("from_entity_ids: expected none that is to_entity_id")
            source = require_entity(
                view, names, source_id, now=now, refusal="from_entity_ids: expected ids of entities"
            )
            if source.id == target.id:
                continue  # it was merged before
            target = self._merge(view, names, source, target)
        put_entity(view, names, msgspec.structs.replace(target, updated_at=now))
        return Answer()

    def _merge(self, view: Transaction, names: Names, source: Entity, target: Entity) -> Entity:
        keys = list(target.aliases)
        own = {alias.mount: key for key in keys if (alias := load_alias(view, key)) is not None}
        for key in source.aliases:
            alias = load_alias(view, key)
            if alias is None:
                continue
            rival = own.get(alias.mount)
            if rival is not None and not self._wins(view, alias, rival):
                remove_alias(view, key)
                continue
            if rival is not None:
                remove_alias(view, rival)
                keys.remove(rival)
            keys.append(key)
            moved = (*alias.merged_from, source.id)
            put_alias(view, key, msgspec.structs.replace(alias, canonical_id=target.id, merged_from=moved))
        signs = [sign for each in source.merged_ids if (sign := load_entity(view, each)) is not None]
        for group_id in leave_groups(view, names, source.id):
            join_group(view, names, target.id, group_id)
        remove_entity(view, names, msgspec.structs.replace(source, aliases=()))
        for sign in (source, *signs):
            put_sign(view, sign.id, target.id, awaits_login=sign.awaits_login)
        merged = (*target.merged_ids, *source.merged_ids, source.id)
        return msgspec.structs.replace(target, aliases=tuple(keys), merged_ids=merged)

    def _wins(self, view: Transaction, alias: Alias, rival_key: str) -> bool:
        rival = load_alias(view, rival_key)
        if alias.id in self.keep:
            return True
        if rival is not None and rival.id in self.keep:
            return False
        raise InvalidInputError(
            "conflicting_alias_ids_to_keep: both entities have an alias of one mount: name the one to keep"
        )


def _final_id(view: Transaction, entity_id: str) -> str:
    """Return the id of the entity that an id leads to."""
    entity = load_entity(view, entity_id)
    return entity_id if entity is None else entity.merged_into or entity.id
