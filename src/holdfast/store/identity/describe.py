"""Entities, aliases and groups as the Vault API shows them."""

from collections.abc import Callable
from typing import Any

from holdfast.clock import rfc3339
from holdfast.storage.interface import Reader
from holdfast.store.auth.mounts import AuthMount
from holdfast.store.identity.known import aliases_of, walk_groups
from holdfast.store.identity.names import Names
from holdfast.store.identity.records import Alias, Entity, Group, load_alias, names_below

MountOf = Callable[[str], AuthMount | None]
"""Finds an auth mount by its accessor."""


def describe_entity(view: Reader, names: Names, entity: Entity, mount_of: MountOf) -> dict[str, Any]:
    """Return everything about an entity, but for groups that only its logins say."""
    direct: list[str] = []
    inherited: list[str] = []
    for is_direct, group in walk_groups(view, names, entity.id):
        (direct if is_direct else inherited).append(group.id)
    return {
        "id": entity.id,
        "name": entity.name,
        "metadata": entity.metadata or None,
        "policies": list(entity.policies),
        "disabled": entity.disabled,
        "aliases": [describe_alias(alias, mount_of) for alias in aliases_of(view, entity)],
        "direct_group_ids": direct,
        "inherited_group_ids": inherited,
        "group_ids": [*direct, *inherited],
        "merged_entity_ids": list(entity.merged_ids) or None,
        **_times(entity),
    }


def describe_alias(alias: Alias, mount_of: MountOf) -> dict[str, Any]:
    """Return everything about an alias."""
    return {
        **_brief(alias, mount_of),
        "canonical_id": alias.canonical_id,
        "metadata": alias.metadata or None,
        "custom_metadata": alias.custom_metadata or None,
        "merged_from_canonical_ids": list(alias.merged_from) or None,
        "local": False,
        **_times(alias),
    }


def describe_group(view: Reader, group: Group, mount_of: MountOf) -> dict[str, Any]:
    """Return everything about a group."""
    alias = load_alias(view, group.alias, of_group=True) if group.alias else None
    return {
        "id": group.id,
        "name": group.name,
        "type": group.type,
        "policies": list(group.policies) or None,
        "metadata": group.metadata or None,
        "member_entity_ids": list(group.members) or None,
        "member_group_ids": list(group.member_groups) or None,
        "parent_group_ids": list(names_below(view, f"of-group/{group.id}/")) or None,
        "alias": describe_alias(alias, mount_of) if alias else {},
        "modify_index": group.changes,
        **_times(group),
    }


def entity_in_list(view: Reader, entity: Entity, mount_of: MountOf) -> dict[str, Any]:
    """Return what a list says about an entity."""
    aliases = [_brief(alias, mount_of) for alias in aliases_of(view, entity)]
    return {"name": entity.name, **({"aliases": aliases} if aliases else {})}


def group_in_list(view: Reader, group: Group, mount_of: MountOf) -> dict[str, Any]:
    """Return what a list says about a group."""
    alias = load_alias(view, group.alias, of_group=True) if group.alias else None
    return {
        "name": group.name,
        "num_member_entities": len(group.members),
        "num_parent_groups": sum(1 for _ in names_below(view, f"of-group/{group.id}/")),
        **({"alias": _brief(alias, mount_of)} if alias else {}),
    }


def alias_in_list(alias: Alias, mount_of: MountOf) -> dict[str, Any]:
    """Return what a list says about an alias."""
    brief = _brief(alias, mount_of)
    del brief["id"]
    return {**brief, "canonical_id": alias.canonical_id}


def _brief(alias: Alias, mount_of: MountOf) -> dict[str, Any]:
    mount = mount_of(alias.mount)
    where = {"mount_type": mount.type, "mount_path": f"auth/{mount.path}"} if mount else {}
    return {"id": alias.id, "name": alias.name, "mount_accessor": alias.mount, **where}


def _times(thing: Entity | Alias | Group) -> dict[str, Any]:
    return {"creation_time": rfc3339(thing.created_at), "last_update_time": rfc3339(thing.updated_at)}
