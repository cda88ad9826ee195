"""Keys that a provider publishes: asked for no more often than needed, by one thread, trusted for hours."""

import threading

import pytest

from holdfast.clock import ManualClock
from holdfast.errors import UnavailableError
from holdfast.tokens.ec_key import EcSigningKey
from holdfast.tokens.errors import IssuerUnavailableError, TokenError
from holdfast.tokens.keys import Algorithm
from holdfast.tokens.published_keys import (
    FRESH_SECONDS,
    LOST_SECONDS,
    MAX_ASKING,
    MAX_WAITING,
    PAUSE_AFTER_FAILURE_SECONDS,
    PAUSE_SECONDS,
    STALE_SECONDS,
    KeySet,
    PublishedKeys,
)

ES256 = Algorithm.ES256
KEYS = {name: EcSigningKey.generate(key_id=name).verifying_key() for name in ("k1", "k2")}


class Provider:
    """What a provider publishes at the moment, and how often it was asked."""

    def __init__(self) -> None:
        self.names = ["k1"]
        self.algorithms = frozenset({ES256})
        self.away = False
        self.asked = 0
        self.questions: list = []

    def fetch(self) -> KeySet:
        self.asked += 1
        if self.away:
            raise UnavailableError("the token provider cannot be asked")
        return KeySet(tuple(KEYS[name] for name in self.names), self.algorithms)


@pytest.fixture
def provider():
    return Provider()


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def published(provider, clock):
    """Keys that are fetched the moment somebody asks."""
    return PublishedKeys(provider.fetch, clock=clock, spawn=lambda work: work())


@pytest.fixture
def slow(provider, clock):
    """Keys that are fetched when the test says so."""
    return PublishedKeys(provider.fetch, clock=clock, spawn=provider.questions.append)


def found(published, key_id="k1", algorithm=ES256):
    try:
        return [key.key_id for key in published.find(algorithm, key_id)]
    except (TokenError, IssuerUnavailableError) as error:
        return error.reason


def test_nobody_is_asked_before_a_token_comes(published, provider):
    assert provider.asked == 0
    assert found(published) == ["k1"]
    assert found(published) == ["k1"]
    assert provider.asked == 1


def test_a_new_key_works_with_its_first_token(published, provider, clock):
    found(published)
    provider.names = ["k2", "k1"]
    clock.advance(PAUSE_SECONDS)

    assert found(published, "k2") == ["k2"]
    assert found(published, "k1") == ["k1"]
    assert provider.asked == 2


def test_invented_keys_do_not_make_it_ask_over_and_over(published, provider, clock):
    found(published)
    for number in range(100):
        assert found(published, f"invented-{number}") == "unknown_key"
    assert provider.asked == 1
    clock.advance(PAUSE_SECONDS)
    for number in range(100):
        assert found(published, f"invented-{number}") == "unknown_key"
    assert provider.asked == 2


def test_a_withdrawn_key_stops_within_minutes(published, provider, clock):
    found(published)
    provider.names = ["k2"]
    clock.advance(FRESH_SECONDS - 1)
    assert found(published) == ["k1"]
    clock.advance(1)
    found(published)  # asks, and need not wait for it
    assert found(published) == "unknown_key"


def test_known_keys_live_through_an_outage_of_hours_and_no_longer(published, provider, clock):
    found(published)
    provider.away = True
    clock.advance(STALE_SECONDS - 1)
    assert found(published) == ["k1"]
    clock.advance(1)
    assert found(published) == "issuer_unavailable"


def test_during_an_outage_an_unknown_key_is_not_said_to_be_wrong(published, provider, clock):
    found(published)
    provider.away = True
    clock.advance(PAUSE_SECONDS)
    assert found(published, "k2") == "issuer_unavailable"
    assert found(published, "k2") == "issuer_unavailable"
    assert provider.asked == 2


