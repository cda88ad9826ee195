"""The table from kinds of errors to status codes of the DC/OS API: total, and the nearest kind wins."""

import pytest

from holdfast import errors
from holdfast.api.dcos.errors import STATUS_BY_KIND, status_of, title_of
from holdfast.audit import AuditFailedError
from holdfast.engines.errors import CheckAndSetRequiredError, SecretExistsError, SecretNotFoundError
from holdfast.errors import HoldfastError
from holdfast.storage.errors import KeyTooLongError, StorageError, StorageFullError

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, HoldfastError) and kind is not HoldfastError
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_has_a_row_of_its_own(kind):
    assert kind in STATUS_BY_KIND
    assert status_of(kind("text")) == STATUS_BY_KIND[kind]


@pytest.mark.parametrize(
    ("error", "status", "title"),
    [
        pytest.param(errors.InvalidInputError("x"), 400, "Bad Request", id="invalid input"),
        pytest.param(errors.TooLargeError("x"), 413, None, id="too large"),
        pytest.param(errors.UnauthenticatedError("x"), 401, "Unauthorized", id="nobody"),
        pytest.param(errors.PermissionDeniedError("x"), 403, "Forbidden", id="may not"),
        pytest.param(errors.NotFoundError("x"), 404, "Not Found", id="not found"),
        pytest.param(errors.ConflictError("x"), 409, "Conflict", id="conflict"),
        pytest.param(errors.UnsupportedError("x"), 405, "Method Not Allowed", id="unsupported"),
        pytest.param(errors.SealedError(), 503, "Service Unavailable", id="sealed"),
        pytest.param(errors.UnavailableError("x"), 503, "Service Unavailable", id="unavailable"),
        pytest.param(errors.InternalError("x"), 500, "Internal Server Error", id="internal"),
        pytest.param(SecretExistsError(), 409, "Conflict", id="secret exists"),
        pytest.param(SecretNotFoundError(), 404, "Not Found", id="no secret"),
        pytest.param(CheckAndSetRequiredError(), 400, "Bad Request", id="check-and-set"),
        pytest.param(StorageFullError("x"), 503, "Service Unavailable", id="full disk"),
        pytest.param(KeyTooLongError("x"), 413, None, id="two kinds at once"),
        pytest.param(AuditFailedError(), 503, "Service Unavailable", id="every audit device"),
        pytest.param(StorageError("x"), 500, "Internal Server Error", id="no kind at all"),
    ],
)
def test_status_of(error, status, title):
    assert status_of(error) == status
    assert title is None or title_of(status) == title
