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
from holdfast.store.identity.records import Alias, Entity, Group
from holdfast.store.layout import IDENTITY
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


def changed(thing: T, given: Mapping[str, object], now: float) -> T:
    """Return a record with what is given changed; what is ``None`` stays."""
    replaced: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return msgspec.structs.replace(thing, updated_at=now, **replaced)
