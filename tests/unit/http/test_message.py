"""Answers are complete, framed right, and carry the headers that secrets need."""

import pytest
from tests.support.http_wire import answers_in

from holdfast.errors import InternalError
from holdfast.http.message import build_response


def test_an_answer_has_its_length_and_the_protective_headers():
    response = build_response(200, b'{"a":1}', headers=[("X-Vault-Hostname", "h1")])
    (answer,) = answers_in(response)
    assert response.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.body == b'{"a":1}'
    assert answer.headers == {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Type": "application/json",
        "X-Vault-Hostname": "h1",
        "Content-Length": "7",
    }


def test_an_empty_body_is_announced_as_empty():
    (answer,) = answers_in(build_response(404))
    assert (answer.headers["Content-Length"], answer.body) == ("0", b"")


def test_204_has_neither_body_nor_length():
    response = build_response(204, headers=[("X-A", "1")])
    (answer,) = answers_in(response)
    assert set(answer.headers) == {"Cache-Control", "X-Content-Type-Options", "X-A"}
    with pytest.raises(InternalError):
        build_response(204, b"{}")


@pytest.mark.parametrize("status", [472, 473])
def test_statuses_that_only_health_checks_know_are_legal(status):
    assert answers_in(build_response(status, b"{}"))[0].status == status


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(("X-A", "b\r\nSet-Cookie: c"), id="line-break-in-value"),
        pytest.param(("X-A\r\nX-B", "c"), id="line-break-in-name"),
        pytest.param(("X-A: b", "c"), id="colon-in-name"),
        pytest.param(("X-A", "b\0"), id="nul"),
        pytest.param(("X-A", "ü"), id="beyond-ascii"),
    ],
)
def test_a_header_cannot_split_the_answer(header):
    with pytest.raises(InternalError):
        build_response(200, b"", headers=[header])


def test_a_content_type_cannot_split_the_answer():
    with pytest.raises(InternalError):
        build_response(200, b"", content_type="text/plain\r\nX: y")
