"""The error table is total: no kind of error falls through it by accident."""

import importlib

import pytest

from holdfast import errors
from holdfast.api.sdk.errors import TABLE, classify, error_answer, listener_error_body, reason_of
from holdfast.errors import HoldfastError


def every_kind():
    for room in (
        "errors",
        "node.errors",
        "providers.errors",
        "volumes.errors",
        "tokens.errors",
        "client.errors",
    ):
        importlib.import_module(f"holdfast.{room}")
    found, waiting = [], [HoldfastError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        found.append(kind)
    return sorted(set(found), key=lambda kind: kind.__qualname__)


# Kinds that exist to be derived from, and are never raised themselves.
BASES = {"HoldfastError", "RemoteError", "StorageError", "LocalError", "UsageError"}


@pytest.mark.parametrize("kind", every_kind(), ids=lambda kind: kind.__qualname__)
def test_every_kind_has_a_row(kind):
    if kind.__qualname__ not in BASES:
        assert any(issubclass(kind, row) for row, _, _ in TABLE)


def test_the_kinds_of_the_shared_tree_are_all_there():
    shared = {value for value in vars(errors).values() if isinstance(value, type)} - {HoldfastError}
    for kind in shared:
        assert any(issubclass(kind, row) for row, _, _ in TABLE)


def test_special_kinds_stand_before_general_ones():
    kinds = [kind for kind, _, _ in TABLE]
    for index, kind in enumerate(kinds):
        assert not any(issubclass(kind, earlier) for earlier in kinds[:index])


def test_an_unknown_kind_is_our_defect():
    class SomethingNewError(HoldfastError):
        pass

    assert classify(SomethingNewError("x")) == (13, 500)
    assert reason_of(SomethingNewError("x")) == "something_new"


def test_detail_stays_inside():
    _, body = error_answer(errors.ConflictError("told", detail="canary"))
    assert b"canary" not in body


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, 3), (401, 16), (404, 5), (405, 12), (408, 3), (413, 8), (431, 3), (500, 14), (503, 14), (504, 14)],
)
def test_the_listeners_refusals_have_the_same_form(status, code):
    content_type, body = listener_error_body(status, "expected something", b"/v1/x")
    assert content_type == "application/json"
    assert f'"code":{code},'.encode() in body
