"""Changes of groups, as commands for the writer."""

import msgspec

from holdfast.crypto.identifiers import new_uuid
from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode as encode_json
from holdfast.storage.interface import Transaction
from holdfast.store.command import Scope
from holdfast.store.identity.below import member_from_above
from holdfast.store.identity.changes import (
    find_named,
    put_group,
    refuse_circle,
    remove_group,
    require_entity,
    set_members,
)
from holdfast.store.identity.commands import IdentityCommand, changed
from holdfast.store.identity.names import Names, own_name, read_name
from holdfast.store.identity.records import EXTERNAL, INTERNAL, Group, load_group
from holdfast.store.layout import IDENTITY
from holdfast.store.request import Answer


class SaveGroup(IdentityCommand, frozen=True, kw_only=True):
    """Make a group, or change one; what is ``None`` stays.

    Attributes:
        id: of the one to change; empty to find it by its name, or make it.
        name: its name.
        kind: ``internal`` or ``external``; of one that there is it stays.
        policies: folded names.
        metadata: within the limits.
        members: ids of all entities that shall be in it.
        member_groups: ids of all groups that shall be in it.
    """

    id: str = ""
    name: str | None = None
    kind: str | None = None
    policies: tuple[str, ...] | None = None
    metadata: dict[str, str] | None = None
    members: tuple[str, ...] | None = None
    member_groups: tuple[str, ...] | None = None

    def run(self, scope: Scope) -> Answer:
        """Store it; a new one is told by its id."""
        view, names, now = scope.view(IDENTITY), Names(scope.hasher), scope.now
        before = self._found(view, names)
        new_id = new_uuid()
        group = before or Group(
            id=new_id, name=own_name("group", new_id), type=self.kind or INTERNAL, created_at=now
        )
        if self.kind not in {None, group.type}:
            raise InvalidInputError("group type cannot be changed")
        if group.type == EXTERNAL and self.members:
            raise InvalidInputError("member entities can't be set manually for external groups")
        if group.type == EXTERNAL and self.member_groups:
            raise InvalidInputError("member groups can't be set for external groups")
        given = {
            "name": read_name(self.name, thing_id=group.id) if self.name else None,
            "policies": self.policies,
            "metadata": self.metadata,
            "members": self._members(scope, view, names),
            "member_groups": self._member_groups(view, group.id),
        }
        group = msgspec.structs.replace(changed(group, given, now), changes=group.changes + 1)
        put_group(view, names, group)
        set_members(view, before, group)
        if before is not None:
            return Answer()
        return Answer(data=encode_json({"id": group.id, "name": group.name}))

    def _found(self, view: Transaction, names: Names) -> Group | None:
        if self.id:
            group = load_group(view, self.id)
            if group is None:
                raise InvalidInputError("invalid group ID")
            return group
        found = find_named(view, names, "group", self.name) if self.name else None
        return load_group(view, found) if found else None

    def _members(self, scope: Scope, view: Transaction, names: Names) -> tuple[str, ...] | None:
        """Return whom it lists: entities of the namespace, and of those that it is in."""
        if self.members is None:
            return None
        refusal = "member_entity_ids: expected ids of entities"
        found = (
            member_from_above(scope, each)
            or require_entity(view, names, each, now=scope.now, refusal=refusal).id
            for each in self.members
        )
        return tuple(dict.fromkeys(found))

    def _member_groups(self, view: Transaction, group_id: str) -> tuple[str, ...] | None:
        if self.member_groups is None:
            return None
        members = tuple(dict.fromkeys(self.member_groups))
        if any(load_group(view, each) is None for each in members):
            raise InvalidInputError("member_group_ids: expected ids of groups")
        refuse_circle(view, group_id, members)
        return members


class DeleteGroup(IdentityCommand, frozen=True, kw_only=True):
    """Remove a group with all that leads to it; an absent one is fine.

    Attributes:
        id: which.
        name: or which by its name.
    """

    id: str = ""
    name: str = ""

    def change(self, view: Transaction, names: Names, now: float) -> Answer:  # noqa: ARG002 - not by time
        """Remove it."""
        group_id = self.id or find_named(view, names, "group", self.name)
        group = load_group(view, group_id) if group_id else None
        if group is not None:
            remove_group(view, names, group)
        return Answer()
