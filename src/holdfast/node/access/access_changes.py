"""Whom a resource belongs to, and who else may use it: shown and changed the same way for every kind.

A service of a kind binds these to its own APIs; here is what they do. A change is decided once more inside
the transaction that makes it, on what is stored at that moment: of two people who each add somebody at
once, neither undoes the other's change, and who has just lost the right to change the list does not.
"""

from typing import Any

from holdfast.node.access.gate import Gate
from holdfast.node.access.resource import OwnedCollection, R
from holdfast.node.api import Admission
from holdfast.policy.ownership import Ownership
from holdfast.policy.ownership_change import AccessChange, ownership_on_change


def change_access(
    gate: Gate,
    admission: Admission,
    collection: OwnedCollection[R],
    reference: str,
    change: AccessChange,
) -> R:
    """Change whom a resource belongs to and who may use it, and return it as it is then.

    Args:
        gate: the third of its gates is passed here.
        admission: to an API that states ``AccessType.ADMIN``.
        collection: all resources of the kind.
        reference: id or name.
        change: what is to become of it.

    Raises:
        OwnershipDeniedError: the caller has no Admin access, or there is no such resource.
        PermissionDeniedError: a new owner was named, and the caller is not the storage administrator.
        InvalidInputError: the change contradicts itself, or a name in it is no name.
    """
    resource = gate.resource(admission, collection, reference)
    earlier: list[Ownership] = []

    def edit(now: Ownership) -> Ownership:
        earlier[:] = [now]  # the last time counts: storage may repeat a change
        return ownership_on_change(admission.principal, now, change)

    changed = collection.change_ownership(resource.id, edit)
    gate.done(
        admission,
        resource.id,
        "access changed",
        before=ownership_words(earlier[0]),
        after=ownership_words(changed.ownership),
    )
    return changed


def note_update(
    gate: Gate, admission: Admission, resource: str, outcome: str, *, before: Ownership, after: Ownership
) -> None:
    """Note a change of a resource in the audit log, and what became of the rights to it if they are others.

    Args:
        gate: writes it.
        admission: of who made the change.
        resource: id or name.
        outcome: what was done.
        before: whom it belonged to.
        after: whom it belongs to now.
    """
    if before == after:
        gate.done(admission, resource, outcome)
    else:
        words = ownership_words(before), ownership_words(after)
        gate.done(admission, resource, outcome, before=words[0], after=words[1])


def ownership_words(ownership: Ownership) -> dict[str, Any]:
    """Return ownership in the words of the storage API, for the audit log."""
    acls = ownership.acls
    return {
        "owner": ownership.owner,
        "groups": {name: access.word for name, access in acls.groups.items()},
        "collaborators": {name: access.word for name, access in acls.collaborators.items()},
        "public": None if acls.public is None else acls.public.word,
    }
