"""What the barrier can report.

InternalError
└── RecordError                a stored record is not what was written there
    └── UnknownTermError       ... or was written under a key that this process has not got yet
ConflictError
└── AlreadyInitializedError    keys exist already; making new ones would lose everything
InvalidInputError
├── MalformedShareError        not the text of a share of this store; no progress was lost
└── UnsealFailedError          enough shares, and they do not open the store
UnavailableError
└── AllowanceError             the active key may not encrypt any more until more is reserved
    └── RotatedElsewhereError  ... because another node has rotated the keyring
"""

from holdfast.errors import ConflictError, InternalError, InvalidInputError, UnavailableError


class RecordError(InternalError):
    """A stored record does not open: changed, moved, cut, of another kind, or of an unknown term.

    Which of these it is stays unsaid, in the log too; the log names the record.

    Args:
        path: storage key of the record.
    """

    def __init__(self, path: str) -> None:
        super().__init__("a stored record failed its check", detail=f"record at {path!r} failed its check")


class UnknownTermError(RecordError):
    """The record names a term that is not in the keyring: changed, or written by a node that has rotated."""


class AlreadyInitializedError(ConflictError):
    """The store has its keys. A second initialisation is refused."""

    def __init__(self) -> None:
        super().__init__("Vault is already initialized")  # the sentence that Vault clients look for


class MalformedShareError(InvalidInputError):
    """The text submitted as a share cannot be one."""


class UnsealFailedError(InvalidInputError):
    """The shares combine to a key that does not open the store. Which share was wrong cannot be told."""

    def __init__(self) -> None:
        super().__init__("invalid key: these shares do not open the store, and collecting starts over")


class AllowanceError(UnavailableError):
    """The encryptions reserved for the active key are used up, or its limit is reached."""


class RotatedElsewhereError(AllowanceError):
    """Another node has rotated the keyring; take its keyring, and try again."""

    def __init__(self) -> None:
        super().__init__("the keyring was rotated by another node: try again")
