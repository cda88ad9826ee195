"""The kinds of failure that every room shares, and the promise about their texts.

    HoldfastError
    ├── InvalidInputError       the caller sent something that cannot be right; names the field
    │   └── TooLargeError       ... because it is over a stated limit
    ├── UnauthenticatedError    nobody we know: missing, expired, forged or revoked credential
    ├── PermissionDeniedError   somebody we know, who may not
    ├── NotFoundError           nothing is there
    ├── ConflictError           the thing is not in the state that the caller assumed
    ├── UnsupportedError        understood, but this build or this host does not do it
    ├── SealedError             the store holds no key at the moment
    ├── UnavailableError        a part that we need is away; trying again later may help
    │   └── LimitReachedError   ... because there is as much as operators allow
    └── InternalError           our own defect; never the answer to bad input

A room derives its own errors from these kinds, so that each wire API needs one table from kind to
status code. The text of an error goes to the client: it names the field, what was expected and what
to do next, and carries neither a secret nor the value that was submitted. ``detail`` goes to the
operator's log only, and carries no secret either.
"""


class HoldfastError(Exception):
    """Base of every error that Holdfast raises on purpose.

    Args:
        message: what the client is told.
        detail: what only the operator's log is told; never a secret.
        reason: a stable word that a program can act on, such as ``expired``; empty where there is none.
    """

    def __init__(self, message: str, *, detail: str = "", reason: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.reason = reason


class InvalidInputError(HoldfastError):
    """The caller sent something malformed, out of range or contradictory."""


class TooLargeError(InvalidInputError):
    """The caller sent more than a stated limit allows."""


class UnauthenticatedError(HoldfastError):
    """The credential is missing, malformed, expired, forged or revoked.

    Args:
        message: what the client is told.
        reason: a stable word a program can act on, such as ``expired``.
        detail: what only the operator's log is told.
    """

    def __init__(self, message: str, *, reason: str = "unauthenticated", detail: str = "") -> None:
        super().__init__(message, detail=detail, reason=reason)


class PermissionDeniedError(HoldfastError):
    """The caller is known and may not do this."""


class NotFoundError(HoldfastError):
    """Nothing is stored, mounted or running under that name."""


class ConflictError(HoldfastError):
    """The thing is not in the state that the request assumed."""


class UnsupportedError(HoldfastError):
    """The request is understood, but not offered here."""


class SealedError(HoldfastError):
    """The store is sealed: it holds no key and answers nothing about its content."""

    def __init__(self, message: str = "the store is sealed", *, detail: str = "") -> None:
        super().__init__(message, detail=detail)


class UnavailableError(HoldfastError):
    """A part that the request needs is away, full or too slow; the request changed nothing."""


class LimitReachedError(UnavailableError):
    """There is as much already as operators allow; something has to end first."""


class InternalError(HoldfastError):
    """A defect of ours. The client gets a generic text and a request id, the log gets the rest."""
