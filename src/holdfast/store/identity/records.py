"""Entities, aliases and groups at rest.

    entity/<id>                    an entity
    entity-name/<hash>             -> id
    alias/<hash>                   how an entity is known to an auth mount
    alias-id/<id>                  -> hash
    group/<id>                     a group
    group-name/<hash>              -> id
    group-alias/<hash>             by which name logins know a group of the type ``external``
    group-alias-id/<id>            -> hash
    of-entity/<entity>/<group>     marks that an entity is in a group
    of-group/<group>/<group>       marks that the first group is in the second
    removed/<entity>               when it was removed: tokens from before do not count
    below/<entity>/<namespace>     marks that groups of a namespace below list an entity, see ``below``

``<hash>`` is a keyed hash (see ``names``). Functions take views and plain values.
"""

from collections.abc import Iterator

import msgspec

from holdfast.storage.interface import Reader
from holdfast.store.identity.names import own_name

INTERNAL, EXTERNAL = "internal", "external"
_PAGE = 1000


class Entity(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An entity. Fields are only ever appended: their order is the record format.

    Attributes:
        id: its id.
        name: what people call it.
        policies: folded names; they add to those of its tokens.
        metadata: anything that operators say about it.
        disabled: whether its tokens are refused.
        created_at: Unix seconds.
        updated_at: Unix seconds.
        aliases: names in storage of its aliases.
        awaits_login: it follows from an alias that has not logged in since it was stored, and which nobody
            can tell from the id; the next login puts the alias on record.
        merged_into: id of the entity that this one became; it is nothing but a sign that leads there then.
        merged_ids: ids of entities that became this one.
    """

    id: str
    name: str
    policies: tuple[str, ...] = ()
    metadata: dict[str, str] = {}
    disabled: bool = False
    created_at: float = 0.0
    updated_at: float = 0.0
    aliases: tuple[str, ...] = ()
    awaits_login: bool = False
    merged_into: str = ""
    merged_ids: tuple[str, ...] = ()


class Alias(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An alias of an entity, or of a group. Fields are only ever appended: their order is the record format.

    Attributes:
        id: its id.
        mount: accessor of the auth mount.
        name: what tells it from all others of the mount.
        canonical_id: of the entity, or the group.
        metadata: what the login said when it was put on record.
        custom_metadata: what operators say about it.
        created_at: Unix seconds.
        updated_at: Unix seconds.
        merged_from: entities that it belonged to before.
    """

    id: str
    mount: str
    name: str
    canonical_id: str
    metadata: dict[str, str] = {}
    custom_metadata: dict[str, str] = {}
    created_at: float = 0.0
    updated_at: float = 0.0
    merged_from: tuple[str, ...] = ()


class Group(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A group. Fields are only ever appended: their order is the record format.

    Attributes:
        id: its id.
        name: what people call it.
        type: ``internal``, whose members are listed, or ``external``, whose members logins say.
        policies: folded names; they add to those of its members' tokens.
        metadata: anything that operators say about it.
        members: ids of entities in it.
        member_groups: ids of groups in it.
        alias: name in storage of its alias; empty for none.
        created_at: Unix seconds.
        updated_at: Unix seconds.
        changes: how often it was changed.
    """

    id: str
    name: str
    type: str = INTERNAL
    policies: tuple[str, ...] = ()
    metadata: dict[str, str] = {}
    members: tuple[str, ...] = ()
    member_groups: tuple[str, ...] = ()
    alias: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0
    changes: int = 0


encode = msgspec.msgpack.Encoder().encode
_decode_entity = msgspec.msgpack.Decoder(Entity).decode
_decode_alias = msgspec.msgpack.Decoder(Alias).decode
_decode_time = msgspec.msgpack.Decoder(float).decode
_decode_group = msgspec.msgpack.Decoder(Group).decode


def load_entity(view: Reader, entity_id: str) -> Entity | None:
    """Return the entity that is stored under an id, be it merged into another or not."""
    record = view.get(f"entity/{entity_id}")
    return None if record is None else _decode_entity(record)


def load_alias(view: Reader, key: str, *, of_group: bool = False) -> Alias | None:
    """Return the alias with this name in storage."""
    record = view.get(alias_place(key, of_group=of_group))
    return None if record is None else _decode_alias(record)


def load_group(view: Reader, group_id: str) -> Group | None:
    """Return a group."""
    record = view.get(f"group/{group_id}")
    return None if record is None else _decode_group(record)


def removed_at(view: Reader, entity_id: str) -> float:
    """Return the Unix second at which an entity with this id was removed last; 0 for never."""
    record = view.get(removed_place(entity_id))
    return 0.0 if record is None else _decode_time(record)


def removed_place(entity_id: str) -> str:
    """Return where it says that an entity was removed."""
    return f"removed/{entity_id}"


def alias_place(key: str, *, of_group: bool) -> str:
    """Return where an alias lies."""
    return f"group-alias/{key}" if of_group else f"alias/{key}"


def alias_id_place(alias_id: str, *, of_group: bool) -> str:
    """Return where it says which alias has an id."""
    return f"group-alias-id/{alias_id}" if of_group else f"alias-id/{alias_id}"


def find_id(view: Reader, place: str) -> str | None:
    """Return what an index says."""
    stored = view.get(place)
    return None if stored is None else stored.decode()


def unwritten_entity(entity_id: str) -> Entity:
    """Return the entity of an alias that nobody wrote anything about."""
    return Entity(id=entity_id, name=own_name("entity", entity_id))


def names_below(view: Reader, prefix: str) -> Iterator[str]:
    """Yield all names one level below ``prefix``."""
    after = ""
    while page := view.list(prefix, after=after, limit=_PAGE):
        yield from (name for name in page if not name.endswith("/"))
        after = page[-1]
