"""Which status code and which words the DC/OS Secrets API has for each kind of error: the one table."""

from holdfast import errors
from holdfast.errors import HoldfastError
from holdfast.formats.strict_json import encode

STATUS_BY_KIND: dict[type[HoldfastError], tuple[int, str]] = {
    errors.InvalidInputError: (400, "Bad Request"),
    errors.TooLargeError: (413, "Payload Too Large"),
    errors.UnauthenticatedError: (401, "Unauthorized"),
    errors.PermissionDeniedError: (403, "Forbidden"),
    errors.NotFoundError: (404, "Not Found"),
    errors.ConflictError: (409, "Conflict"),
    errors.UnsupportedError: (405, "Method Not Allowed"),
    errors.SealedError: (503, "Service Unavailable"),
    errors.UnavailableError: (503, "Service Unavailable"),
    errors.InternalError: (500, "Internal Server Error"),
}

# Clients look for these words: a create falls back to an update on the first, tests match the second.
ALREADY_EXISTS = "the secret already exists"
DOES_NOT_EXIST = "the secret does not exist"
UNKNOWN_STORE = "store not found"
NOT_KNOWN = "the authentication token is missing, expired or not valid"


def status_of(error: HoldfastError) -> tuple[int, str]:
    """Return status code and title for an error: those of the nearest kind it derives from, else 500."""
    for kind in type(error).__mro__:
        if kind in STATUS_BY_KIND:
            return STATUS_BY_KIND[kind]
    return STATUS_BY_KIND[errors.InternalError]


def error_body(title: str, description: str) -> bytes:
    """Return the JSON body of an error."""
    return encode({"title": title, "description": description})
