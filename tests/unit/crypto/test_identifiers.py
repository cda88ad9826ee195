"""Identifiers have the shape that clients expect, and enough randomness not to be guessed."""

import math
import re

import pytest

from holdfast.crypto import identifiers


@pytest.mark.parametrize(
    ("make", "form"),
    [
        pytest.param(identifiers.new_token, r"hvs\.[0-9A-Za-z]{24}", id="token"),
        pytest.param(lambda: identifiers.new_token("s."), r"s\.[0-9A-Za-z]{24}", id="token-with-old-prefix"),
        pytest.param(identifiers.new_accessor, r"[0-9A-Za-z]{24}", id="accessor"),
        pytest.param(identifiers.new_uuid, r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", id="uuid"),
        pytest.param(lambda: identifiers.random_hex(8), r"[0-9a-f]{16}", id="hex"),
    ],
)
def test_form_and_no_repetition(make, form):
    made = [make() for _ in range(200)]
    assert all(re.fullmatch(form, text) for text in made)
    assert len(set(made)) == 200


def test_tokens_carry_at_least_128_random_bits():
    assert len(set(identifiers.BASE62)) == 62
    assert identifiers.BASE62_LENGTH * math.log2(62) > 128


def test_every_digit_of_a_uuid_varies():
    texts = [identifiers.new_uuid() for _ in range(400)]
    digits = [set(column) for column in zip(*texts, strict=True) if set(column) != {"-"}]
    assert len(digits) == 32
    assert all(len(column) == 16 for column in digits)
