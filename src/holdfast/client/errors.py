"""What a server said, or that it said nothing. Each error is also one of the kinds of ``holdfast.errors``.

    RemoteError
    ├── RemoteInvalidInputError (InvalidInputError)         RemoteConflictError (ConflictError)
    │   └── RemoteTooLargeError (TooLargeError)             RemoteUnsupportedError (UnsupportedError)
    ├── RemoteUnauthenticatedError (UnauthenticatedError)   RemoteSealedError (SealedError)
    ├── RemotePermissionDeniedError (PermissionDeniedError) RemoteUnavailableError (UnavailableError)
    └── RemoteNotFoundError (NotFoundError)

Telling them apart from our own errors matters: a storage node whose own token is refused by the store
must not tell its user that *he* may not.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from holdfast.errors import (
    ConflictError,
    HoldfastError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    SealedError,
    TooLargeError,
    UnauthenticatedError,
    UnavailableError,
    UnsupportedError,
)


class RemoteError(HoldfastError):
    """Base of everything that a server answered, or failed to answer."""


class RemoteInvalidInputError(RemoteError, InvalidInputError):
    """The server calls the request malformed."""


class RemoteTooLargeError(RemoteError, TooLargeError):
    """The request is over a limit of the server, or the answer over ours."""


class RemoteUnauthenticatedError(RemoteError, UnauthenticatedError):
    """The server does not accept the token; ``reason`` says why, if the server does."""


class RemotePermissionDeniedError(RemoteError, PermissionDeniedError):
    """The server knows the token, and refuses."""


class RemoteNotFoundError(RemoteError, NotFoundError):
    """The server has nothing there.

    Attributes:
        answer: what it says all the same, such as when a version was deleted; empty if it says nothing.
    """

    answer: Mapping[str, Any] = MappingProxyType({})


class RemoteConflictError(RemoteError, ConflictError):
    """The server's state is not what the request assumed."""


class RemoteUnsupportedError(RemoteError, UnsupportedError):
    """The server does not offer this."""


class RemoteSealedError(RemoteError, SealedError):
    """The server is a sealed store."""


class RemoteUnavailableError(RemoteError, UnavailableError):
    """No answer, an answer that makes no sense, or one that says to try later."""
