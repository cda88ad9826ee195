"""RSA and EC keys: strength, one curve for one algorithm, and the PEM files they come in."""

import base64
import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from holdfast.errors import InvalidInputError, TooLargeError
from holdfast.tokens.ec_key import EcSigningKey, EcVerifyingKey
from holdfast.tokens.errors import BadSignatureError
from holdfast.tokens.key_files import MAX_PEM_BYTES, load_signing_key, load_verifying_key
from holdfast.tokens.keys import Algorithm
from holdfast.tokens.rsa_key import RsaSigningKey, RsaVerifyingKey

PEM = serialization.Encoding.PEM
PKCS1_OR_SEC1 = serialization.PrivateFormat.TraditionalOpenSSL
PKCS8 = serialization.PrivateFormat.PKCS8
PLAIN = serialization.NoEncryption()


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, 2048)


@pytest.fixture(scope="module")
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def private_pem(key, form=PKCS8, encryption=PLAIN) -> bytes:
    return key.private_bytes(PEM, form, encryption)


def public_pem(key) -> bytes:
    return key.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def certificate_pem(key) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer")])
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
        .public_bytes(PEM)
    )


@pytest.mark.parametrize("form", [PKCS1_OR_SEC1, PKCS8], ids=["traditional", "pkcs8"])
@pytest.mark.parametrize("wrap", [public_pem, certificate_pem], ids=["public-key", "certificate"])
@pytest.mark.parametrize("family", ["rsa_key", "ec_key"])
def test_what_a_key_file_signs_its_public_half_verifies(family, form, wrap, request):
    private = request.getfixturevalue(family)
    signing = load_signing_key(private_pem(private, form), key_id="k1")
    verifying = load_verifying_key(wrap(private), key_id="k1")

    verifying.verify(signing.signing_algorithm, b"message", signing.sign(b"message"))

    assert (signing.key_id, verifying.key_id) == ("k1", "k1")
    assert verifying.fingerprint == signing.verifying_key().fingerprint


@pytest.mark.parametrize("make", [RsaSigningKey, EcSigningKey])
def test_a_new_key_survives_its_pem_file(make):
    new = make.generate(key_id="k1")
    loaded = load_signing_key(new.pem().reveal())
    published = load_verifying_key(new.verifying_key().pem())

    published.verify(loaded.signing_algorithm, b"message", loaded.sign(b"message"))


def test_new_rsa_keys_have_3072_bits():
    key = serialization.load_pem_private_key(RsaSigningKey.generate().pem().reveal(), None)

    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 3072


