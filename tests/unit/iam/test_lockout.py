"""The lock-out: growing pauses for whoever guesses, never for ever, and nothing to learn from it."""

import pytest

from holdfast.iam import lockout
from holdfast.iam.lockout import (
    FORGOTTEN_AFTER_SECONDS,
    FREE_TRIES_OF_NAME,
    FREE_TRIES_OF_SOURCE,
    LONGEST_PAUSE_OF_NAME_SECONDS,
    LONGEST_PAUSE_OF_SOURCE_SECONDS,
    LoginGuard,
    source_of,
)

HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def guard():
    return LoginGuard()


def use_up(guard, uid="bob", source=HERE, *, now=0.0):
    for _ in range(FREE_TRIES_OF_SOURCE):
        assert guard.attempt(uid, source, now) == 0


def pauses(guard, source_at, count):
    """Guess as soon as it is allowed, and return how long each pause was."""
    now, found = 0.0, []
    for turn in range(count):
        start = now
        while guard.attempt("bob", source_at(turn), now):
            now += 1.0
        found.append(now - start)
    return found


def test_the_first_tries_are_free_and_then_pauses_double_up_to_the_longest(guard):
    use_up(guard)
    found = pauses(guard, lambda _: HERE, 14)
    assert found == [min(2.0**turn, LONGEST_PAUSE_OF_SOURCE_SECONDS) for turn in range(14)]


def test_a_refused_try_says_when_to_come_back_and_is_not_counted(guard):
    use_up(guard)
    for now in (0.0, 0.2, 0.9):
        assert guard.attempt("bob", HERE, now) == 1
    assert guard.attempt("bob", HERE, 1.0) == 0


def test_tries_at_the_same_time_are_counted_before_their_outcome_is_known(guard):
    outcomes = [guard.attempt("bob", HERE, 0.0) for _ in range(FREE_TRIES_OF_SOURCE + 5)]
    assert outcomes == [0] * FREE_TRIES_OF_SOURCE + [1] * 5


def test_success_forgets(guard):
    use_up(guard)
    guard.succeeded("bob", HERE)
    use_up(guard)


def test_who_guesses_from_one_address_locks_out_that_address_and_not_the_user(guard):
    use_up(guard)
    assert guard.attempt("bob", HERE, 0.0)
    assert guard.attempt("bob", THERE, 0.0) == 0


def test_another_user_is_not_locked_out(guard):
    use_up(guard)
    assert guard.attempt("eve", HERE, 0.0) == 0


def test_many_addresses_together_slow_a_user_down_and_lock_nobody_out_for_ever(guard):
    for number in range(FREE_TRIES_OF_NAME):
        assert guard.attempt("bob", f"198.51.100.{number}", 0.0) == 0
    found = pauses(guard, lambda turn: f"203.0.113.{turn}", 12)
    assert found == [min(2.0**turn, LONGEST_PAUSE_OF_NAME_SECONDS) for turn in range(12)]


def test_right_passwords_from_many_places_are_never_slowed_down(guard):
    for number in range(3 * FREE_TRIES_OF_NAME):
        source = f"198.51.100.{number}"
        assert guard.attempt("bob", source, 0.0) == 0
        guard.succeeded("bob", source)


def test_a_day_without_a_try_forgets(guard):
    use_up(guard)
    assert guard.attempt("bob", HERE, 0.5)
    use_up(guard, now=FORGOTTEN_AFTER_SECONDS + 1.0)


def test_success_of_somebody_who_was_never_counted_changes_nothing(guard):
    guard.succeeded("bob", HERE)
    assert len(guard) == 0


def test_memory_is_bounded_and_the_counters_in_use_stay(guard, monkeypatch):
    monkeypatch.setattr(lockout, "MAX_COUNTERS", 100)
    use_up(guard)
    for number in range(500):
        guard.attempt(f"user-{number}", THERE, 0.0)
        if number % 20 == 0:
            guard.attempt("bob", HERE, number * 1000.0)
    assert len(guard) <= 100
    assert guard.attempt("bob", HERE, 480_001.0) > 0


@pytest.mark.parametrize(
    ("peer", "source"),
    [
        pytest.param("192.0.2.1:4711", "192.0.2.1", id="IPv4"),
        pytest.param("[2001:db8:1:2:3:4:5:6]:4711", "2001:db8:1:2::/64", id="IPv6 is a network"),
        pytest.param("[2001:db8:1:2:ffff::1]:99", "2001:db8:1:2::/64", id="the same network"),
        pytest.param("[::ffff:192.0.2.1]:4711", "192.0.2.1", id="IPv4 in IPv6"),
        pytest.param("[fe80::1%eth0]:80", "fe80::/64", id="with a zone"),
        pytest.param("unix", "unix", id="Unix socket"),
        pytest.param("", "unix", id="unknown"),
    ],
)
def test_where_a_peer_comes_from(peer, source):
    assert source_of(peer) == source
