"""Ownership: which principal may do what with one resource.

Every resource has an owner, who may do everything with it. Its access control list lets groups, named
collaborators and the public in, each up to an access type; a higher type includes the lower ones:

    READ    inspect, list, clone, snapshot
    WRITE   also update, attach, mount, restore
    ADMIN   also delete, and change who has access

In order: the storage administrator (group ``*``) may do everything; a resource without owner serves nobody
else; the public type serves everybody; a guest gets nothing more; then owner, groups and collaborators.
Having several of these gives the highest. ``*`` as a key of the list stands for any group, or for any
principal; an entry that names a group or a principal goes before it, and may so give less than ``*``.

Two answers differ from the original (OpenStorage). The best of a principal's groups counts, where there the
order of groups in the token decided. And a resource without owner is not public, unless a migration from
such a system asks for it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Self

from holdfast.errors import InvalidInputError
from holdfast.model import Principal
from holdfast.policy.decision import Allowed, Decision, Denied

ANY = "*"


class AccessType(IntEnum):
    """How far access reaches. Order and numbers are those of the storage API."""

    READ = 0
    WRITE = 1
    ADMIN = 2

    @property
    def word(self) -> str:
        """The name that the storage API gives it: ``Read``, ``Write`` or ``Admin``."""
        return self.name.capitalize()

    @classmethod
    def parse(cls, text: str, *, field: str) -> Self:
        """Return the type written as ``Read``, ``read`` or ``r``, and so on.

        Raises:
            InvalidInputError: it is none of these.
        """
        for access in cls:
            if text.lower() in {access.word.lower(), access.word[0].lower()}:
                return access
        raise InvalidInputError(f"{field}: expected an access type: r, w or a; Read, Write or Admin")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessControl:
    """Who beside the owner may use a resource.

    Attributes:
        groups: access by group; the key ``*`` serves every authenticated principal.
        collaborators: access by user name; the key ``*`` serves every authenticated principal.
        public: access for everybody, guests included; ``None`` for none.
    """

    groups: Mapping[str, AccessType] = field(default_factory=dict)
    collaborators: Mapping[str, AccessType] = field(default_factory=dict)
    public: AccessType | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """Who a resource belongs to.

    Attributes:
        owner: the user name of the owner; empty for a resource without one.
        acls: who else may use it. Without effect while there is no owner.
    """

    owner: str = ""
    acls: AccessControl = field(default_factory=AccessControl)


def is_storage_administrator(principal: Principal) -> bool:
    """Whether the principal may use every resource. Its roles still decide which APIs it may call."""
    return not principal.is_guest and ANY in principal.groups


def decide_ownership(
    principal: Principal, ownership: Ownership, wanted: AccessType, *, ownerless_is_public: bool = False
) -> Decision:
    """Decide whether ``principal`` may use a resource to the extent ``wanted``.

    Args:
        principal: who asks, or the guest.
        ownership: whom the resource belongs to.
        wanted: how far the access must reach.
        ownerless_is_public: let everybody do everything with a resource without owner, as the original
            does. Only for the time of a migration from it.
    """
    if is_storage_administrator(principal):
        return Allowed("group *: storage administrator")
    if not ownership.owner:
        if ownerless_is_public:
            return Allowed("resource without owner, public during migration")
        return Denied("resource without owner: only for group *")
    if principal.name == ownership.owner:
        return Allowed("owner")
    for entry, given in _access_given(principal, ownership.acls):
        if given is not None and wanted <= given:
            return Allowed(f"{entry}: {given.word}")
    return Denied(f"not the owner, and the access control list does not give {wanted.word}")


def _access_given(principal: Principal, acls: AccessControl) -> Iterator[tuple[str, AccessType | None]]:
    """Yield what each part of the list gives the principal, or ``None`` where it gives nothing."""
    yield "public", acls.public
    if principal.is_guest:
        return  # * stands for any principal, and a guest is none
    named = [acls.groups[group] for group in principal.groups if group in acls.groups]
    yield "groups", max(named) if named else acls.groups.get(ANY)
    yield "collaborators", acls.collaborators.get(principal.name, acls.collaborators.get(ANY))
