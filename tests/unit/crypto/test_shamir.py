"""Any threshold of shares gives the secret back, fewer say nothing, by known shares too."""

import base64
import hashlib
import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.crypto import shamir
from holdfast.errors import InvalidInputError

VECTORS = Path(__file__).parents[2] / "vectors"
KNOWN = json.loads((VECTORS / "shamir_known_polynomial.json").read_text())
VAULT = json.loads((VECTORS / "shamir_vault_shares.json").read_text())

known_secret = bytes.fromhex(KNOWN["secret"])
known_shares = [bytes.fromhex(share) for share in KNOWN["shares"]]
vault_shares = [base64.b64decode(share) for share in VAULT["shares_base64"]]


def choices(shares: list[bytes], count: int) -> list[tuple[bytes, ...]]:
    return list(itertools.combinations(shares, count))


@pytest.mark.parametrize(("factors", "product"), [((0x57, 0x83), 0xC1), ((0x53, 0xCA), 0x01)])
def test_field_is_that_of_aes(factors, product):
    assert shamir._multiply(*factors, 1) == product
    assert shamir._multiply(*reversed(factors), 1) == product


def test_every_element_but_zero_has_an_inverse():
    assert all(shamir._multiply(value, shamir._inverse(value), 1) == 1 for value in range(1, 256))


def test_lanes_do_not_touch_each_other():
    lanes = bytes(range(256))
    together = shamir._multiply(int.from_bytes(lanes, "big"), 0x8D, 256).to_bytes(256, "big")
    assert together == bytes(shamir._multiply(lane, 0x8D, 1) for lane in lanes)


@pytest.mark.parametrize("expected", known_shares, ids=lambda share: f"x-{share[-1]}")
def test_known_polynomial_gives_the_known_shares(expected):
    linear = bytes((7 * i + 3) % 256 for i in range(32))
    square = bytes((13 * i + 5) % 256 for i in range(32))
    assert shamir._share_at(expected[-1], [known_secret, linear, square]) == expected


@pytest.mark.parametrize("count", [3, 4, 5])
def test_any_three_or_more_known_shares_combine_to_the_secret(count):
    assert {shamir.combine(chosen) for chosen in choices(known_shares, count)} == {known_secret}


@pytest.mark.parametrize("count", [3, 4, 5])
def test_any_three_or_more_shares_printed_by_vault_combine_to_its_key(count):
    combined = {shamir.combine(chosen) for chosen in choices(vault_shares, count)}
    assert [hashlib.sha256(key).hexdigest() for key in combined] == [VAULT["secret_sha256"]]


def test_two_of_three_shares_combine_to_nothing_in_common():
    combined = {shamir.combine(chosen) for chosen in choices(vault_shares, 2)}
    assert len(combined) == 10
    assert VAULT["secret_sha256"] not in {hashlib.sha256(key).hexdigest() for key in combined}


@given(data=st.data(), secret=st.binary(min_size=1, max_size=64))
def test_any_threshold_of_the_shares_recovers_the_secret(data, secret):
    count = data.draw(st.integers(2, 12))
    threshold = data.draw(st.integers(2, count))
    shares = shamir.split(secret, shares=count, threshold=threshold)
    chosen = data.draw(st.permutations(shares))[: data.draw(st.integers(threshold, count))]
    assert {len(share) for share in shares} == {len(secret) + 1}
    assert len({share[-1] for share in shares} - {0}) == count
    assert shamir.combine(chosen) == secret


@given(secret=st.binary(min_size=32, max_size=32))
def test_one_share_too_few_recovers_something_else(secret):
    # The chance that a random polynomial of degree 2 looks like one of degree 1 in 32 places is 2^-256.
    shares = shamir.split(secret, shares=5, threshold=3)
    assert secret not in {shamir.combine(chosen) for chosen in choices(shares, 2)}


@given(data=st.data())
def test_one_wrong_byte_in_a_share_recovers_something_else(data):
    secret = bytes(32)
    shares = shamir.split(secret, shares=3, threshold=3)
    place, position = data.draw(st.integers(0, 2)), data.draw(st.integers(0, 31))
    damaged = bytearray(shares[place])
    damaged[position] ^= data.draw(st.integers(1, 255))
    shares[place] = bytes(damaged)
    assert shamir.combine(shares) != secret


def test_largest_split_works():
    shares = shamir.split(known_secret, shares=255, threshold=255)
    assert {share[-1] for share in shares} == set(range(1, 256))
    assert shamir.combine(shares) == known_secret


def test_one_share_is_the_secret_itself():
    assert shamir.split(known_secret, shares=1, threshold=1) == [known_secret]
    assert shamir.combine([known_secret]) == known_secret


def test_every_split_draws_new_polynomials():
    first, second = (shamir.split(known_secret, shares=255, threshold=2) for _ in range(2))
    assert not set(first) & set(second)


@pytest.mark.parametrize(
    ("shares", "threshold", "field"),
    [
        pytest.param(0, 0, "secret_shares", id="no-share"),
        pytest.param(-1, 1, "secret_shares", id="negative-shares"),
        pytest.param(256, 2, "secret_shares", id="more-shares-than-coordinates"),
        pytest.param(5, 0, "secret_threshold", id="no-threshold"),
        pytest.param(5, 6, "secret_threshold", id="threshold-above-shares"),
        pytest.param(5, 1, "secret_threshold", id="every-share-would-be-the-secret"),
        pytest.param(1, 2, "secret_threshold", id="lone-share-with-threshold-two"),
    ],
)
def test_impossible_split_is_refused(shares, threshold, field):
    with pytest.raises(InvalidInputError, match=field):
        shamir.split(known_secret, shares=shares, threshold=threshold)


def test_empty_secret_is_refused():
    with pytest.raises(InvalidInputError, match="secret"):
        shamir.split(b"", shares=3, threshold=2)


@pytest.mark.parametrize(
    "shares",
    [
        pytest.param([], id="none"),
        pytest.param([b"", b""], id="empty"),
        pytest.param([b"\x01", b"\x02"], id="coordinate-only"),
        pytest.param([known_shares[0], known_shares[1][1:]], id="different-lengths"),
        pytest.param([known_shares[0], b""], id="one-empty"),
        pytest.param([known_shares[0], known_shares[0]], id="the-same-twice"),
        pytest.param([b"\x05\x01", b"\x06\x01"], id="two-values-at-one-place"),
        pytest.param([b"\x05\x01", b"\x06\x00"], id="coordinate-of-the-secret"),
    ],
)
def test_shares_that_cannot_belong_together_are_refused(shares):
    with pytest.raises(InvalidInputError, match="shares"):
        shamir.combine(shares)
