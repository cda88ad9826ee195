"""From what a token remembers of its login to who asks: entity, groups, and the policies of both.

Nothing of this is in the token. It is worked out when a process meets a token, and anew after every change of
the identity, so that what is given or taken away counts from the next request on, for tokens that are stored
nowhere as well.
"""

from collections.abc import Iterable, Iterator

import msgspec

from holdfast.policy.templates import AliasFacts, GroupFacts, Subject
from holdfast.storage.interface import Reader
from holdfast.store.identity.names import Names
from holdfast.store.identity.records import (
    Alias,
    Entity,
    Group,
    load_alias,
    load_entity,
    load_group,
    names_below,
    removed_at,
    unwritten_entity,
)
from holdfast.store.login_alias import LoginAlias

_GONE = "the entity is gone"
MAX_GROUPS = 10_000  # of one caller; nobody has that many, and the walk must end


class Known(msgspec.Struct, frozen=True):
    """Who somebody is.

    Attributes:
        entity_id: empty for somebody who is nobody, such as the first root token.
        policies: of the entity and its groups, sorted.
        subject: what templates may say; ``None`` for nobody.
        refusal: why the token does not count, for the audit trail; empty if it does.
        removed_at: Unix seconds at which the entity was removed, and its tokens ended, if it ever was; he is
            somebody new since.
    """

    entity_id: str = ""
    policies: tuple[str, ...] = ()
    subject: Subject | None = None
    refusal: str = ""
    removed_at: float = 0.0

    def all_policies(self, of_token: tuple[str, ...]) -> tuple[str, ...]:
        """Return the policies of a token together with those of whoever it belongs to."""
        return tuple(sorted({*of_token, *self.policies})) if self.policies else of_token

    def elsewhere(self, policies: tuple[str, ...]) -> "Known":
        """Return the same for a token of a namespace below, where his entity has these policies instead."""
        return msgspec.structs.replace(self, policies=policies)

    def of_token(self, made_at: float) -> "Known":
        """Return the same for a token that was made at some time: it may have ended with the entity."""
        if made_at >= self.removed_at or self.refusal:
            return self
        return Known(self.entity_id, refusal=_GONE)


NOBODY = Known()


class Place(msgspec.Struct, frozen=True):
    """Where an alias leads.

    Attributes:
        entity: stored, or as it is before anybody wrote about it.
        alias: the record of the alias, if there is one.
        awaited: id that follows from the alias, if the entity was stored without this alias and a login can
            add it; empty otherwise.
        missing: whether the alias is on record, and its entity is not.
    """

    entity: Entity
    alias: Alias | None = None
    awaited: str = ""
    missing: bool = False


def place_of(view: Reader, names: Names, mount: str, name: str) -> Place:
    """Return where an alias leads now."""
    alias = load_alias(view, names.key("alias", mount, name))
    if alias is not None:
        entity = load_entity(view, alias.canonical_id)
        return Place(entity or unwritten_entity(alias.canonical_id), alias, missing=entity is None)
    turn = 0
    while True:
        entity_id = names.entity_of(mount, name, turn)
        entity = load_entity(view, entity_id)
        if entity is None:
            return Place(unwritten_entity(entity_id))
        if entity.awaits_login:
            target = load_entity(view, entity.merged_into) if entity.merged_into else entity
            return Place(target or unwritten_entity(entity_id), awaited=entity_id if target else "")
        turn += 1  # the alias was taken away from it


def known_as(view: Reader, names: Names, login: LoginAlias | None) -> Known:
    """Return who the bearer of a token is, by what the token remembers of its login."""
    if login is None:
        return NOBODY
    place = place_of(view, names, login.mount, login.name)
    entity, alias = place.entity, place.alias
    refusal = ""
    if place.missing or (login.linked and alias is None):
        refusal = _GONE
    elif entity.disabled:
        refusal = "the entity is disabled"
    if refusal:
        return Known(entity.id, refusal=refusal)
    groups = groups_of(view, names, entity.id, login)
    facts = {each.mount: _facts(each) for each in aliases_of(view, entity)}
    facts[login.mount] = AliasFacts(
        alias.id if alias else names.alias_of(login.mount, login.name),
        login.name,
        login.metadata,
        alias.custom_metadata if alias else {},
    )
    return Known(
        entity.id,
        policies_of([entity, *groups]),
        Subject(
            id=entity.id,
            name=entity.name,
            metadata=entity.metadata,
            aliases=facts,
            groups={group.id: GroupFacts(group.name, group.metadata) for group in groups},
        ),
        removed_at=removed_at(view, entity.id),
    )


def policies_of(those: Iterable[Entity | Group]) -> tuple[str, ...]:
    """Return the policies of entities and groups, sorted; everything is for tokens alone to have."""
    return tuple(sorted({name for each in those for name in each.policies} - {"root"}))


def aliases_of(view: Reader, entity: Entity) -> list[Alias]:
    """Return the aliases of an entity that are on record."""
    return [alias for key in entity.aliases if (alias := load_alias(view, key)) is not None]


def groups_of(view: Reader, names: Names, entity_id: str, login: LoginAlias | None = None) -> list[Group]:
    """Return the groups that an entity is in, and the groups that these are in."""
    return [group for _, group in walk_groups(view, names, entity_id, login)]


def walk_groups(
    view: Reader, names: Names, entity_id: str, login: LoginAlias | None = None
) -> Iterator[tuple[bool, Group]]:
    """Yield each group of an entity once, and whether the entity itself is in it."""
    direct = [*names_below(view, f"of-entity/{entity_id}/"), *_external(view, names, login)]
    waiting = [(True, group_id) for group_id in direct]
    seen: set[str] = set()
    while waiting and len(seen) < MAX_GROUPS:
        is_direct, group_id = waiting.pop(0)
        if group_id in seen:
            continue
        seen.add(group_id)
        group = load_group(view, group_id)
        if group is not None:
            yield is_direct, group
            waiting.extend((False, parent) for parent in names_below(view, f"of-group/{group_id}/"))


def groups_with_use(view: Reader, names: Names, mount: str, said: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of the groups that a login says which stand for groups of the store."""
    found = (name for name in dict.fromkeys(said) if _group_alias(view, names, mount, name) is not None)
    return tuple(found)


def _external(view: Reader, names: Names, login: LoginAlias | None) -> Iterator[str]:
    for name in login.groups if login is not None else ():
        alias = _group_alias(view, names, login.mount, name) if login is not None else None
        if alias is not None:
            yield alias.canonical_id


def _group_alias(view: Reader, names: Names, mount: str, name: str) -> Alias | None:
    return load_alias(view, names.key("group alias", mount, name), of_group=True)


def _facts(alias: Alias) -> AliasFacts:
    return AliasFacts(alias.id, alias.name, alias.metadata, alias.custom_metadata)
