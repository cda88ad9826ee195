"""Which status code and which body the IAM API has for each kind of error: the one table.

    {"title": ..., "description": ..., "code": "ERR_..."}

Clients act on ``code``. A refused login has one description for every cause; the title may say more, but
nothing that depends on whether the user exists.
"""

from http import HTTPStatus

from holdfast import errors
from holdfast.errors import HoldfastError, InvalidInputError, UnauthenticatedError
from holdfast.formats.strict_json import encode
from holdfast.http.message import build_response
from holdfast.http.status import status_in
from holdfast.http.wrong_method import WrongMethodError
from holdfast.iam.errors import Code, TooManyTriesError
from holdfast.store.quotas.errors import QuotaExceededError


class NotAcceptableError(InvalidInputError):
    """The client wants an answer in a form that there is none in."""


class MediaTypeError(InvalidInputError):
    """The body is not in the form that is read."""


STATUS_BY_KIND: dict[type[HoldfastError], int] = {
    NotAcceptableError: 406,
    MediaTypeError: 415,
    errors.InvalidInputError: 400,
    errors.TooLargeError: 413,
    errors.UnauthenticatedError: 401,
    errors.PermissionDeniedError: 403,
    errors.NotFoundError: 404,
    errors.ConflictError: 409,
    errors.UnsupportedError: 405,
    errors.SealedError: 503,
    QuotaExceededError: 429,
    errors.LimitReachedError: 429,
    errors.UnavailableError: 503,
    errors.InternalError: 500,
}

INVALID_CREDENTIALS = "Invalid credentials."
NOT_KNOWN = "the authentication token is missing, expired or not valid"


def status_of(error: HoldfastError) -> int:
    """Return the status code for an error."""
    return status_in(STATUS_BY_KIND, error)


def refuse(error: HoldfastError) -> bytes:
    """Return the answer to a request that is refused."""
    status = status_of(error)
    body = {"title": HTTPStatus(status).phrase, "description": error.message}
    headers: list[tuple[str, str]] = []
    if isinstance(error, UnauthenticatedError):
        is_login = error.reason == Code.INVALID_CREDENTIALS
        body["description"] = INVALID_CREDENTIALS if is_login else NOT_KNOWN
        headers.append(("WWW-Authenticate", "acsjwt"))
    if isinstance(error, WrongMethodError):
        headers.append(error.header())
    if isinstance(error, TooManyTriesError):
        body["title"] = error.message
        headers.append(("Retry-After", str(error.wait_seconds)))
    if isinstance(error, QuotaExceededError):
        headers.append(("Retry-After", str(error.wait_seconds)))
    code = error.reason if error.reason in _CODES else _CODE_BY_STATUS.get(status)
    if code:
        body["code"] = code
    return build_response(status, encode(body), headers=headers)


_CODES = frozenset(Code)
_CODE_BY_STATUS = {400: Code.INVALID_DATA.value, 413: Code.INVALID_DATA.value}
