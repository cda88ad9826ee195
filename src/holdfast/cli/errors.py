"""What can go wrong on this side of a command line; ``holdfast.client.errors`` has the other side.

    HoldfastError
    └── LocalError          a file, the terminal, the environment
        └── UsageError      ... the command line itself

The usage line of the command is printed below a ``UsageError``, advice below every other.
"""

from holdfast.errors import HoldfastError


class LocalError(HoldfastError):
    """Something on this machine is missing, malformed or unsafe to use."""


class Shown(Exception):  # noqa: N818 - the command did what it was asked to
    """What a request would be was asked for, and is printed in place of sending it.

    Args:
        text: to be printed.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class UsageError(LocalError):
    """The command line cannot be understood; the text says what was expected.

    Args:
        message: what is wrong, without the value that was typed.
        usage: the usage line of the command.
    """

    def __init__(self, message: str, *, usage: str = "") -> None:
        super().__init__(message)
        self.usage = usage
