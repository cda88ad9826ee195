"""How ownership comes about and changes: on create, update, clone and snapshot.

A new resource belongs to whoever makes it, whatever the request says. Only the storage administrator gives a
resource to somebody else; the access control list may also be changed by the owner and by those with ADMIN
access. A part that a request leaves out stays as it is: an update never removes an owner by omission.

A change names single entries to add or to remove, so that two people who change a list at once do not undo
each other's change; or it replaces the list whole.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from holdfast.errors import InvalidInputError, PermissionDeniedError
from holdfast.model import Principal
from holdfast.policy.ownership import (
    AccessControl,
    AccessType,
    Ownership,
    decide_ownership,
    is_storage_administrator,
)

MAX_ENTRIES = 512
MAX_NAME_CHARACTERS = 256


class AccessChangeDeniedError(PermissionDeniedError):
    """Somebody may use a resource, and not say whom it belongs to or who else may use it."""

    gate = "ownership"

    def __init__(self, message: str, detail: str) -> None:
        super().__init__(message, detail=detail, reason="ownership_denied")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessChange:
    """What is to become of a resource's ownership; what is not named stays as it is.

    Attributes:
        owner: the new owner; for group ``*`` alone, even naming the same owner again.
        replace: the new list, in place of the whole old one; not together with the parts below.
        add: entries to add, or to give another access type. Its public type, if any, replaces the old one.
        remove_groups: names of groups that lose their entry; one that is not there is no error.
        remove_collaborators: user names that lose their entry; likewise.
        remove_public: whether the public loses its access.
    """

    owner: str | None = None
    replace: AccessControl | None = None
    add: AccessControl = field(default_factory=AccessControl)
    remove_groups: frozenset[str] = frozenset()
    remove_collaborators: frozenset[str] = frozenset()
    remove_public: bool = False

    def check(self) -> None:
        """Raise ``InvalidInputError`` for what cannot be meant, naming the field."""
        if self.owner is not None:
            _check_names("owner", [self.owner])
        if self.replace is not None:
            if self._changes_entries:
                raise InvalidInputError("acls: expected a whole new list, or entries to add and remove")
            check_access_control(self.replace)
        check_access_control(self.add)
        _check_names("remove_groups", self.remove_groups)
        _check_names("remove_collaborators", self.remove_collaborators)
        if (
            self.remove_groups & self.add.groups.keys()
            or self.remove_collaborators & self.add.collaborators.keys()
            or (self.remove_public and self.add.public is not None)
        ):
            raise InvalidInputError("acls: expected no entry to be both added and removed")

    @property
    def changes_list(self) -> bool:
        """Whether it is about the access control list at all."""
        return self.replace is not None or self._changes_entries

    @property
    def _changes_entries(self) -> bool:
        removes = self.remove_groups or self.remove_collaborators or self.remove_public
        return bool(removes) or self.add != AccessControl()

    def applied_to(self, acls: AccessControl) -> AccessControl:
        """Return the list after the change."""
        if self.replace is not None:
            return self.replace
        groups = {name: given for name, given in acls.groups.items() if name not in self.remove_groups}
        collaborators = {
            name: given for name, given in acls.collaborators.items() if name not in self.remove_collaborators
        }
        public = None if self.remove_public else acls.public
        return AccessControl(
            groups=groups | dict(self.add.groups),
            collaborators=collaborators | dict(self.add.collaborators),
            public=public if self.add.public is None else self.add.public,
        )


def check_access_control(acls: AccessControl) -> None:
    """Raise ``InvalidInputError`` for too many entries, or for a name that is empty or too long."""
    for where, entries in (("groups", acls.groups), ("collaborators", acls.collaborators)):
        if len(entries) > MAX_ENTRIES:
            raise InvalidInputError(f"{where}: expected at most {MAX_ENTRIES} entries")
        _check_names(where, entries)


def _check_names(where: str, names: Iterable[str]) -> None:
    for name in names:
        if not 0 < len(name) <= MAX_NAME_CHARACTERS or not name.isprintable():
            raise InvalidInputError(f"{where}: expected 1 to {MAX_NAME_CHARACTERS} printable characters")


def ownership_on_create(principal: Principal, acls: AccessControl | None = None) -> Ownership:
    """Return the ownership of a resource that ``principal`` creates, with the list it asked for.

    What a guest creates has no owner and no list, since nobody could ever change it again.
    """
    if principal.is_guest:
        return Ownership()
    if acls is not None:
        check_access_control(acls)
    return Ownership(owner=principal.name, acls=acls or AccessControl())


def ownership_on_change(principal: Principal, current: Ownership, change: AccessChange) -> Ownership:
    """Return the ownership after a change that ``principal`` asks for.

    Raises:
        AccessChangeDeniedError: ``principal`` may not change this.
        InvalidInputError: it cannot be meant, or the list would become too long.
    """
    if change.owner is not None and not is_storage_administrator(principal):
        raise AccessChangeDeniedError("only the storage administrator may set an owner", "not in group *")
    if change.changes_list:
        decision = decide_ownership(principal, current, AccessType.ADMIN)
        if not decision:
            raise AccessChangeDeniedError(
                "only the owner, or who has Admin access, may change access", decision.reason
            )
    change.check()
    changed = Ownership(
        owner=current.owner if change.owner is None else change.owner,
        acls=change.applied_to(current.acls),
    )
    if change.changes_list:
        check_access_control(changed.acls)
    return changed


def ownership_on_update(
    principal: Principal,
    current: Ownership,
    *,
    owner: str | None = None,
    acls: AccessControl | None = None,
) -> Ownership:
    """Return the ownership after an update of the resource that may also say whom it belongs to.

    Args:
        principal: who asks.
        current: the ownership so far.
        owner: the new owner, or ``None`` to keep the owner.
        acls: the new list, which replaces the old one, or ``None`` to keep it.

    Raises:
        AccessChangeDeniedError: ``principal`` may not change this.
        InvalidInputError: the new owner is an empty name.
    """
    return ownership_on_change(principal, current, AccessChange(owner=owner, replace=acls))


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
