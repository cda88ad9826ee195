"""The lock-out: growing pauses for whoever guesses, never for ever, and nothing to learn from it."""

import pytest

from holdfast.iam import lockout
from holdfast.iam.lockout import (
    FREE_TRIES_OF_NAME,
    FREE_TRIES_OF_SOURCE,
    FREE_TRIES_OF_SOURCE_AT_ALL_NAMES,
    LONGEST_PAUSE_OF_NAME_SECONDS,
    LONGEST_PAUSE_OF_SOURCE_AT_ALL_NAMES_SECONDS,
    LONGEST_PAUSE_OF_SOURCE_SECONDS,
    LoginGuard,
    source_of,
)
from holdfast.iam.try_counters import FORGOTTEN_AFTER_SECONDS

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


# -- one address that tries many names ---------------------------------------------------------------------


def invented(guard, source, count, *, now=0.0, prefix="invented"):
    """Try names that nobody has, from one source, and return how many tries were let through."""
    return sum(guard.attempt(f"{prefix}-{number}", source, now) == 0 for number in range(count))


def test_invented_names_do_not_flush_the_counters_of_a_victim(guard):
    """The attack: nine guesses, ten thousand invented names from the same address, and again."""
    now, guesses = 0.0, 0
    for turn in range(20):
        for _ in range(FREE_TRIES_OF_SOURCE - 1):
            guesses += guard.attempt("victim", HERE, now) == 0
        invented(guard, HERE, 10_000, now=now, prefix=f"turn-{turn}")
        now += 10.0
    assert guesses < 2 * FREE_TRIES_OF_SOURCE
    assert guard.attempt("victim", THERE, now) == 0


def test_names_from_one_address_are_slowed_down_to_one_a_minute_and_not_for_ever(guard):
    assert invented(guard, HERE, 1000) == FREE_TRIES_OF_SOURCE_AT_ALL_NAMES
    now, found = 0.0, []
    for turn in range(10):
        start = now
        while guard.attempt(f"later-{turn}", HERE, now):
            now += 1.0
        found.append(now - start)
    assert found[:5] == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert found[-1] == max(found) == LONGEST_PAUSE_OF_SOURCE_AT_ALL_NAMES_SECONDS
    assert guard.attempt("bob", THERE, now) == 0


def test_one_try_of_an_address_is_forgiven_each_minute(guard):
    invented(guard, HERE, FREE_TRIES_OF_SOURCE_AT_ALL_NAMES)
    assert invented(guard, HERE, 1000, now=1800.0, prefix="second") == 30
    for minute in range(31, 3000):
        assert guard.attempt(f"mistake-{minute}", HERE, minute * 60.0 + 60.0) == 0


def test_one_ipv6_network_is_one_address(guard):
    passed = 0
    for number in range(1000):
        source = source_of(f"[2001:db8:1:2::{number:x}]:4711")
        passed += guard.attempt(f"user-{number}", source, 0.0) == 0
    assert passed == FREE_TRIES_OF_SOURCE_AT_ALL_NAMES
    assert guard.attempt("user", source_of("[2001:db8:1:3::1]:4711"), 0.0) == 0


def test_success_does_not_make_an_address_forget_its_guesses_at_others(guard):
    invented(guard, HERE, FREE_TRIES_OF_SOURCE_AT_ALL_NAMES - 1)
    for _ in range(50):
        assert guard.attempt("mallory", HERE, 0.0) == 0
        guard.succeeded("mallory", HERE)
    assert guard.attempt("bob", HERE, 0.0) == 0
    assert guard.attempt("eve", HERE, 0.0) == 1
    guard.succeeded("eve", THERE)
    assert guard.attempt("eve", HERE, 0.0) == 1


def test_right_passwords_of_many_from_one_address_are_never_slowed_down(guard):
    for number in range(3 * FREE_TRIES_OF_SOURCE_AT_ALL_NAMES):
        assert guard.attempt(f"user-{number}", HERE, 0.0) == 0
        guard.succeeded(f"user-{number}", HERE)
    assert len(guard) == 0


def test_a_clock_that_is_put_back_makes_no_pause_longer(guard):
    use_up(guard, now=1_000_000.0)
    assert guard.attempt("bob", HERE, 0.0) == 1
    assert guard.attempt("bob", HERE, 1.0) == 0


# -- memory ------------------------------------------------------------------------------------------------


@pytest.fixture
def small_guard(monkeypatch):
    """A guard that remembers little."""
    monkeypatch.setattr(lockout, "MAX_COUNTERS", 50)
    return LoginGuard()


def test_memory_is_bounded_whatever_is_tried(small_guard):
    for number in range(2000):
        small_guard.attempt(f"user-{number}", f"2001:db8:{number:x}::/64", number / 1000)
    assert len(small_guard) == 3 * 50


def test_many_addresses_push_out_no_counter_with_more_tries(small_guard):
    for _ in range(FREE_TRIES_OF_SOURCE - 1):
        assert small_guard.attempt("victim", HERE, 0.0) == 0
    for number in range(2000):
        assert small_guard.attempt(f"user-{number}", f"source-{number}", 1.0) == 0
    assert small_guard.attempt("victim", HERE, 2.0) == 0
    assert small_guard.attempt("victim", HERE, 2.0) == 1


def test_a_counter_in_a_pause_is_never_dropped_and_one_after_it_may_be(small_guard):
    for number in range(50):
        use_up(small_guard, f"user-{number}", f"source-{number}")
    use_up(small_guard, "newcomer", THERE)
    assert small_guard.attempt("newcomer", THERE, 0.0) == 0  # there was no room to remember it
    waits = [small_guard.attempt(f"user-{number}", f"source-{number}", 0.0) for number in range(50)]
    assert waits == [1] * 50
    use_up(small_guard, "newcomer", THERE, now=5.0)
    assert small_guard.attempt("newcomer", THERE, 5.0) == 1
    assert len(small_guard) == 3 * 50


def test_what_is_a_day_old_goes_before_what_has_few_tries(small_guard):
    use_up(small_guard, "old", "source-old")
    for number in range(49):
        small_guard.attempt(f"user-{number}", f"source-{number}", FORGOTTEN_AFTER_SECONDS + 1.0)
    small_guard.attempt("newcomer", THERE, FORGOTTEN_AFTER_SECONDS + 2.0)
    for _ in range(FREE_TRIES_OF_SOURCE - 1):
        assert small_guard.attempt("user-0", "source-0", FORGOTTEN_AFTER_SECONDS + 3.0) == 0
    assert small_guard.attempt("user-0", "source-0", FORGOTTEN_AFTER_SECONDS + 3.0) == 1


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
