"""``identity/group/...``: groups by id and by name."""

from collections.abc import Iterator

from holdfast.errors import InvalidInputError
from holdfast.store import fields
from holdfast.store.command import Command
from holdfast.store.identity.describe import describe_group, group_in_list
from holdfast.store.identity.group_commands import DeleteGroup, SaveGroup
from holdfast.store.identity.records import EXTERNAL, INTERNAL, Group, load_group, names_below
from holdfast.store.identity.request_fields import given_metadata, given_policies, given_text, given_words
from holdfast.store.identity.visit import Identity, identity_of, listed
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Route
from holdfast.store.visit import Visit


def _write(visit: Visit) -> Command:
    return _save(visit, group_id=fields.text(visit.values, "id"), name=given_text(visit.values, "name"))


def _write_by_id(visit: Visit) -> Command:
    return _save(visit, group_id=visit.argument, name=given_text(visit.values, "name"))


def _write_by_name(visit: Visit) -> Command:
    return _save(visit, name=visit.argument)


def _save(visit: Visit, *, group_id: str = "", name: str | None) -> Command:
    values = visit.values
    kind = given_text(values, "type")
    if kind not in {None, INTERNAL, EXTERNAL}:
        raise InvalidInputError(f"type: expected {INTERNAL} or {EXTERNAL}")
    return SaveGroup(
        id=group_id,
        name=name,
        kind=kind,
        policies=given_policies(values),
        metadata=given_metadata(values),
        members=given_words(values, "member_entity_ids"),
        member_groups=given_words(values, "member_group_ids"),
    )


def _read_by_id(visit: Visit) -> Answer:
    identity = identity_of(visit)
    return show_group(identity, identity.group(visit.argument))


def _read_by_name(visit: Visit) -> Answer:
    identity = identity_of(visit)
    return show_group(identity, identity.group_named(visit.argument))


def show_group(identity: Identity, group: Group | None) -> Answer:
    """Return a group as an answer."""
    if group is None:
        return Answer(missing=True)
    return identity.answer(describe_group(identity.view, group, identity.mount_of))


def _delete_by_id(visit: Visit) -> Command:
    return DeleteGroup(id=visit.argument)


def _delete_by_name(visit: Visit) -> Command:
    return DeleteGroup(name=visit.argument)


def _groups(identity: Identity) -> Iterator[Group]:
    for group_id in names_below(identity.view, "group/"):
        group = load_group(identity.view, group_id)
        if group is not None:
            yield group


def _list_ids(visit: Visit) -> Answer:
    identity = identity_of(visit)
    return listed(
        (group.id, group.id, group_in_list(identity.view, group, identity.mount_of))
        for group in _groups(identity)
    )


def _list_names(visit: Visit) -> Answer:
    identity = identity_of(visit)
    return listed(
        (group.name, group.id, group_in_list(identity.view, group, identity.mount_of))
        for group in sorted(_groups(identity), key=lambda group: group.name)
    )


GROUP_ROUTES = (
    Route("identity/group", Operation.WRITE, _write),
    Route("identity/group/id", Operation.LIST, _list_ids),
    Route("identity/group/id/{}", Operation.READ, _read_by_id),
    Route("identity/group/id/{}", Operation.WRITE, _write_by_id),
    Route("identity/group/id/{}", Operation.DELETE, _delete_by_id),
    Route("identity/group/name", Operation.LIST, _list_names),
    Route("identity/group/name/{}", Operation.READ, _read_by_name),
    Route("identity/group/name/{}", Operation.WRITE, _write_by_name),
    Route("identity/group/name/{}", Operation.DELETE, _delete_by_name),
)
