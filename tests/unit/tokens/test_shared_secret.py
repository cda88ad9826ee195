"""Shared secrets: long enough for what they verify, and never a key of another kind."""

import hashlib
import hmac

import pytest

from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.tokens.errors import BadSignatureError
from holdfast.tokens.keys import MAX_KEY_ID_LENGTH, Algorithm
from holdfast.tokens.rsa_key import RsaSigningKey
from holdfast.tokens.shared_secret import SharedSecretKey, new_shared_secret

HS256, HS384, HS512 = Algorithm.HS256, Algorithm.HS384, Algorithm.HS512


def key(secret: bytes, **options) -> SharedSecretKey:
    return SharedSecretKey(SecretBytes(secret), **options)


@pytest.mark.parametrize(
    ("length", "algorithms"),
    [
        (32, {HS256}),
        (47, {HS256}),
        (48, {HS256, HS384}),
        (63, {HS256, HS384}),
        (64, {HS256, HS384, HS512}),
        (4096, {HS256, HS384, HS512}),
    ],
)
def test_a_secret_is_good_for_hashes_no_longer_than_itself(length: int, algorithms: set[Algorithm]):
    assert key(b"s" * length).algorithms == algorithms


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"s", id="one-byte"),
        pytest.param(b"s" * 31, id="one-byte-short"),
        pytest.param(b"non-secure-secret", id="published-default"),
    ],
)
def test_a_short_secret_is_refused(secret: bytes):
    with pytest.raises(InvalidInputError, match="shared secret"):
        key(secret)


def test_the_named_switch_takes_a_short_secret_for_every_hash():
    assert key(b"short", allow_short_shared_secret=True).algorithms == {HS256, HS384, HS512}


@pytest.mark.parametrize("secret", [b"", b"non-secure-secret"], ids=["empty", "published-default"])
def test_the_named_switch_does_not_take_what_everybody_knows(secret: bytes):
    with pytest.raises(InvalidInputError):
        key(secret, allow_short_shared_secret=True)


def test_a_pem_key_is_no_shared_secret():
    signing = RsaSigningKey.generate()
    for pem in (signing.verifying_key().pem(), signing.pem().reveal()):
        with pytest.raises(InvalidInputError, match="PEM"):
            key(b"\n" + pem)


@pytest.mark.parametrize(
    ("algorithm", "hash_name"), [(HS256, "sha256"), (HS384, "sha384"), (HS512, "sha512")]
)
def test_a_signature_is_the_hmac_of_its_algorithm(algorithm: Algorithm, hash_name: str):
    genuine = hmac.new(b"s" * 64, b"message", getattr(hashlib, hash_name)).digest()

    key(b"s" * 64).verify(algorithm, b"message", genuine)
    for wrong in (b"", genuine[:-1], genuine + b"\0", bytes([genuine[0] ^ 1]) + genuine[1:]):
        with pytest.raises(BadSignatureError):
            key(b"s" * 64).verify(algorithm, b"message", wrong)


@pytest.mark.parametrize("algorithm", sorted(set(Algorithm) - {HS256}))
def test_a_secret_verifies_nothing_that_it_is_not_good_for(algorithm: Algorithm):
    short = key(b"s" * 32)

    with pytest.raises(BadSignatureError):
        short.verify(algorithm, b"message", short.sign(b"message"))


def test_keys_differ_by_fingerprint_exactly_when_their_secrets_differ():
    assert key(b"s" * 32, key_id="a").fingerprint == key(b"s" * 32, key_id="b").fingerprint
    assert key(b"s" * 32).fingerprint != key(b"t" * 32).fingerprint


def test_a_secret_never_shows_itself():
    secret = key(b"canary-canary-canary-canary-canary")

    assert "canary" not in repr(secret)
    assert "canary" not in str(secret)


def test_new_secrets_are_long_printable_and_never_the_same():
    first, second = new_shared_secret().reveal(), new_shared_secret().reveal()

    assert first != second
    assert first.isascii()
    assert first.decode().isprintable()
    assert key(first).algorithms == {HS256, HS384, HS512}


@pytest.mark.parametrize(
    "key_id",
    [
        pytest.param("k" * (MAX_KEY_ID_LENGTH + 1), id="huge"),
        pytest.param("line\nbreak", id="newline"),
        pytest.param("ключ", id="not-ascii"),
        pytest.param("\x00", id="nul"),
    ],
)
def test_a_key_id_that_could_break_a_log_line_is_refused(key_id: str):
    with pytest.raises(InvalidInputError, match="key id"):
        key(b"s" * 32, key_id=key_id)
