"""A store that opens this one is asked beside the writer: again while it is away, never twice at once."""

import threading
from math import inf

import pytest
from tests.support.store_talk import eventually

from holdfast.clock import ManualClock
from holdfast.errors import UnavailableError
from holdfast.model import SecretBytes
from holdfast.store.other_store import ASK_EVERY_SECONDS, RENEW_AGAIN_SECONDS, OtherStore


class Simulated:
    """The other store: away, slow or there; says how often it was asked and for how long tokens live."""

    def __init__(self):
        self.away = False
        self.asked = 0
        self.renewals = 0
        self.life = 300.0
        self.answers = threading.Event()
        self.answers.set()
        self.given = []

    def wrap(self, key):
        return "vault:v1:" + key.reveal().hex()

    def unwrap(self, wrapped):
        self.asked += 1
        self.answers.wait(60)
        if self.away:
            raise UnavailableError("away")
        self.given.append(SecretBytes(wrapped.encode()))
        return self.given[-1]

    def renew(self):
        self.renewals += 1
        if self.away:
            raise UnavailableError("away")
        return self.life


@pytest.fixture
def simulated():
    return Simulated()


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def other(simulated, clock):
    return OtherStore(simulated, clock)


def test_an_answer_that_comes_in_time_is_returned(other):
    assert other.ask("text", wait_seconds=5).reveal() == b"text"


def test_a_slow_answer_keeps_nobody_and_is_found_later(other, simulated):
    simulated.answers.clear()
    assert other.ask("text") is None
    assert other.ask("text") is None
    assert simulated.asked <= 1
    simulated.answers.set()
    found = []
    eventually(lambda: found.append(other.ask("text")) or found[-1] is not None)
    assert found[-1].reveal() == b"text"
    assert simulated.asked == 1


def test_while_it_is_away_it_is_asked_again_but_not_all_the_time(other, simulated, clock):
    simulated.away = True
    for _ in range(3):
        with pytest.raises(UnavailableError):
            other.ask("text", wait_seconds=5)
        assert other.ask("text", wait_seconds=5) is None
        clock.advance(ASK_EVERY_SECONDS)
    assert simulated.asked == 3
    simulated.away = False
    assert other.ask("text", wait_seconds=5).reveal() == b"text"


def test_an_answer_that_nobody_needs_any_more_is_wiped(other, simulated, clock):
    simulated.answers.clear()
    assert other.ask("text") is None
    other.forget()
    simulated.answers.set()
    eventually(lambda: simulated.given and len(simulated.given[0]) == 0)
    clock.advance(ASK_EVERY_SECONDS)
    assert other.ask("text", wait_seconds=5).reveal() == b"text"


def renewals(other, simulated, wanted):
    def reached():
        other.keep_up()
        return simulated.renewals >= wanted

    eventually(reached)
    eventually(lambda: other._renewal is None or other._renewal.done())
    other.keep_up()
    return simulated.renewals


def test_the_token_is_renewed_whenever_a_third_of_its_life_is_over(other, simulated, clock):
    assert renewals(other, simulated, 1) == 1
    clock.advance(99)
    other.keep_up()
    assert simulated.renewals == 1
    clock.advance(1)
    assert renewals(other, simulated, 2) == 2


def test_a_token_that_lives_for_ever_is_still_looked_after_once_an_hour(other, simulated, clock):
    simulated.life = inf
    assert renewals(other, simulated, 1) == 1
    clock.advance(3599)
    other.keep_up()
    assert simulated.renewals == 1
    clock.advance(1)
    assert renewals(other, simulated, 2) == 2


def test_a_renewal_that_failed_is_tried_again_soon(other, simulated, clock):
    simulated.away = True
    assert renewals(other, simulated, 1) == 1
    clock.advance(RENEW_AGAIN_SECONDS - 1)
    other.keep_up()
    assert simulated.renewals == 1
    simulated.away = False
    clock.advance(1)
    assert renewals(other, simulated, 2) == 2
