"""What every change of the identity is made of: putting and removing records together with what finds them.

Functions take a transaction's view, and leave it as it was where they raise before they change anything.
"""

import msgspec

from holdfast.errors import InvalidInputError
from holdfast.storage.interface import Transaction
from holdfast.store.identity.names import Names, folded
from holdfast.store.identity.records import (
    Alias,
    Entity,
    Group,
    alias_id_place,
    alias_place,
    encode,
    find_id,
    load_alias,
    load_entity,
    load_group,
    names_below,
    unwritten_entity,
)

Named = Entity | Group


def put_entity(view: Transaction, names: Names, entity: Entity) -> None:
    """Store an entity; its name leads to it.

    Raises:
        InvalidInputError: another has the name.
    """
    _put_name(view, names, "entity", load_entity(view, entity.id), entity)
    view.put(f"entity/{entity.id}", encode(entity))


def put_group(view: Transaction, names: Names, group: Group) -> None:
    """Store a group; its name leads to it.

    Raises:
        InvalidInputError: another has the name.
    """
    _put_name(view, names, "group", load_group(view, group.id), group)
    view.put(f"group/{group.id}", encode(group))


def find_named(view: Transaction, names: Names, kind: str, name: str) -> str | None:
    """Return the id of the entity or group with this name."""
    return find_id(view, _name_place(names, kind, name))


def put_alias(view: Transaction, key: str, alias: Alias, *, of_group: bool = False) -> None:
    """Store an alias; its id leads to it."""
    view.put(alias_place(key, of_group=of_group), encode(alias))
    view.put(alias_id_place(alias.id, of_group=of_group), key.encode())


def remove_alias(view: Transaction, key: str, *, of_group: bool = False) -> None:
    """Remove an alias; whoever lists it has to forget it, too."""
    alias = load_alias(view, key, of_group=of_group)
    if alias is not None:
        view.delete(alias_id_place(alias.id, of_group=of_group))
        view.delete(alias_place(key, of_group=of_group))


def require_entity(view: Transaction, names: Names, entity_id: str, *, now: float, refusal: str) -> Entity:
    """Return an entity; one that follows from an alias is stored if it was not.

    Args:
        view: of the identity.
        names: of the store.
        entity_id: as somebody gave it.
        now: Unix seconds.
        refusal: what he is told if it is none.
    """
    entity = load_entity(view, entity_id)
    if entity is not None and entity.merged_into:
        entity = load_entity(view, entity.merged_into)
    if entity is not None:
        return entity
    if not names.is_of_an_alias(entity_id):
        raise InvalidInputError(refusal)
    entity = msgspec.structs.replace(
        unwritten_entity(entity_id), created_at=now, updated_at=now, awaits_login=True
    )
    put_entity(view, names, entity)
    return entity


def remove_entity(view: Transaction, names: Names, entity: Entity) -> None:
    """Remove an entity, its aliases, its places in groups, and the signs of those that it took in."""
    for key in entity.aliases:
        remove_alias(view, key)
    leave_groups(view, names, entity.id)
    for merged in entity.merged_ids:
        sign = load_entity(view, merged)
        if sign is not None and sign.merged_into == entity.id:
            view.delete(f"entity/{merged}")
    view.delete(_name_place(names, "entity", entity.name))
    view.delete(f"entity/{entity.id}")


def put_sign(view: Transaction, entity_id: str, target: str, *, awaits_login: bool) -> None:
    """Have an id lead to the entity that the one with this id became."""
    sign = Entity(id=entity_id, name="", awaits_login=awaits_login, merged_into=target)
    view.put(f"entity/{entity_id}", encode(sign))


def leave_groups(view: Transaction, names: Names, entity_id: str) -> list[str]:
    """Take an entity out of all groups that list it; return which."""
    left = list(names_below(view, f"of-entity/{entity_id}/"))
    for group_id in left:
        group = load_group(view, group_id)
        if group is not None:
            members = tuple(member for member in group.members if member != entity_id)
            put_group(view, names, msgspec.structs.replace(group, members=members))
        view.delete(f"of-entity/{entity_id}/{group_id}")
    return left


def join_group(view: Transaction, names: Names, entity_id: str, group_id: str) -> None:
    """Put an entity into a group that lists its members."""
    group = load_group(view, group_id)
    if group is not None and entity_id not in group.members:
        put_group(view, names, msgspec.structs.replace(group, members=(*group.members, entity_id)))
        view.put(f"of-entity/{entity_id}/{group_id}", b"")


def set_members(view: Transaction, before: Group | None, group: Group) -> None:
    """Mark who is in a group, and who no longer is."""
    old_members = set(before.members) if before else set()
    for gone in old_members - set(group.members):
        view.delete(f"of-entity/{gone}/{group.id}")
    for new in set(group.members) - old_members:
        view.put(f"of-entity/{new}/{group.id}", b"")
    old_groups = set(before.member_groups) if before else set()
    for gone in old_groups - set(group.member_groups):
        view.delete(f"of-group/{gone}/{group.id}")
    for new in set(group.member_groups) - old_groups:
        view.put(f"of-group/{new}/{group.id}", b"")


def remove_group(view: Transaction, names: Names, group: Group) -> None:
    """Remove a group: nobody is in it any more, and it is in none."""
    set_members(view, group, msgspec.structs.replace(group, members=(), member_groups=()))
    for parent_id in list(names_below(view, f"of-group/{group.id}/")):
        parent = load_group(view, parent_id)
        if parent is not None:
            left = tuple(each for each in parent.member_groups if each != group.id)
            put_group(view, names, msgspec.structs.replace(parent, member_groups=left))
        view.delete(f"of-group/{group.id}/{parent_id}")
    if group.alias:
        remove_alias(view, group.alias, of_group=True)
    view.delete(_name_place(names, "group", group.name))
    view.delete(f"group/{group.id}")


def refuse_circle(view: Transaction, group_id: str, member_groups: tuple[str, ...]) -> None:
    """Return unless a group would be in itself by way of its members.

    Raises:
        InvalidInputError: it would.
    """
    waiting, seen = list(member_groups), set(member_groups)
    while waiting:
        member = waiting.pop()
        if member == group_id:
            raise InvalidInputError(
                "member_group_ids: cyclic relationship detected: expected no group that this one is in"
            )
        group = load_group(view, member)
        fresh = [each for each in (group.member_groups if group else ()) if each not in seen]
        seen.update(fresh)
        waiting.extend(fresh)


def _put_name(view: Transaction, names: Names, kind: str, before: Named | None, thing: Named) -> None:
    place = _name_place(names, kind, thing.name)
    taken_by = find_id(view, place)
    if taken_by is not None and taken_by != thing.id:
        raise InvalidInputError(f"{kind} name is already in use")
    if before is not None and _name_place(names, kind, before.name) != place:
        view.delete(_name_place(names, kind, before.name))
    if taken_by is None:
        view.put(place, thing.id.encode())


def _name_place(names: Names, kind: str, name: str) -> str:
    return f"{kind}-name/{names.key(f'{kind} name', folded(name))}"
