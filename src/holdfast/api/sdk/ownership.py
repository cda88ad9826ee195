"""``Ownership`` as a message, for every kind of thing that has one."""

from holdfast.api.sdk.proto.ownership_pb2 import Ownership as Message
from holdfast.errors import InvalidInputError
from holdfast.policy.ownership import AccessControl, AccessType, Ownership

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
    acls = message.acls
    return AccessControl(
        groups={name: _access(number) for name, number in acls.groups.items()},
        collaborators={name: _access(number) for name, number in acls.collaborators.items()},
        public=_access(acls.public.type) if acls.HasField("public") else None,
    )


def _access(number: int) -> AccessType:
    if number not in _BY_NUMBER:
        raise InvalidInputError("ownership.acls: expected access types of Read, Write and Admin")
    return _BY_NUMBER[number]
