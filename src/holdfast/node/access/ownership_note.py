"""Ownership as records of every kind store it."""

import msgspec

from holdfast.policy.ownership import AccessControl, AccessType, Ownership


class OwnershipNote(msgspec.Struct, frozen=True, array_like=True):
    """Ownership as stored; access types by number."""

    owner: str
    groups: dict[str, int]
    collaborators: dict[str, int]
    public: int | None

    def ownership(self) -> Ownership:
        """Return what is stored.

        Raises:
            ValueError: a number that is no access type; nothing is guessed.
        """
        return Ownership(
            owner=self.owner,
            acls=AccessControl(
                groups={name: AccessType(access) for name, access in self.groups.items()},
                collaborators={name: AccessType(access) for name, access in self.collaborators.items()},
                public=None if self.public is None else AccessType(self.public),
            ),
        )


def note_of(ownership: Ownership) -> OwnershipNote:
    """Return ownership in its stored form."""
    acls = ownership.acls
    return OwnershipNote(
        ownership.owner,
        {name: int(access) for name, access in acls.groups.items()},
        {name: int(access) for name, access in acls.collaborators.items()},
        None if acls.public is None else int(acls.public),
    )
