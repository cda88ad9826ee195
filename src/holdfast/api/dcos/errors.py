"""Which status code and which words the DC/OS Secrets API has for each kind of error: the one table."""

from http import HTTPStatus

from holdfast import errors
from holdfast.errors import HoldfastError
from holdfast.formats.strict_json import encode
from holdfast.http.message import build_response
from holdfast.http.status import status_in
from holdfast.http.wrong_method import WrongMethodError
from holdfast.store.quotas.errors import QuotaExceededError

STATUS_BY_KIND: dict[type[HoldfastError], int] = {
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

# Clients look for these words: a create falls back to an update on the first, tests match the second.
ALREADY_EXISTS = "the secret already exists"
DOES_NOT_EXIST = "the secret does not exist"
UNKNOWN_STORE = "store not found"
PAYLOAD_TOO_LARGE = "Payload Too Large"
NOT_KNOWN = "the authentication token is missing, expired or not valid"


def status_of(error: HoldfastError) -> int:
    """Return the status code for an error."""
    return status_in(STATUS_BY_KIND, error)


def refuse(error: HoldfastError) -> bytes:
    """Return the response for an error."""
    status, description = status_of(error), error.message
    headers: tuple[tuple[str, str], ...] = ()
    if isinstance(error, errors.UnauthenticatedError):
        description, headers = NOT_KNOWN, (("WWW-Authenticate", "acsjwt"),)
    elif isinstance(error, WrongMethodError):
        headers = (error.header(),)
    elif isinstance(error, QuotaExceededError):
        headers = (("Retry-After", str(error.wait_seconds)),)
    elif isinstance(error, errors.NotFoundError) and not description:
        description = DOES_NOT_EXIST
    elif isinstance(error, errors.ConflictError) and not description:
        description = ALREADY_EXISTS
    return build_response(status, error_body(title_of(status), description), headers=headers)


def not_implemented() -> bytes:
    """Return the response of an endpoint that the API describes and nobody ever offered."""
    body = error_body(title_of(501), "secrets have no leases: nothing is renewed or revoked")
    return build_response(501, body)


def error_body(title: str, description: str) -> bytes:
    """Return the JSON body of an error."""
    return encode({"title": title, "description": description})


def title_of(status: int) -> str:
    """Return the title that goes with a status code, the same whatever version of Python this is."""
    return PAYLOAD_TOO_LARGE if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else HTTPStatus(status).phrase
