"""The prepared HMAC is HMAC-SHA256, by the vectors of RFC 4231 and by the standard library."""

import hashlib
import hmac
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.crypto.mac import PreparedHmac

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "hmac_sha256.json").read_text())["vectors"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_published_vector(vector):
    mac = PreparedHmac(bytes.fromhex(vector["key"]))
    message = bytes.fromhex(vector["message"])
    assert mac.digest(message) == bytes.fromhex(vector["digest"])
    assert mac.hexdigest(message) == vector["digest"]


@given(key=st.binary(min_size=1, max_size=200), message=st.binary(max_size=300))
def test_equals_the_standard_library(key, message):
    assert PreparedHmac(key).digest(message) == hmac.digest(key, message, hashlib.sha256)


@pytest.mark.parametrize("length", [63, 64, 65])
def test_key_around_one_block(length):
    assert PreparedHmac(b"k" * length).digest(b"m") == hmac.digest(b"k" * length, b"m", "sha256")


def test_one_message_leaves_no_trace_in_the_next():
    mac = PreparedHmac(b"key")
    first = mac.digest(b"one")
    mac.digest(b"two")
    assert mac.digest(b"one") == first


def test_empty_key_is_refused():
    with pytest.raises(ValueError, match="key"):
        PreparedHmac(b"")
