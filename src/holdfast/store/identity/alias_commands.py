"""Changes of aliases of entities and groups, as commands for the writer."""

from typing import NamedTuple

import msgspec

from holdfast.crypto.identifiers import new_uuid
from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode as encode_json
from holdfast.storage.interface import Transaction
from holdfast.store.identity.changes import (
    put_alias,
    put_entity,
    put_group,
    put_sign,
    remove_alias,
    require_entity,
)
from holdfast.store.identity.commands import IdentityCommand, changed
from holdfast.store.identity.known import place_of
from holdfast.store.identity.names import Names, own_name
from holdfast.store.identity.records import (
    EXTERNAL,
    Alias,
    Group,
    alias_id_place,
    alias_place,
    find_id,
    load_alias,
    load_entity,
    load_group,
)
from holdfast.store.login_alias import LoginAlias
from holdfast.store.request import Answer


class _At(NamedTuple):
    """Where an alias is put.

    Attributes:
        view: of the identity.
        names: of the store.
        now: Unix seconds.
        key: what the alias is called in storage from now on.
        keys: that, and what it was called.
    """

    view: Transaction
    names: Names
    now: float
    key: str
    keys: frozenset[str]


class AttachAlias(IdentityCommand, frozen=True, kw_only=True):
    """Put the alias of a login on record, whose entity was stored before anybody could tell the alias."""

    login: LoginAlias

    def change(self, view: Transaction, names: Names, now: float) -> Answer:
        """Store it, unless another login was faster."""
        mount, name = self.login.mount, self.login.name
        place = place_of(view, names, mount, name)
        if not place.awaited:
            return Answer()
        entity, key = place.entity, names.key("alias", mount, name)
        alias = Alias(
            id=_free_id(view, names.alias_of(mount, name), of_group=False),
            mount=mount,
            name=name,
            canonical_id=entity.id,
            metadata=self.login.metadata,
            created_at=now,
            updated_at=now,
        )
        put_alias(view, key, alias)
        if place.awaited != entity.id:
            put_sign(view, place.awaited, entity.id, awaits_login=False)
        awaits = entity.awaits_login and place.awaited != entity.id
        aliases = (*entity.aliases, key)
        put_entity(view, names, msgspec.structs.replace(entity, aliases=aliases, awaits_login=awaits))
        return Answer()


