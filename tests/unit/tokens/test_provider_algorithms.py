"""Signatures that only token providers make: PSS and Ed25519, each by its own key and in its own form."""

import json
from base64 import urlsafe_b64encode

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa

from holdfast.errors import InvalidInputError
from holdfast.tokens.compact import ACCESS_OR_IDENTITY, OF_PROVIDERS, read_compact
from holdfast.tokens.errors import BadSignatureError, TokenError
from holdfast.tokens.jwks import read_key_set
from holdfast.tokens.key_files import load_provider_key, load_verifying_key
from holdfast.tokens.keys import Algorithm
from holdfast.tokens.rsa_key import PKCS1, PSS

RSA = rsa.generate_private_key(65_537, 2048)
ED = ed25519.Ed25519PrivateKey.generate()
HASHES = {"PS256": hashes.SHA256(), "PS384": hashes.SHA384(), "PS512": hashes.SHA512()}


def b64(data):
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def public_pem(key):
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def rsa_jwk(**changes):
    numbers = RSA.public_key().public_numbers()
    return {"kty": "RSA", "kid": "r", "n": b64(numbers.n.to_bytes(256)), "e": "AQAB"} | changes


def ed_jwk(**changes):
    raw = ED.public_key().public_bytes_raw()
    return {"kty": "OKP", "crv": "Ed25519", "kid": "e", "x": b64(raw)} | changes


def keys_of(*jwks):
    return read_key_set(json.dumps({"keys": list(jwks)}).encode())


def pss(algorithm, message, *, salt=None):
    hashed = HASHES[algorithm]
    how = padding.PSS(padding.MGF1(hashed), hashed.digest_size if salt is None else salt)
    return RSA.sign(message, how, hashed)


@pytest.mark.parametrize("algorithm", sorted(HASHES))
def test_pss_counts_under_its_own_algorithm_only(algorithm):
    (key,) = keys_of(rsa_jwk())
    signature = pss(algorithm, b"message")
    key.verify(Algorithm(algorithm), b"message", signature)
    load_provider_key(public_pem(RSA)).verify(Algorithm(algorithm), b"message", signature)
    for other in set(Algorithm) - {Algorithm(algorithm)}:
        with pytest.raises(BadSignatureError):
            key.verify(other, b"message", signature)


def test_pss_with_a_salt_of_another_length_is_refused():
    (key,) = keys_of(rsa_jwk())
    for salt in (0, 20, 64):
        with pytest.raises(BadSignatureError):
            key.verify(Algorithm.PS256, b"message", pss("PS256", b"message", salt=salt))


def test_ed25519_counts_as_eddsa_only():
    (key,) = keys_of(ed_jwk())
    signature = ED.sign(b"message")
    key.verify(Algorithm.EDDSA, b"message", signature)
    load_provider_key(public_pem(ED)).verify(Algorithm.EDDSA, b"message", signature)
    wrong = [(other, signature) for other in set(Algorithm) - {Algorithm.EDDSA}]
    wrong += [(Algorithm.EDDSA, each) for each in (b"", signature[:-1], signature + b"\0", bytes(64))]
    for algorithm, each in wrong:
        with pytest.raises(BadSignatureError):
            key.verify(algorithm, b"message", each)


@pytest.mark.parametrize(
    ("jwk", "algorithms"),
    [
        pytest.param(rsa_jwk(), PKCS1 | PSS, id="an RSA key that says nothing"),
        pytest.param(rsa_jwk(alg="RS384"), {Algorithm.RS384}, id="RS384"),
        pytest.param(rsa_jwk(alg="PS256"), {Algorithm.PS256}, id="PS256"),
        pytest.param(ed_jwk(alg="EdDSA"), {Algorithm.EDDSA}, id="EdDSA"),
    ],
)
def test_a_published_key_is_for_the_algorithm_that_it_names(jwk, algorithms):
    (key,) = keys_of(jwk)
    assert key.algorithms == algorithms


@pytest.mark.parametrize(
    "jwk",
    [
        pytest.param(rsa_jwk(alg="RSA-OAEP"), id="for encryption"),
        pytest.param(rsa_jwk(alg="HS256"), id="a public key that calls itself a secret"),
        pytest.param(rsa_jwk(alg="ES256"), id="another family"),
        pytest.param(rsa_jwk(alg="none"), id="none"),
        pytest.param(rsa_jwk(alg=["RS256"]), id="a list"),
        pytest.param(rsa_jwk(alg=None), id="null"),
        pytest.param(ed_jwk(alg="ES256"), id="EC for Edwards"),
        pytest.param(ed_jwk(crv="X25519"), id="a key exchange curve"),
        pytest.param(ed_jwk(x="AAAA"), id="too short"),
        pytest.param(ed_jwk(use="enc"), id="Edwards for encryption"),
    ],
)
def test_a_key_for_something_else_is_passed_over(jwk):
    assert [key.key_id for key in keys_of(jwk, ed_jwk(kid="good"))] == ["good"]


def test_keys_of_the_storage_api_take_neither():
    with pytest.raises(InvalidInputError, match="RSA or EC"):
        load_verifying_key(public_pem(ED))
    with pytest.raises(BadSignatureError):
        load_verifying_key(public_pem(RSA)).verify(Algorithm.PS256, b"m", pss("PS256", b"m"))


@pytest.mark.parametrize(
    "key", [ed448.Ed448PrivateKey.generate(), ec.generate_private_key(ec.SECP256K1())], ids=["448", "k1"]
)
def test_a_provider_s_key_of_another_kind_is_refused(key):
    with pytest.raises(InvalidInputError, match="expected"):
        load_provider_key(public_pem(key))


def token(**header):
    return f"{b64(json.dumps({'alg': 'EdDSA'} | header).encode())}.{b64(b'{}')}.{b64(bytes(64))}"


def test_keys_inside_a_provider_s_token_are_not_refused_but_nowhere_in_what_is_read():
    for name, value in {"jwk": ed_jwk(), "jku": "https://evil", "x5u": "https://evil", "x5c": ["AA"]}.items():
        assert read_compact(token(**{name: value}), OF_PROVIDERS).key_id == ""
        with pytest.raises(TokenError):
            read_compact(token(**{name: value}))


@pytest.mark.parametrize("name", ["crit", "b64", "zip", "enc", "cty"])
def test_what_would_change_the_meaning_of_a_token_is_refused_of_providers_too(name):
    with pytest.raises(TokenError, match="not done here"):
        read_compact(token(**{name: ["x"]}), ACCESS_OR_IDENTITY)


def test_an_access_token_is_no_identity_token():
    assert read_compact(token(typ="at+JWT"), ACCESS_OR_IDENTITY)
    for kind in ("at+jwt", "logout+jwt", "dpop+jwt"):
        with pytest.raises(TokenError, match="expected the type JWT"):
            read_compact(token(typ=kind), OF_PROVIDERS)
