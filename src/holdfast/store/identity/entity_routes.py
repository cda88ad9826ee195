"""``identity/entity/...``: entities by id and by name, and merging them."""

from collections.abc import Iterator

from holdfast.errors import InvalidInputError
from holdfast.store import fields
from holdfast.store.command import Command
from holdfast.store.identity.describe import describe_entity, entity_in_list
from holdfast.store.identity.entity_commands import DeleteEntities, MergeEntities, SaveEntity
from holdfast.store.identity.records import Entity, load_entity, names_below
from holdfast.store.identity.request_fields import (
    given_metadata,
    given_policies,
    given_text,
    given_words,
)
from holdfast.store.identity.visit import UNWRITTEN, Identity, identity_of, listed
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Route
from holdfast.store.visit import Visit


def _write(visit: Visit) -> Command:
    return _save(visit, entity_id=fields.text(visit.values, "id"), name=given_text(visit.values, "name"))


def _write_by_id(visit: Visit) -> Command:
    return _save(visit, entity_id=visit.argument, name=given_text(visit.values, "name"))


def _write_by_name(visit: Visit) -> Command:
    return _save(visit, name=visit.argument)


def _save(visit: Visit, *, entity_id: str = "", name: str | None) -> Command:
    values = visit.values
    disabled = None if values.get("disabled") is None else fields.boolean(values, "disabled")
    return SaveEntity(
        id=entity_id,
        name=name,
        policies=given_policies(values),
        metadata=given_metadata(values),
        disabled=disabled,
    )


def _read_by_id(visit: Visit) -> Answer:
    identity = identity_of(visit)
    return show_entity(visit, identity, identity.entity(visit.argument))


def _read_by_name(visit: Visit) -> Answer:
    identity = identity_of(visit)
    return show_entity(visit, identity, identity.entity_named(visit.argument))


def show_entity(visit: Visit, identity: Identity, entity: Entity | None) -> Answer:
    """Return an entity as an answer; one that nothing is stored about says so."""
    if entity is None:
        return Answer(missing=True)
    if not entity.created_at:
        visit.warnings.append(UNWRITTEN)
    described = describe_entity(identity.view, identity.names, entity, identity.mount_of)
    return identity.answer(described, visit.warnings)


def _delete_by_id(visit: Visit) -> Command:
    return DeleteEntities(ids=(visit.argument,))


def _delete_by_name(visit: Visit) -> Command:
    return DeleteEntities(name=visit.argument)


def _delete_many(visit: Visit) -> Command:
    ids = fields.words(visit.values, "entity_ids")
    if not ids:
        raise InvalidInputError("missing entity ids to delete")
    return DeleteEntities(ids=ids)


def _merge(visit: Visit) -> Command:
    sources = fields.words(visit.values, "from_entity_ids")
    if not sources:
        raise InvalidInputError("missing from_entity_ids")
    return MergeEntities(
        sources=sources,
        target=fields.required_text(visit.values, "to_entity_id"),
        keep=given_words(visit.values, "conflicting_alias_ids_to_keep") or (),
    )


def _entities(identity: Identity) -> Iterator[Entity]:
    for entity_id in names_below(identity.view, "entity/"):
        entity = load_entity(identity.view, entity_id)
        if entity is not None and not entity.merged_into:
            yield entity


def _list_ids(visit: Visit) -> Answer:
    identity = identity_of(visit)
    return listed(
        (entity.id, entity.id, entity_in_list(identity.view, entity, identity.mount_of))
        for entity in _entities(identity)
    )


def _list_names(visit: Visit) -> Answer:
    identity = identity_of(visit)
    return listed(
        (entity.name, entity.id, entity_in_list(identity.view, entity, identity.mount_of))
        for entity in sorted(_entities(identity), key=lambda entity: entity.name)
    )


ENTITY_ROUTES = (
    Route("identity/entity", Operation.WRITE, _write),
    Route("identity/entity/id", Operation.LIST, _list_ids),
    Route("identity/entity/id/{}", Operation.READ, _read_by_id),
    Route("identity/entity/id/{}", Operation.WRITE, _write_by_id),
    Route("identity/entity/id/{}", Operation.DELETE, _delete_by_id),
    Route("identity/entity/name", Operation.LIST, _list_names),
    Route("identity/entity/name/{}", Operation.READ, _read_by_name),
    Route("identity/entity/name/{}", Operation.WRITE, _write_by_name),
    Route("identity/entity/name/{}", Operation.DELETE, _delete_by_name),
    Route("identity/entity/merge", Operation.WRITE, _merge),
    Route("identity/entity/batch-delete", Operation.WRITE, _delete_many),
)
