"""``Ownership`` as a message, for every kind of thing that has one."""

from typing import Any

from holdfast.api.sdk.proto.ownership_pb2 import Ownership as Message
from holdfast.errors import InvalidInputError
from holdfast.policy.ownership import AccessControl, AccessType, Ownership
from holdfast.policy.ownership_change import AccessChange

_BY_NUMBER = {int(access): access for access in AccessType}


def ownership_message(ownership: Ownership) -> Message:
    """Say an ownership as a message."""
    acls = ownership.acls
    message = Message(owner=ownership.owner)
    for name, access in acls.groups.items():
        message.acls.groups[name] = Message.AccessType.Value(access.word)
    for name, access in acls.collaborators.items():
        message.acls.collaborators[name] = Message.AccessType.Value(access.word)
    if acls.public is not None:
        message.acls.public.type = Message.AccessType.Value(acls.public.word)
        message.acls.public.SetInParent()
    return message


def access_control(message: Message) -> AccessControl:
    """Return the list that an ownership message says; without one, the empty list.

    Raises:
        InvalidInputError: a number that is no access type.
    """
    return list_of(message.acls)


def ownership_of(message: Message) -> Ownership:
    """Return the ownership that a message says, as filters and the creation of a resource have it.

    Raises:
        InvalidInputError: a number that is no access type.
    """
    return Ownership(owner=message.owner, acls=access_control(message))


def updated_list(message: Message) -> AccessControl | None:
    """Return the list that an update asks for, ``None`` to leave it alone.

    An ownership without a list shuts everybody out, as in the SDK; but one that only names a new owner is
    about the owner.

    Raises:
        InvalidInputError: a number that is no access type.
    """
    return None if message.owner and not message.HasField("acls") else access_control(message)


def access_change(request: Any) -> AccessChange:
    """Return the change that a request ``AccessUpdate`` of any service asks for; all have the same fields.

    Raises:
        InvalidInputError: a number that is no access type.
    """
    return AccessChange(
        owner=request.owner or None,
        replace=list_of(request.replace) if request.HasField("replace") else None,
        add=list_of(request.add),
        remove_groups=frozenset(request.remove_groups),
        remove_collaborators=frozenset(request.remove_collaborators),
        remove_public=request.remove_public,
    )


def list_of(acls: Message.AccessControl) -> AccessControl:
    """Return the list that a message says.

    Raises:
        InvalidInputError: a number that is no access type.
    """
    return AccessControl(
        groups={name: _access(number) for name, number in acls.groups.items()},
        collaborators={name: _access(number) for name, number in acls.collaborators.items()},
        public=_access(acls.public.type) if acls.HasField("public") else None,
    )


def _access(number: int) -> AccessType:
    if number not in _BY_NUMBER:
        raise InvalidInputError("ownership.acls: expected access types of Read, Write and Admin")
    return _BY_NUMBER[number]
