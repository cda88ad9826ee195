"""What a storage engine reports.

    StorageError
    ├── InvalidKeyError            the key can never be stored
    │   └── KeyTooLongError        ... because it is over ``MAX_KEY_BYTES``
    └── StorageUnavailableError    nothing was changed; trying again later may help
        ├── StorageFullError       ... once there is room
        ├── OvertakenError         what was being read was changed by another node: read again
        ├── OutcomeUnknownError    the answer to a commit was lost: look before trying again
        └── StorageBrokenError     a commit failed half-way: whether it was stored is unknown

After a ``StorageBrokenError`` the engine refuses further writes until the process starts again. The
kernel reports a failed flush once and then forgets the pages, so a second try that succeeds
would prove nothing; opening the files anew shows what is really there.
"""

from holdfast.errors import HoldfastError, InvalidInputError, TooLargeError, UnavailableError


class StorageError(HoldfastError):
    """Base of what an engine can report."""


class InvalidKeyError(StorageError, InvalidInputError):
    """The key is empty, has an empty segment, or is not text that UTF-8 can hold."""


class KeyTooLongError(InvalidKeyError, TooLargeError):
    """The key is longer than ``MAX_KEY_BYTES``."""


class StorageUnavailableError(StorageError, UnavailableError):
    """The engine cannot serve the request now; nothing was changed."""


class StorageFullError(StorageUnavailableError):
    """No room on the disk or in the map; nothing was changed."""


class StorageBrokenError(StorageUnavailableError):
    """The engine cannot vouch for its files any more; restart the process."""


class OvertakenError(StorageUnavailableError):
    """What was to be read in a snapshot has been changed by others; starting again helps."""

    def __init__(self) -> None:
        super().__init__("storage: other nodes changed what is being read; try again")


class OutcomeUnknownError(StorageUnavailableError):
    """The connection was lost during a commit, and did not come back in time to ask what became of it."""

    def __init__(self) -> None:
        super().__init__(
            "storage: the connection was lost during the change; it is not known whether it was made"
        )
