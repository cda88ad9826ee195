"""Only what a generator wrote gets the fast derivation."""

import base64
import os
import secrets

import pytest

from holdfast.model import SecretBytes
from holdfast.volumes.key_strength import FAST_OPTIONS, SLOW_OPTIONS, is_random, kdf_options


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(b"q7Qm0dQ3vYbV4mC8r5oJq1w2Z9x0LkKs3tUuYyAaBbE=", id="base64-32-bytes"),
        pytest.param(b"q7Qm0dQ3vYbV4mC8r5oJq1w2Z9x0LkKs3tUuYyAaBbE", id="base64-unpadded"),
        pytest.param(b"q7-m0dQ3vYbV4mC8r5oJq1w2Z9x_LkKs3tUuYyAaBbE=", id="base64-url-safe"),
        pytest.param(b"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", id="hex"),
        pytest.param(bytes.fromhex("9f86d081884c7d659a2feaa0c55ad015"), id="raw-16-bytes"),
    ],
)
def test_random_key_is_derived_fast(key):
    assert kdf_options(SecretBytes(key)) == FAST_OPTIONS


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"correct horse battery staple", id="words"),
        pytest.param(b"correcthorsebatterystaple123", id="words-run-together"),
        pytest.param("Übermut tut selten gut, sagt Oma".encode(), id="words-not-ascii"),
        pytest.param(b"a" * 64, id="one-letter"),
        pytest.param(b"0" * 64, id="zeros-as-hex"),
        pytest.param(b"Aa1" * 20, id="pattern-in-base64"),
        pytest.param(bytes(32), id="zero-bytes"),
        pytest.param(b"\xff\x00" * 32, id="raw-pattern"),
        pytest.param(b"9f86d081884c7d65", id="hex-of-8-bytes"),
        pytest.param(b"q7Qm0dQ3vYbV4mC8r5o=", id="base64-of-14-bytes"),
        pytest.param(b"Tr0ub4dor&3", id="short-and-clever"),
    ],
)
def test_anything_else_is_derived_slowly(key):
    assert kdf_options(SecretBytes(key)) == SLOW_OPTIONS


def test_generators_are_recognised():
    # A key without digits or the like is taken for a passphrase now and then: slow, but safe.
    keys = [base64.b64encode(os.urandom(32)) for _ in range(200)]
    keys += [secrets.token_urlsafe(32).encode() for _ in range(200)]
    keys += [secrets.token_hex(16).encode() for _ in range(200)]
    assert sum(is_random(SecretBytes(key)) for key in keys) > 590
