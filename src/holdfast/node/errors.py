"""What a storage node refuses, and which gate refused.

    PermissionDeniedError
    ├── RoleDeniedError         no role of the caller allows the API
    ├── OwnershipDeniedError    the API is allowed, this volume is not
    │   └── AdministratorOnlyError  ... or what storage administrators alone may do
    ├── SecretDeniedError       ... but not with the secret that was named
    └── CredentialRefusedError  a cloud credential does not open what it is for, or may not be tried there
    ConflictError
    ├── VolumeExistsError       the name is taken
    ├── CredentialExistsError   ... by a cloud credential
    ├── PolicyExistsError       ... by a storage policy
    ├── RoleExistsError         ... by a role with other rules
    ├── VolumeIncompleteError   its creation was interrupted
    ├── NotAttachedError        the volume must be attached first
    ├── HeldElsewhereError      another node has the volume
    ├── OtherPoolError          another node's pool has the volume's data
    ├── ClusterKeyExistsError   a cluster-wide key is set already
    └── NoClusterKeyError       ... or none is, and one is needed
    InvalidInputError
    └── PolicyViolationError    a storage policy does not allow the volume to be like that
    UnavailableError
    └── NoProviderError         the node has no secrets provider

Which gate refused is told to the caller; the rule and the reason go to the audit log only. What is refused
elsewhere than at a gate is not ``is_noted`` there when it is raised; see ``Gate.note_refusal``.
"""

from holdfast.errors import ConflictError, InvalidInputError, PermissionDeniedError, UnavailableError


class RoleDeniedError(PermissionDeniedError):
    """No role of the caller allows the API."""

    gate = "role"
    is_noted = True


class OwnershipDeniedError(PermissionDeniedError):
    """The volume's ownership does not allow it, or there is no such volume: callers cannot tell which."""

    gate = "ownership"
    is_noted = True


class AdministratorOnlyError(OwnershipDeniedError):
    """Only a storage administrator may, by whatever role others may call the API.

    Args:
        message: what the caller is told.
        detail: what only logs are told.
    """

    is_noted = False

    def __init__(self, message: str, *, detail: str = "the caller is not in the group *") -> None:
        super().__init__(message, detail=detail, reason="ownership_denied")


class SecretDeniedError(PermissionDeniedError):
    """The caller may not have the node use the secret that he named, be there one or not."""

    gate = "secret"
    is_noted = True


class CredentialRefusedError(PermissionDeniedError):
    """A cloud credential does not open what it is for, or the caller may not have it tried there."""


class VolumeExistsError(ConflictError):
    """Another volume has the name."""


class CredentialExistsError(ConflictError):
    """Another cloud credential has the name."""


class PolicyExistsError(ConflictError):
    """Another storage policy has the name."""


class RoleExistsError(ConflictError):
    """A role with other rules has the name."""


class VolumeIncompleteError(ConflictError):
    """The volume was never finished."""


class HeldElsewhereError(ConflictError):
    """Another node has the volume attached, or is at work on it."""


class OtherPoolError(ConflictError):
    """The volume's data is in a pool that this node does not have."""


class NotAttachedError(ConflictError):
    """The volume is not attached."""


class ClusterKeyExistsError(ConflictError):
    """The cluster-wide key is set; replacing it must be asked for."""


class NoClusterKeyError(ConflictError):
    """A cluster-wide key is needed and none is set."""


class PolicyViolationError(InvalidInputError):
    """A storage policy does not allow a volume to be what was asked for."""


class NoProviderError(UnavailableError):
    """No secrets provider is configured."""
