"""From an error to a gRPC code, an HTTP status and the gateway's error body. One table, total over all kinds.

    {"error": text, "message": text, "code": 7, "details": [{"@type": ..., "reason": "role_denied", ...}]}

``reason`` is a stable word: the one that the error brings, as of a token that is not believed, else its name
in lower case. ``gate`` says which gate refused: ``token``, ``role`` or ``ownership``. ``request`` is the id
that the audit log has for the call. gRPC has the same details in ``grpc-status-details-bin``.

A stream over REST, whose status has been sent by then, says at its end what went wrong:

    {"error": {"grpc_code": 16, "http_code": 401, "http_status": "Unauthorized", "message": text, ...}}
"""

import re
from enum import IntEnum
from http import HTTPStatus
from typing import Any

from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from holdfast.errors import (
    ConflictError,
    HoldfastError,
    InternalError,
    InvalidInputError,
    LimitReachedError,
    NotFoundError,
    PermissionDeniedError,
    SealedError,
    UnauthenticatedError,
    UnavailableError,
    UnsupportedError,
)
from holdfast.formats.strict_json import encode
from holdfast.http.message import JSON
from holdfast.node.errors import (
    ClusterKeyExistsError,
    CredentialExistsError,
    HeldElsewhereError,
    OtherPoolError,
    PolicyExistsError,
    RoleExistsError,
    VolumeExistsError,
)
from holdfast.providers import SecretExistsError

ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
DOMAIN = "holdfast"


class Code(IntEnum):
    """gRPC status codes (google/rpc/code.proto)."""

    INVALID_ARGUMENT = 3
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


# The first row whose kind an error is an instance of decides; special kinds stand before general ones.
TABLE: tuple[tuple[type[HoldfastError], Code, HTTPStatus], ...] = (
    (InvalidInputError, Code.INVALID_ARGUMENT, HTTPStatus.BAD_REQUEST),
    (UnauthenticatedError, Code.UNAUTHENTICATED, HTTPStatus.UNAUTHORIZED),
    (PermissionDeniedError, Code.PERMISSION_DENIED, HTTPStatus.FORBIDDEN),
    (NotFoundError, Code.NOT_FOUND, HTTPStatus.NOT_FOUND),
    (VolumeExistsError, Code.ALREADY_EXISTS, HTTPStatus.CONFLICT),
    (CredentialExistsError, Code.ALREADY_EXISTS, HTTPStatus.CONFLICT),
    (PolicyExistsError, Code.ALREADY_EXISTS, HTTPStatus.CONFLICT),
    (RoleExistsError, Code.ALREADY_EXISTS, HTTPStatus.CONFLICT),
    (ClusterKeyExistsError, Code.ALREADY_EXISTS, HTTPStatus.CONFLICT),
    (SecretExistsError, Code.ALREADY_EXISTS, HTTPStatus.CONFLICT),
    (HeldElsewhereError, Code.FAILED_PRECONDITION, HTTPStatus.BAD_REQUEST),
    (OtherPoolError, Code.FAILED_PRECONDITION, HTTPStatus.BAD_REQUEST),
    (ConflictError, Code.ABORTED, HTTPStatus.CONFLICT),
    (UnsupportedError, Code.UNIMPLEMENTED, HTTPStatus.NOT_IMPLEMENTED),
    (SealedError, Code.UNAVAILABLE, HTTPStatus.SERVICE_UNAVAILABLE),
    (LimitReachedError, Code.RESOURCE_EXHAUSTED, HTTPStatus.TOO_MANY_REQUESTS),
    (UnavailableError, Code.UNAVAILABLE, HTTPStatus.SERVICE_UNAVAILABLE),
    (InternalError, Code.INTERNAL, HTTPStatus.INTERNAL_SERVER_ERROR),
)

# What the listener itself refuses, by the status it chose.
CODE_BY_STATUS = {
    HTTPStatus.UNAUTHORIZED: Code.UNAUTHENTICATED,
    HTTPStatus.NOT_FOUND: Code.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED: Code.UNIMPLEMENTED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Code.RESOURCE_EXHAUSTED,
}

_WORD_START = re.compile(r"(?<!^)(?=[A-Z])")


def classify(error: HoldfastError) -> tuple[Code, HTTPStatus]:
    """Return the codes of an error."""
    for kind, code, status in TABLE:
        if isinstance(error, kind):
            return code, status
    return Code.INTERNAL, HTTPStatus.INTERNAL_SERVER_ERROR


def reason_of(error: HoldfastError) -> str:
    """Return the stable word of an error, such as ``expired`` or ``wrong_key``."""
    if error.reason:
        return error.reason
    return _WORD_START.sub("_", type(error).__name__.removesuffix("Error")).lower()


def error_answer(error: HoldfastError, *, request: str = "") -> tuple[HTTPStatus, bytes]:
    """Return the status and the body that an error is answered with over REST."""
    code, status = classify(error)
    return status, _body(error.message, code, reason_of(error), _metadata(error, request))


def error_part(error: HoldfastError, *, request: str = "") -> dict[str, Any]:
    """Return what an answer in parts ends with over REST, if it ends with an error."""
    code, status = classify(error)
    return {
        "grpc_code": int(code),
        "http_code": int(status),
        "message": error.message,
        "http_status": status.phrase,
        "details": [_detail(reason_of(error), _metadata(error, request))],
    }


def status_details(error: HoldfastError, *, request: str = "") -> bytes:
    """Return the ``google.rpc.Status`` that an error is answered with over gRPC."""
    status = Status(code=int(classify(error)[0]), message=error.message)
    info = ErrorInfo(reason=reason_of(error), domain=DOMAIN, metadata=_metadata(error, request))
    status.details.add().Pack(info)
    return bytes(status.SerializeToString())


def listener_error_body(status: int, text: str, target: bytes) -> tuple[str, bytes]:  # noqa: ARG001 - the ErrorBody shape
    """Word what the HTTP listener itself refuses, in the same form."""
    known = {int(known_status): code for known_status, code in CODE_BY_STATUS.items()}
    server_side = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    code = known.get(status, Code.UNAVAILABLE if server_side else Code.INVALID_ARGUMENT)
    return JSON, _body(text, code, "http", {})


def _metadata(error: HoldfastError, request: str) -> dict[str, str]:
    gate = "token" if isinstance(error, UnauthenticatedError) else getattr(error, "gate", "")
    return {name: text for name, text in (("gate", gate), ("request", request)) if text}


def _body(text: str, code: Code, reason: str, metadata: dict[str, str]) -> bytes:
    details = [_detail(reason, metadata)]
    return encode({"error": text, "message": text, "code": int(code), "details": details})


def _detail(reason: str, metadata: dict[str, str]) -> dict[str, Any]:
    detail: dict[str, Any] = {"@type": ERROR_INFO, "reason": reason, "domain": DOMAIN}
    if metadata:
        detail["metadata"] = metadata
    return detail
