"""Requests come out whole however their bytes are split, and answers go back in the order of the requests."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.http_wire import Wire, answers_in, echo_of, get, put, statuses

from holdfast.errors import InternalError
from holdfast.http.limits import Limits
from holdfast.http.message import build_response

CHUNKED = (
    get("/v1/c", "Transfer-Encoding: chunked", method="POST")
    + b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX: 1\r\n\r\n"
)

CONVERSATION = [
    get("/v1/list/", method="LIST"),
    put(b'{"a": 1}'),
    get("/v1/list/", "Accept: */*", method="LIST"),
    CHUNKED,
    get("/v1/scan/", method="SCAN"),
    get(),
    get(method="DELETE"),
    put(b""),
]
ANSWERS = [
    b"LIST /v1/list/ ",
    b'PUT /v1/a {"a": 1}',
    b"LIST /v1/list/ ",
    b"POST /v1/c abcde",
    b"SCAN /v1/scan/ ",
    b"GET /v1/a ",
    b"DELETE /v1/a ",
    b"PUT /v1/a ",
]


def test_one_request_after_another_on_one_connection():
    wire = Wire()
    bodies = [answers_in(wire.send(request))[0].body for request in CONVERSATION]
    assert bodies == ANSWERS


@pytest.mark.parametrize("piece_bytes", [1, 2, 3, 5, 7])
def test_every_split_gives_the_same_requests(piece_bytes):
    wire = Wire()
    answers = b"".join(wire.send(request, piece_bytes=piece_bytes) for request in CONVERSATION)
    assert [answer.body for answer in answers_in(answers)] == ANSWERS


@given(st.lists(st.integers(1, 60), min_size=1, max_size=60))
def test_a_stream_cut_anywhere_gives_the_same_requests(cuts):
    stream = b"".join(request for request in CONVERSATION if request[:4] not in {b"LIST", b"SCAN"})
    wire, position, answered = Wire(), 0, b""
    for cut in [*cuts, len(stream)]:
        if stream[position : position + cut]:
            answered += wire.send(stream[position : position + cut])
        position += cut
    expected = [body for body in ANSWERS if body[:4] not in {b"LIST", b"SCAN"}]
    assert [answer.body for answer in answers_in(answered)] == expected


@pytest.mark.parametrize("cut", range(1, len(get(method="LIST"))))
def test_list_survives_a_cut_at_every_byte(cut):
    wire, request = Wire(), get(method="LIST")
    assert wire.send(put(b"xyz")) != b""
    assert wire.send(request[:cut]) == b""
    (answer,) = answers_in(wire.send(request[cut:]))
    assert answer.body == b"LIST /v1/a "


def test_list_inside_another_message_stays_what_it_is():
    wire = Wire()
    request = put(b"LIST /v1/b HTTP/1.1\r\n\r\n", "/v1/a")
    start = request.index(b"LIST")
    wire.send(request[:start])
    assert answers_in(wire.send(request[start:]))[0].body == b"PUT /v1/a LIST /v1/b HTTP/1.1\r\n\r\n"
    wire.send(get() + b"GET /v1/")
    assert answers_in(wire.send(b"LIST HTTP/1.1\r\nHost: store\r\n\r\n"))[0].body == b"GET /v1/LIST "


def test_list_behind_another_request_in_one_segment_is_refused_not_misread():
    assert statuses(Wire().send(get() + get(method="LIST"))) == [200, 400]


def test_pipelined_requests_wait_for_a_late_answer_and_come_in_order():
    wire = Wire(hold_answers=True)
    assert wire.send(put(b"1") + put(b"2") + put(b"3")) == b""
    assert len(wire.seen) == 1
    assert answers_in(wire.answer_next())[0].body == b"PUT /v1/a 1"
    assert len(wire.seen) == 2
    assert answers_in(wire.answer_next())[0].body == b"PUT /v1/a 2"
    assert answers_in(wire.answer_next())[0].body == b"PUT /v1/a 3"


def test_a_refusal_waits_for_the_answers_before_it():
    wire = Wire(hold_answers=True)
    assert wire.send(put(b"1") + get(method="TRACE")) == b""
    assert statuses(wire.answer_next()) == [200, 405]
    assert wire.transport.half_closed


def test_reading_pauses_when_too_many_requests_wait_and_goes_on_after():
    wire = Wire(Limits(queued_requests=2), hold_answers=True)
    wire.send(get() + get())
    assert wire.transport.reading
    wire.send(get())
    assert not wire.transport.reading
    while wire.waiting:
        wire.answer_next()
    assert wire.transport.reading
    assert len(wire.seen) == 3


def test_thousands_of_waiting_requests_are_served_without_recursion():
    wire = Wire(hold_answers=True)
    wire.send(get() * 3000)
    wire.hold_answers = False
    assert statuses(wire.answer_next()) == [200] * 3000


def test_nothing_is_handed_on_while_the_peer_does_not_read():
    wire = Wire()
    wire.connection.pause_writing()
    assert wire.send(get()) == b""
    assert wire.seen == []
    wire.connection.resume_writing()
    assert statuses(wire.transport.take()) == [200]


@pytest.mark.parametrize(
    ("request_bytes", "closes"),
    [
        pytest.param(get(), False, id="1.1"),
        pytest.param(get("/v1/a", "Connection: keep-alive"), False, id="1.1-keep-alive"),
        pytest.param(get("/v1/a", "Connection: close"), True, id="1.1-close"),
        pytest.param(b"GET /v1/a HTTP/1.0\r\n\r\n", True, id="1.0-without-host"),
        pytest.param(b"GET /v1/a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", True, id="1.0-keep-alive"),
    ],
)
def test_the_connection_closes_when_asked_to_and_says_so(request_bytes, closes):
    wire = Wire()
    (answer,) = answers_in(wire.send(request_bytes))
    assert (answer.status, wire.transport.closed, answer.headers.get("Connection")) == (
        200,
        closes,
        "close" if closes else None,
    )


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_nothing_after_the_last_request_is_served(version):
    wire = Wire()
    wish = "keep-alive" if version == "1.0" else "close"
    last = f"GET /v1/a HTTP/{version}\r\nHost: s\r\nConnection: {wish}\r\n\r\n"
    assert statuses(wire.send(last.encode() + get("/v1/b"))) == [200]
    assert [request.target for request in wire.seen] == [b"/v1/a"]


def test_head_gets_the_length_and_not_the_body():
    wire = Wire()
    (answer,) = answers_in(wire.send(get(method="HEAD")), without_body=True)
    assert answer.headers["Content-Length"] == "11"
    assert wire.send(get()).endswith(b"GET /v1/a ")


def test_a_client_that_asks_first_is_invited_to_send_its_body():
    wire = Wire()
    request = put(b"abc", "/v1/a", "Expect: 100-continue")
    assert wire.send(request[:-3]) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answers_in(wire.send(request[-3:]))[0].body == b"PUT /v1/a abc"


def test_a_client_that_asks_first_learns_that_its_body_is_too_large():
    wire = Wire(Limits(body_bytes=2))
    assert statuses(wire.send(get("/v1/a", "Content-Length: 3", "Expect: 100-continue", method="PUT"))) == [
        413
    ]


def test_a_half_closed_connection_still_gets_its_answer():
    wire = Wire(hold_answers=True)
    wire.send(get())
    assert wire.connection.eof_received() is True
    assert statuses(wire.answer_next()) == [200]
    assert wire.transport.closed
    assert Wire().connection.eof_received() is False


def test_an_answer_after_the_connection_went_is_dropped_silently(caplog):
    wire = Wire(hold_answers=True)
    wire.send(get())
    wire.connection.connection_lost(None)
    assert wire.answer_next() == b""
    assert len(wire.connections) == 0
    assert caplog.records == []


def test_a_second_answer_reaches_nobody_and_least_of_all_the_next_request(caplog):
    wire = Wire(hold_answers=True)
    wire.send(get("/v1/first"))
    first, reply = wire.waiting.pop()
    reply(echo_of(first))
    wire.transport.take()
    wire.send(get("/v1/second"))
    reply(build_response(200, b"stolen"))
    assert wire.transport.take() == b""
    assert answers_in(wire.answer_next())[0].body == b"GET /v1/second "
    assert "answered twice" in caplog.text


def test_a_defect_of_the_handler_is_a_500_with_an_id_and_the_connection_survives(caplog):
    def defective(request, reply):
        secret = "canary"  # noqa: F841 - what must not reach the log
        if request.target == b"/v1/bad":
            raise KeyError(request.body)
        if request.target == b"/v1/odd":
            raise InternalError("canary", detail="mount table out of step")
        reply(echo_of(request))

    wire = Wire(handler=defective)
    caplog.set_level(logging.ERROR)
    (answer,) = answers_in(wire.send(put(b"canary", "/v1/bad")))
    request_id = answer.body.decode().rstrip('"]}').rsplit(" ", 1)[1]
    assert answer.status == 500
    assert b"canary" not in answer.body
    assert request_id in caplog.text
    assert "KeyError" in caplog.text
    assert statuses(wire.send(put(b"", "/v1/odd") + get())) == [500, 200]
    assert "mount table out of step" in caplog.text
    assert "canary" not in caplog.text


def test_a_defect_after_the_answer_is_only_logged(caplog):
    def defective(request, reply):
        reply(echo_of(request))
        raise ValueError

    assert statuses(Wire(handler=defective).send(get() + get())) == [200, 200]
    assert caplog.text.count("ValueError") == 2


def test_a_request_shows_neither_target_nor_content_in_its_text_form():
    wire = Wire()
    wire.send(put(b"canary", "/v1/canary", "X-Vault-Token: canary"))
    assert repr(wire.seen[0]) == "Request(PUT, peer=192.0.2.7:40000)"
