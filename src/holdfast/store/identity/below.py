"""Groups of namespaces below that list an entity: they are found where it is, for when it goes.

below/<entity>/<namespace uuid>    a group of that namespace lists the entity, or did
"""

from collections.abc import Iterator

from holdfast.storage.interface import Transaction
from holdfast.store.command import Scope
from holdfast.store.identity.changes import join_group, leave_groups
from holdfast.store.identity.names import Names, is_id
from holdfast.store.identity.records import load_entity, names_below
from holdfast.store.layout import IDENTITY, NAMESPACES, Place
from holdfast.store.namespaces.records import ROOT, Namespace, load_at, load_by_uuid


def member_from_above(scope: Scope, entity_id: str) -> str | None:
    """Mark an entity of a namespace above as listed in this one.

    Args:
        scope: of the namespace whose group is to list it.
        entity_id: any id that leads to the entity.

    Returns:
        Its own id; ``None`` if there is no such entity above.
    """
    namespace = scope.namespace
    while namespace.path:
        above = load_at(scope.view(NAMESPACES), namespace.parent_path) if namespace.parent_path else ROOT
        if above is None:
            return None
        namespace = above
        view = _identity_of(scope, namespace)
        entity = load_entity(view, entity_id)
        if entity is None and not Names(scope.hasher.within(namespace)).is_of_an_alias(entity_id):
            continue
        found = entity_id if entity is None else entity.merged_into or entity.id
        view.put(_mark(found, scope.namespace.uuid), b"")
        return found
    return None


def leave_groups_below(scope: Scope, entity_id: str, *, instead: str = "") -> None:
    """Take an entity of this namespace out of all groups of namespaces below.

    Args:
        scope: of its namespace.
        entity_id: its own id, or whatever was given as one.
        instead: id of the entity that takes its place there; empty for none.
    """
    if not is_id(entity_id):
        return
    own = scope.view(IDENTITY)
    for uuid in list(names_below(own, _mark(entity_id, ""))):
        own.delete(_mark(entity_id, uuid))
        for view, names in _open(scope, uuid):
            left = leave_groups(view, names, entity_id)
            for group_id in left if instead else ():
                join_group(view, names, instead, group_id)
        if instead:
            own.put(_mark(instead, uuid), b"")


def _open(scope: Scope, uuid: str) -> Iterator[tuple[Transaction, Names]]:
    """Yield the identity of a namespace, unless that was deleted."""
    namespace = load_by_uuid(scope.view(NAMESPACES), uuid)
    if namespace is not None and not namespace.is_tainted:
        yield _identity_of(scope, namespace), Names(scope.hasher.within(namespace))


def _identity_of(scope: Scope, namespace: Namespace) -> Transaction:
    return scope.view(Place(namespace.home + IDENTITY.prefix, IDENTITY.kind, is_common=True))


def _mark(entity_id: str, uuid: str) -> str:
    return f"below/{entity_id}/{uuid}"
