"""What a transit key signs verifies with it and with whatever follows the standards; nothing else does."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.engines.transit import digests
from holdfast.engines.transit.export import Exported, Form, export, public_text
from holdfast.engines.transit.key_types import KEY_TYPES, Family
from holdfast.engines.transit.material import Material, generate
from holdfast.engines.transit.records import Key, KeyVersion
from holdfast.engines.transit.signatures import (
    Marshaling,
    Scheme,
    SigningOptions,
    derived_public_key,
    sign,
    signing_version,
    verify,
)
from holdfast.errors import InvalidInputError

HASHES = [
    "sha1",
    "sha2-224",
    "sha2-256",
    "sha2-384",
    "sha2-512",
    "sha3-224",
    "sha3-256",
    "sha3-384",
    "sha3-512",
]
SIGNING = [name for name, kind in KEY_TYPES.items() if kind.signs]
ECDSA = [name for name, kind in KEY_TYPES.items() if kind.family is Family.ECDSA]
RSA = [name for name, kind in KEY_TYPES.items() if kind.family is Family.RSA]
SHA256 = SigningOptions("sha2-256")


@pytest.fixture(scope="module")
def versions():
    return {name: KeyVersion(1.0, generate(KEY_TYPES[name])) for name in SIGNING}


def options_for(type_name, hash_name):
    if type_name in RSA:
        return [SigningOptions(hash_name, scheme=scheme) for scheme in Scheme]
    return [SigningOptions(hash_name, marshaling=marshaling) for marshaling in Marshaling]


@pytest.mark.parametrize("hash_name", HASHES)
@pytest.mark.parametrize("type_name", SIGNING)
def test_every_type_verifies_what_it_signed_with_every_hash(versions, type_name, hash_name):
    key, version = Key(type_name, 1), versions[type_name]
    for options in options_for(type_name, hash_name):
        signature = sign(key, version, b"message", options)
        assert verify(key, version, b"message", signature, options)
        assert not verify(key, version, b"another", signature, options)
        assert not verify(key, version, b"message", b"\x00" * len(signature), options)


@given(message=st.binary(max_size=200), position=st.integers(0, 10_000), change=st.integers(1, 255))
@settings(max_examples=30)
@pytest.mark.parametrize("type_name", ["ecdsa-p256", "ecdsa-p521", "ed25519", "rsa-2048"])
def test_no_changed_signature_verifies(versions, type_name, message, position, change):
    key, version = Key(type_name, 1), versions[type_name]
    for options in options_for(type_name, "sha2-256"):
        signature = bytearray(sign(key, version, message, options))
        assert verify(key, version, message, bytes(signature), options)
        signature[position % len(signature)] ^= change
        assert not verify(key, version, message, bytes(signature), options)


@pytest.mark.parametrize("type_name", ECDSA)
def test_ecdsa_in_both_forms_is_what_others_verify(versions, type_name):
    key, version = Key(type_name, 1), versions[type_name]
    public = serialization.load_pem_public_key(public_text(key, version).encode())
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(sign(key, version, b"m", SHA256), b"m", ec.ECDSA(hashes.SHA256()))
    size = (KEY_TYPES[type_name].bits + 7) // 8
    jws = sign(key, version, b"m", SigningOptions("sha2-256", marshaling=Marshaling.JWS))
    assert len(jws) == 2 * size
    asn1 = utils.encode_dss_signature(int.from_bytes(jws[:size], "big"), int.from_bytes(jws[size:], "big"))
    public.verify(asn1, b"m", ec.ECDSA(hashes.SHA256()))


def test_jws_signatures_of_another_length_do_not_verify(versions):
    key, version = Key("ecdsa-p256", 1), versions["ecdsa-p256"]
    options = SigningOptions("sha2-256", marshaling=Marshaling.JWS)
    for length in (0, 1, 63, 65, 128):
        assert not verify(key, version, b"m", bytes(length), options)


@pytest.mark.parametrize("hash_name", ["sha2-256", "sha2-512"])
def test_rsa_by_both_schemes_is_what_others_verify(versions, hash_name):
    key, version = Key("rsa-2048", 1), versions["rsa-2048"]
    public = serialization.load_pem_public_key(public_text(key, version).encode())
    algorithm = digests.hash_algorithm(hash_name)
    v15 = SigningOptions(hash_name, scheme=Scheme.PKCS1V15)
    public.verify(sign(key, version, b"m", v15), b"m", padding.PKCS1v15(), algorithm)
    for salt, theirs in (
        (0, padding.PSS.MAX_LENGTH),
        (-1, padding.PSS.DIGEST_LENGTH),
        (7, 7),
        (256 - 2 - algorithm.digest_size, padding.PSS.MAX_LENGTH),
    ):
        options = SigningOptions(hash_name, salt_bytes=salt)
        signature = sign(key, version, b"m", options)
        public.verify(signature, b"m", padding.PSS(padding.MGF1(algorithm), theirs), algorithm)
        assert verify(key, version, b"m", signature, options)
        assert verify(key, version, b"m", signature, SigningOptions(hash_name))  # any length
    assert not verify(
        key,
        version,
        b"m",
        sign(key, version, b"m", SigningOptions(hash_name)),
        SigningOptions(hash_name, salt_bytes=7),
    )


def test_a_salt_that_does_not_fit_is_refused(versions):
    key, version = Key("rsa-2048", 1), versions["rsa-2048"]
    options = SigningOptions("sha2-256", salt_bytes=256 - 2 - 32 + 1)
    for attempt in (
        lambda: sign(key, version, b"m", options),
        lambda: verify(key, version, b"m", bytes(256), options),
    ):
        with pytest.raises(InvalidInputError, match="salt_length: expected at most 222 bytes"):
            attempt()


@pytest.mark.parametrize("type_name", ["rsa-2048", "ecdsa-p256", "ecdsa-p521"])
def test_a_hash_made_by_the_caller_gives_the_same_kind_of_signature(versions, type_name):
    key, version = Key(type_name, 1), versions[type_name]
    digest = hashlib.sha384(b"m").digest()
    ahead = SigningOptions("sha2-384", prehashed=True)
    signature = sign(key, version, digest, ahead)
    assert verify(key, version, b"m", signature, SigningOptions("sha2-384"))
    assert verify(key, version, digest, sign(key, version, b"m", SigningOptions("sha2-384")), ahead)
    with pytest.raises(InvalidInputError, match="prehashed is set"):
        sign(key, version, b"not a hash", ahead)
    with pytest.raises(InvalidInputError, match="prehashed is set"):
        verify(key, version, b"not a hash", signature, ahead)


def test_rsa_without_a_hash_signs_the_bare_input(versions):
    key, version = Key("rsa-2048", 1), versions["rsa-2048"]
    options = SigningOptions("none", scheme=Scheme.PKCS1V15, prehashed=True)
    options.check()
    signature = sign(key, version, b"as it is", options)
    assert verify(key, version, b"as it is", signature, options)
    assert not verify(key, version, b"as it was", signature, options)
    assert not verify(key, version, b"as it is", bytes(256), options)
    with pytest.raises(InvalidInputError, match="prehashed is set"):
        sign(key, version, bytes(300), options)


@pytest.mark.parametrize(
    "options",
    [
        SigningOptions("none"),
        SigningOptions("none", prehashed=True),
        SigningOptions("none", scheme=Scheme.PKCS1V15),
        SigningOptions("md5"),
        SigningOptions(""),
    ],
)
def test_what_does_not_go_together_is_refused(options):
    with pytest.raises(InvalidInputError, match="hash"):
        options.check()


def test_ed25519_is_that_of_rfc_8032():
    # Section 7.1, test 3.
    seed = bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
    public = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
    expected = (
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )
    key = Key("ed25519", 1)
    der = bytes.fromhex("302a300506032b6570032100") + public
    version = KeyVersion(1.0, Material(seed, der, bytes(32)))
    assert sign(key, version, bytes.fromhex("af82"), SHA256).hex() == expected
    assert verify(key, version, bytes.fromhex("af82"), bytes.fromhex(expected), SHA256)
    assert base64.b64decode(public_text(key, version)) == public
    assert base64.b64decode(export(key, version, Exported.SIGNING_KEY, Form.DEFAULT)) == seed + public


def test_a_derived_ed25519_key_has_one_public_key_a_context(versions):
    key, version = Key("ed25519", 1, derived=True), versions["ed25519"]
    one, two = (derived_public_key(key, version, context) for context in (b"1", b"2"))
    assert one != two == derived_public_key(key, version, b"2")
    signature = sign(key, version, b"m", SHA256, context=b"1")
    assert verify(key, version, b"m", signature, SHA256, context=b"1")
    assert not verify(key, version, b"m", signature, SHA256, context=b"2")
    with pytest.raises(InvalidInputError, match="missing 'context'"):
        sign(key, version, b"m", SHA256)


def test_hmacs_are_those_of_rfc_4231():
    # Test case 2.
    version = KeyVersion(1.0, Material(b"Jefe", b"", b"Jefe"))
    data = b"what do ya want for nothing?"
    for name, expected in (
        ("sha2-224", "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"),
        ("sha2-256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            "sha2-384",
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
        ),
    ):
        made = digests.make_hmac(version, name, data)
        assert made.hex() == expected
        assert digests.is_hmac(version, name, data, made)
        assert not digests.is_hmac(version, name, data + b"!", made)
        assert not digests.is_hmac(version, name, data, made[:-1])


@pytest.mark.parametrize("name", HASHES[1:])
def test_hashes_go_by_the_names_of_the_api(name):
    family, size = name.split("-")
    theirs = hashlib.new(f"sha{size}" if family == "sha2" else f"sha3_{size}", b"data").digest()
    assert digests.digest(name, b"data") == theirs


@pytest.mark.parametrize("name", ["", "sha1", "md5", "sha256", "SHA2-256"])
def test_other_hashes_are_refused(name):
    with pytest.raises(InvalidInputError, match="unsupported algorithm"):
        digests.digest(name, b"data")


@pytest.mark.parametrize(
    ("wanted", "version"),
    [(0, 5), (5, 5), (3, 3), (2, "less than the minimum"), (6, "higher than the latest")],
)
def test_the_version_to_sign_with(wanted, version):
    key = Key("ed25519", 5, min_encryption_version=3)
    if isinstance(version, int):
        assert signing_version(key, wanted) == version
    else:
        with pytest.raises(InvalidInputError, match=version):
            signing_version(key, wanted)


@pytest.mark.parametrize("type_name", SIGNING)
def test_exported_key_pairs_belong_together_in_every_form(versions, type_name):
    key, version = Key(type_name, 1, exportable=True), versions[type_name]
    for form in (Form.DER, Form.PEM):
        private = export(key, version, Exported.SIGNING_KEY, form)
        public = public_text(key, version, form)
        if form is Form.DER:
            secret = serialization.load_der_private_key(base64.b64decode(private), None)
            shown = serialization.load_der_public_key(base64.b64decode(public))
        else:
            secret = serialization.load_pem_private_key(private.encode(), None)
            shown = serialization.load_pem_public_key(public.encode())
        assert secret.public_key() == shown
    if type_name != "ed25519":
        plain = export(key, version, Exported.SIGNING_KEY, Form.DEFAULT)
        assert plain.startswith(("-----BEGIN RSA PRIVATE KEY-----", "-----BEGIN EC PRIVATE KEY-----"))
        with pytest.raises(InvalidInputError, match="expected der or pem"):
            export(key, version, Exported.SIGNING_KEY, Form.RAW)
