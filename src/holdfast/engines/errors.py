"""What an engine refuses, and why.

InvalidInputError
├── CheckAndSetRequiredError    this key or mount takes no write without a version number
└── UpgradedError               the mount got versions while this was on its way
ConflictError
├── CheckAndSetMismatchError    somebody wrote in between
└── SecretExistsError           a create found a live secret
NotFoundError
├── SecretNotFoundError         nothing was ever written there, or the version was trimmed
└── VersionGoneError            there is a version, but deleted or destroyed; carries its metadata
"""

from holdfast.errors import ConflictError, InvalidInputError, NotFoundError

_METADATA = "metadata "


class CheckAndSetRequiredError(InvalidInputError):
    """The key or its mount demands the number of the current version with every write.

    Args:
        of_metadata: whether it is the version of its metadata.
    """

    def __init__(self, *, of_metadata: bool = False) -> None:
        super().__init__(f"{_METADATA if of_metadata else ''}check-and-set parameter required for this call")


class UpgradedError(InvalidInputError):
    """What was asked of a mount without versions arrived when it had them."""

    def __init__(self) -> None:
        super().__init__("Upgrading from non-versioned to versioned data: the mount has versions now")


class CheckAndSetMismatchError(ConflictError):
    """The version number that the caller expected is not the current one.

    Args:
        of_metadata: whether it is the version of its metadata.
    """

    def __init__(self, *, of_metadata: bool = False) -> None:
        prefix = _METADATA if of_metadata else ""
        super().__init__(f"{prefix}check-and-set parameter did not match the current version")


class SecretExistsError(ConflictError):
    """The caller wanted to create a secret, and a live one is there."""

    def __init__(self) -> None:
        super().__init__("a secret already exists at this path; update it instead")


class SecretNotFoundError(NotFoundError):
    """No secret, or no such version of it."""

    def __init__(self) -> None:
        super().__init__("the secret does not exist")


class VersionGoneError(NotFoundError):
    """The version exists, but its content was deleted or destroyed.

    Args:
        metadata_json: the metadata of that version, which clients are shown with the refusal.
    """

    def __init__(self, metadata_json: bytes) -> None:
        super().__init__("the current version of the secret is deleted")
        self.metadata_json = metadata_json