@pytest.mark.parametrize(
    ("curve", "algorithm"),
    [
        (ec.SECP256R1(), Algorithm.ES256),
        (ec.SECP384R1(), Algorithm.ES384),
        (ec.SECP521R1(), Algorithm.ES512),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_a_curve_is_good_for_its_one_algorithm(curve, algorithm):
    signing = EcSigningKey(ec.generate_private_key(curve))
    verifying, signature = signing.verifying_key(), signing.sign(b"message")

    verifying.verify(algorithm, b"message", signature)

    assert signing.signing_algorithm is algorithm
    assert verifying.algorithms == {algorithm}
    for other in set(Algorithm) - {algorithm}:
        with pytest.raises(BadSignatureError):
            verifying.verify(other, b"message", signature)


def test_an_ec_signature_has_exactly_one_width(ec_key):
    signing = EcSigningKey(ec_key)
    verifying, signature = signing.verifying_key(), signing.sign(b"message")

    for wrong in (
        b"",
        signature[:-1],
        signature + b"\0",
        b"\0" + signature,
        signature[:32] + b"\0" + signature[32:],  # the same numbers, written wider
        bytes(64),
        b"\xff" * 64,
        ec_key.sign(b"message", ec.ECDSA(hashes.SHA256())),
    ):
        with pytest.raises(BadSignatureError):
            verifying.verify(Algorithm.ES256, b"message", wrong)


@pytest.mark.parametrize("algorithm", sorted(set(Algorithm) - {Algorithm.RS256}))
def test_an_rsa_signature_counts_under_its_own_algorithm_only(algorithm, rsa_key):
    signing = RsaSigningKey(rsa_key)

    with pytest.raises(BadSignatureError):
        signing.verifying_key().verify(algorithm, b"message", signing.sign(b"message"))


@pytest.mark.parametrize("bits", [1024, 2047], ids=["half", "one-bit-short"])
def test_a_short_rsa_key_is_refused(bits: int):
    weak = rsa.generate_private_key(65_537, bits)

    with pytest.raises(InvalidInputError, match="modulus"):
        load_verifying_key(public_pem(weak))
    with pytest.raises(InvalidInputError, match="modulus"):
        load_signing_key(private_pem(weak))


def test_an_oversized_rsa_key_is_refused():
    modulus = (1 << 8199) + 1  # a verifier cannot tell that it is no product of two primes

    with pytest.raises(InvalidInputError, match="modulus"):
        RsaVerifyingKey(rsa.RSAPublicNumbers(65_537, modulus).public_key())


@pytest.mark.parametrize("exponent", [1, 2, 65_536], ids=["one", "two", "even"])
def test_an_rsa_key_with_an_unsafe_exponent_is_refused(exponent: int, rsa_key):
    pem = _public_pem_with_exponent(rsa_key.public_key().public_numbers().n, exponent)

    with pytest.raises(InvalidInputError):
        load_verifying_key(pem)


def _public_pem_with_exponent(modulus: int, exponent: int) -> bytes:
    """SubjectPublicKeyInfo written by hand, since the library would refuse to make such a key."""

    def der(tag: int, content: bytes) -> bytes:
        length = len(content)
        size = bytes([length]) if length < 128 else b"\x82" + length.to_bytes(2)
        return bytes([tag]) + size + content

    def integer(value: int) -> bytes:
        return der(2, value.to_bytes(value.bit_length() // 8 + 1))

    rsa_encryption = bytes.fromhex("06092a864886f70d0101010500")
    key = der(0x30, integer(modulus) + integer(exponent))
    info = der(0x30, der(0x30, rsa_encryption) + der(3, b"\0" + key))
    return b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(info) + b"-----END PUBLIC KEY-----\n"


def test_the_hand_written_key_form_is_genuine(rsa_key):
    numbers = rsa_key.public_key().public_numbers()
    signing = RsaSigningKey(rsa_key)

    load_verifying_key(_public_pem_with_exponent(numbers.n, numbers.e)).verify(
        Algorithm.RS256, b"message", signing.sign(b"message")
    )


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(ec.generate_private_key(ec.SECP256K1()), id="secp256k1"),
        pytest.param(ec.generate_private_key(ec.SECP224R1()), id="p-224"),
        pytest.param(ed25519.Ed25519PrivateKey.generate(), id="ed25519"),
    ],
)
def test_keys_of_other_kinds_are_refused(key):
    with pytest.raises(InvalidInputError, match="expected"):
        load_verifying_key(public_pem(key))
    with pytest.raises(InvalidInputError, match="expected"):
        load_signing_key(private_pem(key))


def test_a_point_off_the_curve_is_refused(ec_key):
    point = bytearray(
        ec_key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    point[-1] ^= 1
    pem = b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(point) + b"-----END PUBLIC KEY-----\n"

    with pytest.raises(InvalidInputError, match="public key"):
        load_verifying_key(pem)


@pytest.mark.parametrize("load", [load_signing_key, load_verifying_key])
@pytest.mark.parametrize(
    "pem",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"canary", id="no-pem"),
        pytest.param(b"-----BEGIN PUBLIC KEY-----\ncanary\n-----END PUBLIC KEY-----\n", id="broken-pem"),
        pytest.param(b"-----BEGIN CERTIFICATE-----\ncanary\n-----END CERTIFICATE-----\n", id="broken-cert"),
        pytest.param(b"\xff\xfe\x00", id="binary"),
    ],
)
def test_a_broken_key_file_is_refused_without_repeating_it(load, pem: bytes):
    with pytest.raises(InvalidInputError, match="PEM form") as refusal:
        load(pem)

    assert "canary" not in str(refusal.value)


@pytest.mark.parametrize("load", [load_signing_key, load_verifying_key])
def test_a_huge_key_file_is_refused_unread(load):
    with pytest.raises(TooLargeError):
        load(b"-" * (MAX_PEM_BYTES + 1))


def test_public_and_private_files_are_not_taken_for_each_other(rsa_key):
    with pytest.raises(InvalidInputError):
        load_verifying_key(private_pem(rsa_key))
    with pytest.raises(InvalidInputError):
        load_signing_key(public_pem(rsa_key))


def test_an_encrypted_private_key_is_refused_in_words(rsa_key):
    locked = private_pem(rsa_key, encryption=serialization.BestAvailableEncryption(b"passphrase"))

    with pytest.raises(InvalidInputError, match="unencrypted"):
        load_signing_key(locked)


def test_keys_never_show_their_private_half(rsa_key, ec_key):
    for key, secret_number in (
        (RsaSigningKey(rsa_key), rsa_key.private_numbers().d),
        (EcSigningKey(ec_key), ec_key.private_numbers().private_value),
    ):
        assert str(secret_number) not in repr(key)
        assert repr(key.pem()) == "SecretBytes(****)"


def test_a_verifying_key_accepts_only_its_own_half(rsa_key, ec_key):
    others = (
        RsaVerifyingKey(rsa.generate_private_key(65_537, 2048).public_key()),
        EcVerifyingKey(ec.generate_private_key(ec.SECP256R1()).public_key()),
    )
    for key, other in zip((RsaSigningKey(rsa_key), EcSigningKey(ec_key)), others, strict=True):
        with pytest.raises(BadSignatureError):
            other.verify(key.signing_algorithm, b"message", key.sign(b"message"))
