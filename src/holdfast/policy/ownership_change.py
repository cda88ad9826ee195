"""How ownership comes about and changes: on create, update, clone and snapshot.

A new resource belongs to whoever makes it, whatever the request says. Only the storage administrator gives a
resource to somebody else; the access control list may also be changed by the owner and by those with ADMIN
access. A part that a request leaves out stays as it is: an update never removes an owner by omission.
"""

from holdfast.errors import InvalidInputError, PermissionDeniedError
from holdfast.model import Principal
from holdfast.policy.ownership import (
    AccessControl,
    AccessType,
    Ownership,
    decide_ownership,
    is_storage_administrator,
)


def ownership_on_create(principal: Principal, acls: AccessControl | None = None) -> Ownership:
    """Return the ownership of a resource that ``principal`` creates, with the list it asked for.

    What a guest creates has no owner and no list, since nobody could ever change it again.
    """
    if principal.is_guest:
        return Ownership()
    return Ownership(owner=principal.name, acls=acls or AccessControl())


def ownership_on_update(
    principal: Principal,
    current: Ownership,
    *,
    owner: str | None = None,
    acls: AccessControl | None = None,
) -> Ownership:
    """Return the ownership after a change that ``principal`` asks for.

    Args:
        principal: who asks.
        current: the ownership so far.
        owner: the new owner, or ``None`` to keep the owner. Anything else is for group ``*`` alone, even
            naming the same owner again.
        acls: the new list, which replaces the old one, or ``None`` to keep it.

    Raises:
        PermissionDeniedError: ``principal`` may not change this.
        InvalidInputError: the new owner is an empty name.
    """
    if owner is not None:
        if not is_storage_administrator(principal):
            raise PermissionDeniedError(
                "only the storage administrator may set an owner", detail="not in group *"
            )
        if not owner:
            raise InvalidInputError("owner: expected a user name")
    if acls is not None:
        decision = decide_ownership(principal, current, AccessType.ADMIN)
        if not decision:
            raise PermissionDeniedError(
                "only the owner, or who has Admin access, may change access", detail=decision.reason
            )
    return Ownership(
        owner=current.owner if owner is None else owner,
        acls=current.acls if acls is None else acls,
    )


def ownership_on_clone(principal: Principal, parent: Ownership) -> Ownership:
    """Return the ownership of a clone: the owner's clone is like the parent, another's is all its own.

    A guest can own nothing; the clone that it makes of a public resource stays with the parent's owner.
    """
    if principal.is_guest or principal.name == parent.owner:
        return parent
    return ownership_on_create(principal)


def ownership_on_snapshot(parent: Ownership) -> Ownership:
    """Return the ownership of a snapshot: that of its parent, whoever takes it."""
    return parent
