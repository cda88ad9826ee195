"""Shares are counted once, expire, and tell nothing about each other."""

import base64
import itertools

import pytest

from holdfast.barrier import MalformedShareError, SealConfig, UnsealAttempt, UnsealFailedError, parse_share
from holdfast.barrier.attempt import ATTEMPT_SECONDS
from holdfast.crypto.shamir import split
from holdfast.model import SecretBytes

KEY = bytes(range(32))
SHARES = split(KEY, shares=5, threshold=3)


@pytest.fixture
def attempt(clock) -> UnsealAttempt:
    return UnsealAttempt(SealConfig(shares=5, threshold=3), clock)


def submit(attempt: UnsealAttempt, *shares: bytes) -> bytes | None:
    key = None
    for share in shares:
        key = attempt.submit(SecretBytes(share))
    return key and key.reveal()


@pytest.mark.parametrize("chosen", list(itertools.combinations(range(5), 3)), ids=str)
def test_any_three_of_five_give_the_key(attempt, chosen):
    assert submit(attempt, *(SHARES[index] for index in chosen)) == KEY


def test_progress_and_nonce_follow_the_shares(attempt):
    assert (attempt.progress, attempt.nonce) == (0, "")
    submit(attempt, SHARES[0])
    nonce = attempt.nonce
    submit(attempt, SHARES[1])
    assert (attempt.progress, len(nonce), attempt.nonce) == (2, 36, nonce)


def test_repeated_share_does_not_count(attempt):
    assert submit(attempt, SHARES[0], SHARES[1], SHARES[0], SHARES[1], SHARES[1]) is None
    assert attempt.progress == 2
    assert submit(attempt, SHARES[2]) == KEY


def test_complete_set_starts_over(attempt):
    submit(attempt, SHARES[0])
    nonce = attempt.nonce
    submit(attempt, SHARES[1], SHARES[2])
    assert (attempt.progress, attempt.nonce) == (0, "")
    submit(attempt, SHARES[0])
    assert attempt.nonce not in {"", nonce}


def test_wrong_share_gives_another_key_and_nothing_tells(attempt):
    wrong = bytes([SHARES[2][0] ^ 1]) + SHARES[2][1:]
    assert submit(attempt, *SHARES[:2], wrong) not in {None, KEY}
    assert attempt.progress == 0


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(bytes([SHARES[0][0] ^ 1]) + SHARES[0][1:], id="two-shares-from-one-place"),
        pytest.param(bytes(32) + b"\0", id="share-from-the-place-of-the-secret"),
    ],
)
def test_shares_that_cannot_belong_together_fail_like_any_wrong_key(attempt, wrong):
    with pytest.raises(UnsealFailedError, match="invalid key"):
        submit(attempt, *SHARES[:2], wrong)
    assert attempt.progress == 0


@pytest.mark.parametrize("length", [16, 31, 32, 34])
def test_share_of_another_length_costs_no_progress(attempt, length):
    submit(attempt, SHARES[0])
    with pytest.raises(MalformedShareError, match="33 bytes"):
        submit(attempt, bytes(length))
    assert attempt.progress == 1


def test_lone_share_is_the_key(clock):
    attempt = UnsealAttempt(SealConfig(shares=1, threshold=1), clock)
    with pytest.raises(MalformedShareError, match="32 bytes"):
        submit(attempt, KEY + b"\1")
    assert submit(attempt, KEY) == KEY


def test_reset_forgets_everything(attempt):
    submit(attempt, *SHARES[:2])
    attempt.reset()
    assert (attempt.progress, attempt.nonce) == (0, "")
    assert submit(attempt, SHARES[2]) is None


def test_progress_expires_ten_minutes_after_the_last_new_share(attempt, clock):
    submit(attempt, SHARES[0])
    clock.advance(ATTEMPT_SECONDS - 1)
    submit(attempt, SHARES[1])
    clock.advance(ATTEMPT_SECONDS - 1)
    assert attempt.progress == 2
    submit(attempt, SHARES[0])  # not new, so it buys no time
    clock.advance(1)
    assert (attempt.progress, attempt.nonce) == (0, "")
    assert submit(attempt, SHARES[2]) is None


def test_shares_are_wiped_when_they_are_no_longer_needed(attempt, clock):
    kept = [SecretBytes(share) for share in SHARES]
    attempt.submit(kept[0])
    attempt.submit(repeated := SecretBytes(SHARES[0]))
    assert len(repeated) == 0
    clock.advance(ATTEMPT_SECONDS)
    assert attempt.progress == 0
    for share in kept[1:4]:
        attempt.submit(share)
    assert [len(share) for share in kept] == [0, 0, 0, 0, 33]


@pytest.mark.parametrize(
    ("text", "share"),
    [
        pytest.param(SHARES[0].hex(), SHARES[0], id="hex"),
        pytest.param(SHARES[0].hex().upper(), SHARES[0], id="upper-case-hex"),
        pytest.param(base64.b64encode(SHARES[0]).decode(), SHARES[0], id="base64"),
        pytest.param(base64.b64encode(KEY).decode(), KEY, id="base64-of-a-lone-share"),
        pytest.param(KEY.hex(), KEY, id="hex-of-a-lone-share"),
        pytest.param("00" * 16, bytes(16), id="shortest"),
    ],
)
def test_share_is_read_as_hex_or_base64(text, share):
    assert parse_share(text).reveal() == share


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("00" * 15, id="hex-too-short"),
        pytest.param("00" * 34, id="hex-too-long"),
        pytest.param("0" * 65, id="odd-hex-digits"),
        pytest.param(base64.b64encode(bytes(15)).decode(), id="base64-too-short"),
        pytest.param(base64.b64encode(bytes(34)).decode(), id="base64-too-long"),
        pytest.param("A" * 45, id="base64-badly-padded"),
        pytest.param(base64.b64encode(SHARES[0]).decode() + "\n", id="trailing-newline"),
        pytest.param(" " + SHARES[0].hex(), id="leading-blank"),
        pytest.param("zz" * 33, id="neither"),
        pytest.param("é" * 44, id="not-ascii"),
        pytest.param("\ud800" * 44, id="lone-surrogates"),
        pytest.param("A" * 5_000_000, id="five-megabytes"),
    ],
)
def test_unreadable_share_is_refused_without_an_echo(text):
    with pytest.raises(MalformedShareError) as caught:
        parse_share(text)
    assert caught.value.message == "'key' must be a valid hex or base64 string"


def test_missing_share_is_told_apart():
    with pytest.raises(MalformedShareError, match="must be specified"):
        parse_share("")