def test_it_works_as_soon_as_the_provider_is_there(published, provider, clock):
    provider.away = True
    for _ in range(10):
        assert found(published) == "issuer_unavailable"
    assert provider.asked == 1
    provider.away = False
    clock.advance(PAUSE_AFTER_FAILURE_SECONDS)
    assert found(published) == ["k1"]


def test_what_is_no_key_set_is_an_outage(clock):
    def broken() -> KeySet:
        raise ZeroDivisionError

    published = PublishedKeys(broken, clock=clock, spawn=lambda work: work())
    assert found(published) == "issuer_unavailable"


def test_only_what_the_provider_signs_with_counts(published, provider):
    provider.algorithms = frozenset({Algorithm.RS256})
    assert found(published) == "unsupported_algorithm"
    assert found(published, algorithm=Algorithm.HS256) == "unsupported_algorithm"
    assert found(published, algorithm=Algorithm.RS256) == "unknown_key"
    assert provider.asked == 1


def test_a_token_without_key_id_may_be_of_any_key(published, provider):
    provider.names = ["k1", "k2"]
    assert found(published, "") == ["k1", "k2"]


def test_other_keys_are_told_to_who_remembers_tokens(published, provider, clock):
    told = []
    published.when_changed(lambda: told.append(provider.names))
    found(published)
    clock.advance(FRESH_SECONDS)
    found(published)
    assert told == [["k1"]]  # the same once more is no change
    provider.names = ["k2"]
    clock.advance(FRESH_SECONDS)
    found(published)
    assert told == [["k1"], ["k2"]]


def test_a_token_is_looked_at_again_while_keys_may_change(published, clock):
    found(published)
    assert published.good_until(clock.now()) == clock.now() + FRESH_SECONDS
    clock.advance(FRESH_SECONDS + 5)
    assert published.good_until(clock.now()) == clock.now() + PAUSE_SECONDS
    fetched = clock.now() - FRESH_SECONDS - 5
    clock.advance(STALE_SECONDS - FRESH_SECONDS - 5 - 1)
    assert published.good_until(clock.now()) == fetched + STALE_SECONDS


def test_one_asks_two_wait_and_the_others_are_told_at_once(slow, provider):
    """However many tokens come while a provider hangs, other issuers' tokens find threads that are free."""
    outcomes: list = []
    threads = [threading.Thread(target=lambda: outcomes.append(found(slow))) for _ in range(8)]
    for thread in threads:
        thread.start()
    ended = 8 - MAX_WAITING
    for _ in range(6000):
        if len(outcomes) >= ended:
            break
        threading.Event().wait(0.01)
    assert outcomes == ["issuer_unavailable"] * ended
    assert len(provider.questions) == 1
    provider.questions.pop()()
    for thread in threads:
        thread.join(60)

    assert outcomes[ended:] == [["k1"]] * MAX_WAITING
    assert provider.asked == 1


def test_a_known_key_waits_for_nobody(slow, provider, clock):
    slow.prefetch()
    provider.questions.pop()()
    clock.advance(FRESH_SECONDS)
    assert found(slow) == ["k1"]
    assert found(slow) == ["k1"]
    assert len(provider.questions) == 1  # under way


def test_a_question_that_is_never_answered_is_asked_anew_and_not_without_end(slow, provider, clock):
    slow.prefetch()
    for _ in range(10):
        clock.advance(LOST_SECONDS)
        slow.prefetch()
    assert len(provider.questions) == MAX_ASKING
    for answer in reversed(provider.questions):  # the one that is given up comes too late to count
        provider.names = ["k2"] if answer is provider.questions[0] else ["k1"]
        answer()
    assert found(slow) == ["k1"]


def test_a_host_without_threads_is_an_outage(provider, clock):
    def none_left(_work) -> None:
        raise RuntimeError("can't start new thread")

    published = PublishedKeys(provider.fetch, clock=clock, spawn=none_left)
    for _ in range(2 * MAX_ASKING):
        assert found(published) == "issuer_unavailable"
        clock.advance(PAUSE_AFTER_FAILURE_SECONDS)
