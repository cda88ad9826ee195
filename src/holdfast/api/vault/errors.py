"""Which status code and which words the Vault API has for each kind of error: the one table."""

from holdfast import errors
from holdfast.audit import AuditFailedError
from holdfast.errors import HoldfastError
from holdfast.formats.strict_json import encode
from holdfast.http.message import build_response
from holdfast.http.status import status_in
from holdfast.iam.errors import TooManyTriesError
from holdfast.store.permit import DENIED
from holdfast.store.quotas.errors import QuotaExceededError

# Clients look for these very words.
SEALED = "Vault is sealed"
DENIED_BY_POLICY = f"1 error occurred:\n\t* {DENIED}\n\n"
UNSUPPORTED = "1 error occurred:\n\t* unsupported operation\n\n"


class MediaTypeError(errors.InvalidInputError):
    """The body is of another media type than the operation takes."""


STATUS_BY_KIND: dict[type[HoldfastError], int] = {
    errors.InvalidInputError: 400,
    errors.TooLargeError: 413,
    # Clients of this API know no 401: whoever is not known may not.
    errors.UnauthenticatedError: 403,
    errors.PermissionDeniedError: 403,
    TooManyTriesError: 429,
    errors.NotFoundError: 404,
    AuditFailedError: 500,
    MediaTypeError: 415,
    errors.ConflictError: 400,
    errors.UnsupportedError: 405,
    errors.SealedError: 503,
    QuotaExceededError: 429,
    errors.LimitReachedError: 429,
    errors.UnavailableError: 503,
    errors.InternalError: 500,
}


def status_of(error: HoldfastError) -> int:
    """Return the status code for an error."""
    return status_in(STATUS_BY_KIND, error)


def refuse(error: HoldfastError) -> bytes:
    """Return the whole response for an error."""
    return build_response(status_of(error), errors_body(text_of(error)), headers=_headers(error))


def text_of(error: HoldfastError) -> str:
    """Return what a client is told of an error."""
    if isinstance(error, errors.SealedError):
        return SEALED
    if isinstance(error, errors.PermissionDeniedError) and error.message == DENIED:
        return DENIED_BY_POLICY
    if isinstance(error, errors.UnsupportedError) and error.message == "unsupported operation":
        return UNSUPPORTED
    return error.message


def _headers(error: HoldfastError) -> list[tuple[str, str]]:
    if not isinstance(error, TooManyTriesError | QuotaExceededError):
        return []
    wait = str(error.wait_seconds)
    headers = [("Retry-After", wait)]
    if isinstance(error, QuotaExceededError):
        headers += [("X-Ratelimit-Limit", str(error.limit)), ("X-Ratelimit-Remaining", "0")]
        headers.append(("X-Ratelimit-Reset", wait))
    return headers


def errors_body(text: str) -> bytes:
    """Return ``{"errors": [...]}`` with one text, or none: nothing is at the path."""
    return encode({"errors": [text] if text else []})


NOTHING_THERE = errors_body("")
