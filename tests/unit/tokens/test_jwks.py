"""Published key sets: what is of use is taken, everything else is passed over or refused."""

import json
from base64 import urlsafe_b64encode

import pytest
from tests.support.provider import as_jwk, rsa_key

from holdfast.errors import InvalidInputError
from holdfast.tokens.ec_key import EcSigningKey
from holdfast.tokens.jwks import MAX_KEYS, MAX_SET_BYTES, read_key_set

RSA = as_jwk(rsa_key("k1"))
EC = as_jwk(EcSigningKey.generate(key_id="e1"))


def ids(*keys):
    return [key.key_id for key in read_key_set(json.dumps({"keys": list(keys)}).encode())]


def test_keys_of_both_families_verify_what_they_signed():
    for signer in (rsa_key("k1"), EcSigningKey.generate(key_id="e2")):
        (key,) = read_key_set(json.dumps({"keys": [as_jwk(signer)]}).encode())
        key.verify(signer.signing_algorithm, b"message", signer.sign(b"message"))


def test_order_and_ids_are_kept():
    assert ids(RSA, EC) == ["k1", "e1"]
    assert ids({name: value for name, value in RSA.items() if name != "kid"}) == [""]


@pytest.mark.parametrize(
    "key",
    [
        pytest.param({"kty": "oct", "k": "c2VjcmV0", "kid": "s"}, id="a shared secret"),
        pytest.param({"kty": "OKP", "crv": "Ed25519", "x": "AA"}, id="another family"),
        pytest.param(RSA | {"use": "enc"}, id="for encryption"),
        pytest.param(RSA | {"use": None}, id="for nothing"),
        pytest.param(RSA | {"key_ops": ["encrypt"]}, id="operations without verify"),
        pytest.param(RSA | {"n": "AQAB"}, id="a modulus of three bytes"),
        pytest.param(RSA | {"n": "A" * 4096}, id="an endless modulus"),
        pytest.param(RSA | {"n": 5}, id="a number that is no text"),
        pytest.param(RSA | {"e": "AA"}, id="an exponent of zero"),
        pytest.param(RSA | {"kid": 7}, id="an id that is no text"),
        pytest.param(RSA | {"kid": "x" * 500}, id="an endless id"),
        pytest.param(EC | {"crv": "secp256k1"}, id="a foreign curve"),
        pytest.param(EC | {"x": urlsafe_b64encode(bytes(32)).decode()}, id="off the curve"),
        pytest.param({}, id="empty"),
        pytest.param("RSA", id="no object"),
    ],
)
def test_what_is_of_no_use_is_passed_over(key):
    assert ids(key, RSA) == ["k1"]


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"{}", id="no keys"),
        pytest.param(b'{"keys": {}}', id="keys that are no list"),
        pytest.param(b'{"keys": []}', id="an empty list"),
        pytest.param(b'{"keys": [{"kty": "oct", "k": "AAAA"}]}', id="nothing of use"),
        pytest.param(json.dumps({"keys": [RSA] * (MAX_KEYS + 1)}).encode(), id="too many"),
        pytest.param(b'{"keys": []' + b" " * MAX_SET_BYTES + b"}", id="too large"),
        pytest.param(b"[" * 100_000, id="too deep"),
        pytest.param(b"<html>", id="another language"),
    ],
)
def test_what_is_no_key_set_is_refused(document):
    with pytest.raises(InvalidInputError, match="key set"):
        read_key_set(document)