class SaveAlias(IdentityCommand, frozen=True, kw_only=True):
    """Make an alias of an entity or a group, or change one; what is ``None`` stays.

    Attributes:
        of_group: whether it is of a group.
        id: of the one to change; empty to find it by mount and name, or make it.
        mount: accessor of the auth mount.
        name: what tells it from others there.
        canonical_id: of the entity, or the group.
        custom_metadata: within the limits.
    """

    of_group: bool = False
    id: str = ""
    mount: str = ""
    name: str = ""
    canonical_id: str = ""
    custom_metadata: dict[str, str] | None = None

    def change(self, view: Transaction, names: Names, now: float) -> Answer:
        """Store it; tell its id and whose it is."""
        before_key, before = self._found(view, names)
        mount = self.mount or (before.mount if before else "")
        name = self.name or (before.name if before else "")
        key = names.key("group alias" if self.of_group else "alias", mount, name)
        if before_key not in {"", key} and load_alias(view, key, of_group=self.of_group) is not None:
            raise InvalidInputError("alias with combination of mount accessor and name already exists")
        owner_id = self.canonical_id or (before.canonical_id if before else "")
        own_id = new_uuid() if self.of_group else names.alias_of(mount, name)
        own_id = _free_id(view, own_id, of_group=self.of_group)
        alias = before or Alias(id=own_id, mount=mount, name=name, canonical_id="", created_at=now)
        given = {"mount": mount, "name": name, "custom_metadata": self.custom_metadata}
        at = _At(view, names, now, key, frozenset({key, before_key} - {""}))
        put = self._put_on_group if self.of_group else self._put_on_entity
        alias = msgspec.structs.replace(
            changed(alias, given, now), canonical_id=put(at, changed(alias, given, now), owner_id)
        )
        if before_key not in {"", key}:
            view.delete(alias_place(before_key, of_group=self.of_group))
        put_alias(view, key, alias, of_group=self.of_group)
        return Answer(data=encode_json({"id": alias.id, "canonical_id": alias.canonical_id}))

    def _found(self, view: Transaction, names: Names) -> tuple[str, Alias | None]:
        if self.id:
            key = find_id(view, alias_id_place(self.id, of_group=self.of_group))
            alias = load_alias(view, key, of_group=self.of_group) if key else None
            if key is None or alias is None:
                raise InvalidInputError(
                    "invalid group alias ID" if self.of_group else "invalid alias ID provided"
                )
            return key, alias
        key = names.key("group alias" if self.of_group else "alias", self.mount, self.name)
        alias = load_alias(view, key, of_group=self.of_group)
        if alias is not None and self.of_group and self.canonical_id not in {"", alias.canonical_id}:
            raise InvalidInputError("combination of mount and group alias name is already in use")
        return (key, alias) if alias is not None else ("", None)

    def _put_on_entity(self, at: _At, alias: Alias, owner_id: str) -> str:
        view, names = at.view, at.names
        if owner_id:
            owner = require_entity(view, names, owner_id, now=at.now, refusal="invalid canonical ID")
        else:
            # Whoever logs in by it has an entity already: the one that follows from the alias.
            owner = place_of(view, names, alias.mount, alias.name).entity
            owner = msgspec.structs.replace(owner, created_at=owner.created_at or at.now)
        others = [load_alias(view, each) for each in owner.aliases if each not in at.keys]
        if any(other is not None and other.mount == alias.mount for other in others):
            raise InvalidInputError("Alias already exists for requested entity and mount accessor")
        previous = load_entity(view, alias.canonical_id) if alias.canonical_id else None
        if previous is not None and previous.id != owner.id:
            left = tuple(each for each in previous.aliases if each not in at.keys)
            put_entity(view, names, msgspec.structs.replace(previous, aliases=left))
        aliases = (*(each for each in owner.aliases if each not in at.keys), at.key)
        awaits = owner.awaits_login and not names.follows(owner.id, alias.mount, alias.name)
        owner = msgspec.structs.replace(owner, aliases=aliases, awaits_login=awaits, updated_at=at.now)
        put_entity(view, names, owner)
        return owner.id

    def _put_on_group(self, at: _At, alias: Alias, owner_id: str) -> str:
        view, names = at.view, at.names
        owner = load_group(view, owner_id) if owner_id else None
        if owner_id and owner is None:
            raise InvalidInputError("invalid group ID given in 'canonical_id'")
        if owner is None:
            new_id = new_uuid()
            owner = Group(id=new_id, name=own_name("group", new_id), type=EXTERNAL, created_at=at.now)
        if owner.type != EXTERNAL:
            raise InvalidInputError("alias can't be set on an internal group")
        if owner.alias and owner.alias not in at.keys:
            remove_alias(view, owner.alias, of_group=True)  # a group has one
        previous = load_group(view, alias.canonical_id) if alias.canonical_id else None
        if previous is not None and previous.id != owner.id:
            put_group(view, names, msgspec.structs.replace(previous, alias=""))
        owner = msgspec.structs.replace(owner, alias=at.key, updated_at=at.now, changes=owner.changes + 1)
        put_group(view, names, owner)
        return owner.id


def _free_id(view: Transaction, alias_id: str, *, of_group: bool) -> str:
    """Return this id, or another if an alias has it, which had another name before."""
    return alias_id if find_id(view, alias_id_place(alias_id, of_group=of_group)) is None else new_uuid()


class DeleteAlias(IdentityCommand, frozen=True, kw_only=True):
    """Remove an alias; an absent one is fine. Whoever logged in by it is somebody else from then on."""

    id: str
    of_group: bool = False

    def change(self, view: Transaction, names: Names, now: float) -> Answer:
        """Remove it, also from what it led to."""
        key = find_id(view, alias_id_place(self.id, of_group=self.of_group))
        alias = load_alias(view, key, of_group=self.of_group) if key else None
        if key is None or alias is None:
            return Answer()
        remove_alias(view, key, of_group=self.of_group)
        if self.of_group:
            group = load_group(view, alias.canonical_id)
            if group is not None:
                put_group(view, names, msgspec.structs.replace(group, alias="", updated_at=now))
            return Answer()
        entity = load_entity(view, alias.canonical_id)
        if entity is not None:
            left = tuple(each for each in entity.aliases if each != key)
            awaits = entity.awaits_login and not names.follows(entity.id, alias.mount, alias.name)
            without = msgspec.structs.replace(entity, aliases=left, awaits_login=awaits, updated_at=now)
            put_entity(view, names, without)
        return Answer()
