"""What was sealed opens unchanged, and nothing else opens at all."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.crypto import aead
from holdfast.crypto.aead import Aead, NotAuthenticError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "aes_256_gcm.json").read_text())["vectors"]
KEY = bytes(range(32))


@pytest.fixture(params=["open", "open_key"])
def method(request):
    """Both ways to open must agree on everything."""
    return request.param


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_published_vector(vector, method):
    fields = {name: bytes.fromhex(vector[name]) for name in ("key", "nonce", "associated_data", "tag")}
    sealed = fields["nonce"] + bytes.fromhex(vector["ciphertext"]) + fields["tag"]
    opener = getattr(Aead(fields["key"]), method)
    if vector["plaintext"] is None:
        with pytest.raises(NotAuthenticError):
            opener(sealed, fields["associated_data"])
    else:
        assert opener(sealed, fields["associated_data"]) == bytes.fromhex(vector["plaintext"])


def test_opens_what_another_implementation_of_a_barrier_sealed(method):
    key = bytes.fromhex("00112233445566778899aabbccddeeff" * 2)
    sealed = bytes.fromhex(
        "000102030405060708090a0b7e7dd95a2f69a5d9a55f099d42a18816ae5f00cc58727776d2fb54b8df04"
    )
    assert getattr(Aead(key), method)(sealed, b"logical/test/foo") == b"hello holdfast"


@given(plaintext=st.binary(max_size=2000), associated_data=st.binary(max_size=100))
def test_what_was_sealed_opens(plaintext, associated_data):
    cipher = Aead(aead.new_key())
    sealed = cipher.seal(plaintext, associated_data)
    assert len(sealed) == len(plaintext) + aead.OVERHEAD_BYTES
    assert cipher.open(sealed, associated_data) == plaintext
    assert cipher.open_key(sealed, associated_data) == plaintext


def test_every_flipped_bit_is_noticed(method):
    cipher = Aead(KEY)
    sealed = cipher.seal(b"attack at dawn", b"where")
    for position in range(len(sealed) * 8):
        flipped = bytearray(sealed)
        flipped[position // 8] ^= 1 << position % 8
        with pytest.raises(NotAuthenticError):
            getattr(cipher, method)(bytes(flipped), b"where")


def test_every_shorter_message_is_noticed(method):
    cipher = Aead(KEY)
    sealed = cipher.seal(b"attack at dawn", b"where")
    for length in range(len(sealed)):
        with pytest.raises(NotAuthenticError):
            getattr(cipher, method)(sealed[:length], b"where")


@pytest.mark.parametrize(
    ("key", "suffix", "associated_data"),
    [
        pytest.param(KEY, b"\0", b"where", id="longer-message"),
        pytest.param(KEY, b"", b"there", id="other-associated-data"),
        pytest.param(KEY, b"", b"", id="no-associated-data"),
        pytest.param(bytes(32), b"", b"where", id="other-key"),
    ],
)
def test_any_other_circumstance_is_noticed(method, key, suffix, associated_data):
    sealed = Aead(KEY).seal(b"attack at dawn", b"where") + suffix
    with pytest.raises(NotAuthenticError):
        getattr(Aead(key), method)(sealed, associated_data)


def test_the_same_message_never_looks_the_same():
    cipher = Aead(KEY)
    nonces = {cipher.seal(b"again", b"")[: aead.NONCE_BYTES] for _ in range(500)}
    assert len(nonces) == 500


@pytest.mark.parametrize("length", [0, 16, 24, 31, 33, 64])
def test_key_of_another_length_is_refused(length):
    with pytest.raises(ValueError, match="32 bytes"):
        Aead(bytes(length))


def test_key_buffer_may_be_wiped_and_freed_at_once():
    buffer = bytearray(KEY)
    cipher = Aead(buffer)
    buffer[:] = bytes(32)
    buffer.clear()
    assert Aead(KEY).open(cipher.seal(b"text", b""), b"") == b"text"


def test_dropped_cipher_wipes_its_key():
    cipher = Aead(KEY)
    kept = cipher._key
    assert kept == KEY
    del cipher
    assert kept == bytes(32)
