"""From a status code and a server's words to one of our error kinds. One table for all three APIs."""

from http import HTTPStatus

from holdfast.client.errors import (
    RemoteConflictError,
    RemoteError,
    RemoteInvalidInputError,
    RemoteNotFoundError,
    RemotePermissionDeniedError,
    RemoteSealedError,
    RemoteTooLargeError,
    RemoteUnauthenticatedError,
    RemoteUnavailableError,
    RemoteUnsupportedError,
)

MAX_MESSAGE_CHARACTERS = 2000

KIND_BY_STATUS: dict[int, type[RemoteError]] = {
    400: RemoteInvalidInputError,
    401: RemoteUnauthenticatedError,
    403: RemotePermissionDeniedError,
    404: RemoteNotFoundError,
    405: RemoteUnsupportedError,
    409: RemoteConflictError,
    412: RemoteUnavailableError,
    413: RemoteTooLargeError,
    415: RemoteInvalidInputError,
    429: RemoteUnavailableError,
    501: RemoteUnsupportedError,
}


def failure(status: int, message: str, *, reason: str = "") -> RemoteError:
    """Return the error that an answer stands for.

    Args:
        status: HTTP status code of 400 or more.
        message: what the server said; made safe to print.
        reason: the server's machine-readable word, if it has one.
    """
    text = printable(message) or f"the server answered with status {status}"
    if status == HTTPStatus.UNAUTHORIZED:
        return RemoteUnauthenticatedError(text, reason=reason or "unauthenticated")
    # A storage node gives a reason, and may speak of another server that is sealed; it is not one itself.
    if status == HTTPStatus.SERVICE_UNAVAILABLE and not reason and "sealed" in text.lower():
        return RemoteSealedError(text)
    kind = KIND_BY_STATUS.get(
        status,
        RemoteUnavailableError if status >= HTTPStatus.INTERNAL_SERVER_ERROR else RemoteInvalidInputError,
    )
    return kind(text, reason=reason)


def printable(message: str) -> str:
    """Return ``message`` on one line, without terminal controls, cut to a readable length."""
    one_line = " ".join(message.split())
    return "".join(char if char.isprintable() else "?" for char in one_line)[:MAX_MESSAGE_CHARACTERS]
