"""From a status code and a server's words to one of our error kinds. One table for all three APIs."""

from http import HTTPStatus

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

MAX_MESSAGE_CHARACTERS = 2000

KIND_BY_STATUS: dict[int, type[HoldfastError]] = {
    400: InvalidInputError,
    401: UnauthenticatedError,
    403: PermissionDeniedError,
    404: NotFoundError,
    405: UnsupportedError,
    409: ConflictError,
    412: UnavailableError,
    413: TooLargeError,
    415: InvalidInputError,
    429: UnavailableError,
    501: UnsupportedError,
}


def failure(status: int, message: str, *, reason: str = "") -> HoldfastError:
    """Return the error that an answer stands for.

    Args:
        status: HTTP status code of 400 or more.
        message: what the server said; made safe to print.
        reason: the server's machine-readable word, if it has one.
    """
    text = printable(message) or f"the server answered with status {status}"
    if status == HTTPStatus.UNAUTHORIZED:
        return UnauthenticatedError(text, reason=reason or "unauthenticated")
    if status == HTTPStatus.SERVICE_UNAVAILABLE and "sealed" in text.lower():
        return SealedError(text)
    kind = KIND_BY_STATUS.get(
        status, UnavailableError if status >= HTTPStatus.INTERNAL_SERVER_ERROR else InvalidInputError
    )
    return kind(text)


def printable(message: str) -> str:
    """Return ``message`` on one line, without terminal controls, cut to a readable length."""
    one_line = " ".join(message.split())
    return "".join(char if char.isprintable() else "?" for char in one_line)[:MAX_MESSAGE_CHARACTERS]
