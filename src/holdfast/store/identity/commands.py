"""What all changes of the identity have in common, as commands for the writer.

Each looks again at what it changes. All of them are ``shared``: processes drop what they know of tokens, so
that a change counts from the next request on.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import msgspec

from holdfast.storage.interface import Transaction
from holdfast.store.command import Command, Scope
from holdfast.store.identity.names import Names
from holdfast.store.identity.records import Alias, Entity, Group, load_entity
from holdfast.store.layout import IDENTITY, NAMESPACES, Place
from holdfast.store.namespaces.records import ROOT, load_at
from holdfast.store.request import Answer

T = TypeVar("T", Entity, Alias, Group)


class IdentityCommand(Command, frozen=True, kw_only=True):
    """A change of the identity."""

    shared: ClassVar[bool] = True

    def run(self, scope: Scope) -> Answer:
        """Make it."""
        return self.change(scope.view(IDENTITY), Names(scope.hasher), scope.now)

    def change(self, view: Transaction, names: Names, now: float) -> Answer:
        """Make it in the identity."""
        raise NotImplementedError


def id_from_above(scope: Scope, entity_id: str) -> str | None:
    """Return the id of an entity of a namespace above, by any id that leads to it; ``None`` for none."""
    namespace = scope.namespace
    while namespace.path:
        above = load_at(scope.view(NAMESPACES), namespace.parent_path) if namespace.parent_path else ROOT
        if above is None:
            return None
        namespace = above
        place = Place(namespace.home + IDENTITY.prefix, IDENTITY.kind, is_common=True)
        entity = load_entity(scope.view(place), entity_id)
        if entity is not None:
            return entity.merged_into or entity.id
        if Names(scope.hasher.within(namespace)).is_of_an_alias(entity_id):
            return entity_id
    return None


def changed(thing: T, given: Mapping[str, object], now: float) -> T:
    """Return a record with what is given changed; what is ``None`` stays."""
    replaced: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return msgspec.structs.replace(thing, updated_at=now, **replaced)
