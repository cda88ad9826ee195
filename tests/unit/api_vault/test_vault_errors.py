"""The table from kinds of errors to status codes: total, and the nearest kind wins."""

import json

import pytest

from holdfast import errors
from holdfast.api.vault.errors import STATUS_BY_KIND, errors_body, refuse, status_of
from holdfast.audit import AuditFailedError, AuditSinkError
from holdfast.barrier.errors import AlreadyInitializedError, RecordError, UnsealFailedError
from holdfast.engines.errors import CheckAndSetMismatchError, SecretNotFoundError
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
    ("error", "status"),
    [
        pytest.param(errors.InvalidInputError("x"), 400, id="invalid input"),
        pytest.param(errors.TooLargeError("x"), 413, id="too large"),
        pytest.param(errors.UnauthenticatedError("x"), 403, id="nobody"),
        pytest.param(errors.PermissionDeniedError("x"), 403, id="may not"),
        pytest.param(errors.NotFoundError("x"), 404, id="not found"),
        pytest.param(errors.ConflictError("x"), 400, id="conflict"),
        pytest.param(errors.UnsupportedError("x"), 405, id="unsupported"),
        pytest.param(errors.SealedError(), 503, id="sealed"),
        pytest.param(errors.UnavailableError("x"), 503, id="unavailable"),
        pytest.param(errors.InternalError("x"), 500, id="internal"),
        pytest.param(CheckAndSetMismatchError(), 400, id="check-and-set"),
        pytest.param(SecretNotFoundError(), 404, id="no secret"),
        pytest.param(UnsealFailedError(), 400, id="wrong shares"),
        pytest.param(AlreadyInitializedError(), 400, id="second initialisation"),
        pytest.param(RecordError("x"), 500, id="damaged record"),
        pytest.param(StorageFullError("x"), 503, id="full disk"),
        pytest.param(KeyTooLongError("x"), 413, id="two kinds at once"),
        pytest.param(AuditSinkError("x"), 503, id="one audit device"),
        pytest.param(AuditFailedError(), 500, id="every audit device"),
        pytest.param(StorageError("x"), 500, id="no kind at all"),
        pytest.param(HoldfastError("x"), 500, id="the base"),
    ],
)
def test_status_of(error, status):
    assert status_of(error) == status
    head, _, body = refuse(error).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"Content-Type: application/json\r\n" in head + b"\r\n"
    assert set(json.loads(body)) == {"errors"}


def test_sealed_is_said_in_the_words_that_clients_look_for():
    assert refuse(errors.SealedError("something else")).endswith(b'{"errors":["Vault is sealed"]}')


def test_detail_is_not_for_clients():
    assert b"canary" not in refuse(errors.UnavailableError("x", detail="canary"))


def test_no_text_is_no_error():
    assert errors_body("") == b'{"errors":[]}'
