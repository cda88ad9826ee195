"""Nobody holds a connection for longer than the limits say; the clock is turned by hand."""

import asyncio

import pytest
from tests.support.http_wire import Wire, get, put, statuses

from holdfast.http.limits import Limits


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        pytest.param(b"G", 10, id="one-byte"),
        pytest.param(b"GET /v1/a HTTP/1.1\r\nHost: st", 10, id="half-a-head"),
        pytest.param(get() + b"GET", 10, id="half-a-head-after-a-request"),
        pytest.param(put(b"abc")[:-1], 30, id="a-body-short-of-a-byte"),
    ],
)
def test_a_request_that_stays_unfinished_gets_408(sent, seconds):
    wire = Wire()
    wire.send(sent)
    assert wire.pass_time(seconds) == b""
    assert statuses(wire.pass_time(2)) == [408]
    wire.pass_time(4)
    assert wire.transport.aborted


def test_a_trickle_does_not_extend_the_time():
    wire, answered = Wire(), b""
    for byte in get()[:12]:
        wire.send(bytes([byte]))
        answered += wire.pass_time(1)
    assert statuses(answered) == [408]


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [pytest.param(b"", 10, id="silent-from-the-start"), pytest.param(get(), 60, id="idle-after-a-request")],
)
def test_a_silent_connection_is_closed_without_a_word(sent, seconds):
    wire = Wire()
    wire.send(sent)
    wire.pass_time(seconds)
    assert not wire.transport.closed
    assert wire.pass_time(2) == b""
    assert wire.transport.closed


def test_a_connection_in_use_is_never_idle():
    wire = Wire()
    for _ in range(10):
        assert statuses(wire.send(get())) == [200]
        wire.pass_time(50)
    assert not wire.transport.closed


def test_a_request_without_an_answer_gets_504_and_a_late_answer_is_dropped():
    wire = Wire(hold_answers=True)
    wire.send(put(b"1") + put(b"2"))
    assert wire.pass_time(90) == b""
    assert statuses(wire.pass_time(2)) == [504]
    assert wire.answer_next() == b""


def test_waiting_for_an_answer_is_not_idling():
    wire = Wire(hold_answers=True)
    wire.send(get())
    wire.pass_time(80)
    assert statuses(wire.answer_next()) == [200]
    wire.pass_time(59)
    assert not wire.transport.closed


def test_a_slow_head_behind_a_request_in_flight_is_refused_after_its_answer():
    wire = Wire(hold_answers=True)
    wire.send(put(b"1") + b"GET /v1/slow")
    assert wire.pass_time(12) == b""
    assert statuses(wire.answer_next()) == [200, 408]


def test_time_does_not_run_while_we_are_the_ones_not_reading():
    wire = Wire(Limits(queued_requests=1), hold_answers=True)
    wire.send(get() + get() + b"GET /v1/third HTTP/1.1\r\n")
    assert not wire.transport.reading
    wire.pass_time(60)
    assert statuses(wire.answer_next()) == [200]
    assert statuses(wire.answer_next()) == [200]
    wire.send(b"Host: store\r\n\r\n")
    assert statuses(wire.answer_next()) == [200]


def test_a_peer_that_does_not_read_is_cut_off():
    wire = Wire()
    wire.connection.pause_writing()
    wire.pass_time(89)
    assert not wire.transport.aborted
    wire.pass_time(3)
    assert wire.transport.aborted


def drain(wire, grace_seconds=0.05):
    return asyncio.run(wire.connections.drain(grace_seconds))


def close_like_a_transport(wire):
    """What an event loop does some time after close() or abort()."""
    wire.connection.connection_lost(None)


def test_draining_closes_an_idle_connection_at_once():
    wire = Wire()
    wire.connection.finish()
    assert wire.transport.closed


def test_draining_lets_a_request_in_flight_finish_and_takes_no_other():
    wire = Wire(hold_answers=True)
    wire.send(get())
    wire.connection.finish()
    assert not wire.transport.closed
    answer = wire.answer_next()
    assert b"Connection: close" in answer
    assert wire.transport.closed


@pytest.mark.parametrize("cut", [pytest.param(10, id="in-the-head"), pytest.param(-1, id="in-the-body")])
def test_draining_lets_a_half_received_request_finish(cut):
    wire, request = Wire(), put(b"abc")
    wire.send(request[:cut])
    wire.connection.finish()
    answer = wire.send(request[cut:] + get())
    assert statuses(answer) == [200]
    assert b"Connection: close" in answer
    assert wire.transport.closed


def test_draining_ends_when_the_last_connection_does():
    async def scenario():
        wire = Wire(hold_answers=True)
        wire.send(get())
        asyncio.get_running_loop().call_soon(close_like_a_transport, wire)
        return await wire.connections.drain(5)

    assert asyncio.run(scenario()) is True


def test_draining_cuts_off_what_outlives_the_grace():
    wire = Wire(hold_answers=True)
    wire.send(get())
    assert drain(wire) is False
    assert wire.transport.aborted


def test_no_connection_is_admitted_while_draining():
    wire = Wire()
    close_like_a_transport(wire)
    assert drain(wire) is True
    assert wire.connections.add(wire.connection) is False
