"""Why a command was not started.

LocalError
├── NotDeliverableError     secrets are missing, refused, or do not fit where they should go
└── NotExecutableError      the program is missing, or cannot be run
"""

from collections.abc import Sequence

from holdfast.cli.errors import LocalError


class NotDeliverableError(LocalError):
    """Not every secret can be delivered. The text lists all of them, one a line.

    Args:
        problems: one sentence for each secret; names and reasons, never a value.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n  ".join(["the command was not started:", *problems]))


class NotExecutableError(LocalError):
    """The program cannot be run.

    Args:
        message: why.
        code: what a shell exits with: 126 if it is there and cannot be run, 127 if it is not there.
    """

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.code = code
