"""What a transit key encrypts it decrypts, and nothing else does; ciphertexts are those of the Vault API."""

import base64
import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st

from holdfast.engines.transit.derivation import derive
from holdfast.engines.transit.encryption import decrypt, encrypt, encryption_version
from holdfast.engines.transit.key_types import KEY_TYPES
from holdfast.engines.transit.material import Material, generate
from holdfast.engines.transit.records import Key, KeyVersion
from holdfast.engines.transit.versioned import decode_base64, read, write
from holdfast.errors import InvalidInputError

AEAD_TYPES = [name for name, kind in KEY_TYPES.items() if kind.is_aead]
CONTEXT = b"tenant 1"


def version_of(type_name: str, secret: bytes | None = None) -> KeyVersion:
    if secret is None:
        return KeyVersion(1.0, generate(KEY_TYPES[type_name]))
    return KeyVersion(1.0, Material(secret, b"", b"h" * 32))


def hkdf_sha256(secret: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 with an empty salt, from its two formulas."""
    prk = hmac.digest(bytes(32), secret, "sha256")
    block, output, counter = b"", b"", 1
    while len(output) < length:
        block = hmac.digest(prk, block + info + bytes([counter]), "sha256")
        output, counter = output + block, counter + 1
    return output[:length]


@pytest.mark.parametrize("type_name", AEAD_TYPES)
@given(
    plaintext=st.binary(max_size=300),
    context=st.binary(min_size=1, max_size=40),
    associated_data=st.binary(max_size=40),
    derived=st.booleans(),
    convergent=st.booleans(),
)
def test_what_was_encrypted_is_decrypted(type_name, plaintext, context, associated_data, derived, convergent):
    key = Key(type_name, 1, derived=derived, convergent=derived and convergent)
    version = version_of(type_name)
    message = encrypt(key, version, plaintext, context=context, associated_data=associated_data)
    assert len(message) == 12 + len(plaintext) + 16
    assert decrypt(key, version, message, context=context, associated_data=associated_data) == plaintext


@pytest.mark.parametrize("type_name", AEAD_TYPES)
@given(data=st.data())
def test_a_changed_message_context_or_associated_data_does_not_decrypt(type_name, data):
    key, version = Key(type_name, 1, derived=True), version_of(type_name)
    message = encrypt(key, version, b"plaintext", context=CONTEXT, associated_data=b"row 7")
    position = data.draw(st.integers(0, len(message) - 1))
    changed = bytearray(message)
    changed[position] ^= data.draw(st.integers(1, 255))
    for bad in (
        {"message": bytes(changed), "context": CONTEXT, "associated_data": b"row 7"},
        {"message": message, "context": b"tenant 2", "associated_data": b"row 7"},
        {"message": message, "context": CONTEXT, "associated_data": b"row 8"},
        {"message": message, "context": CONTEXT, "associated_data": b""},
    ):
        with pytest.raises(InvalidInputError, match="message authentication failed"):
            decrypt(key, version, **bad)


@pytest.mark.parametrize("length", [0, 11, 12, 27])
def test_a_message_too_short_to_be_one_is_refused(length):
    key = Key("aes256-gcm96", 1)
    with pytest.raises(InvalidInputError, match="invalid ciphertext length"):
        decrypt(key, version_of("aes256-gcm96"), bytes(length))


def test_plain_aes_and_chacha_messages_are_nonce_then_ciphertext_by_the_standards():
    for type_name, size, cipher in (
        ("aes128-gcm96", 16, AESGCM),
        ("aes256-gcm96", 32, AESGCM),
        ("chacha20-poly1305", 32, ChaCha20Poly1305),
    ):
        secret = bytes(range(size))
        version = version_of(type_name, secret)
        message = encrypt(Key(type_name, 1), version, b"hello", associated_data=b"ad")
        assert cipher(secret).decrypt(message[:12], message[12:], b"ad") == b"hello"
        theirs = bytes(12) + cipher(secret).encrypt(bytes(12), b"hello", None)
        assert decrypt(Key(type_name, 1), version, theirs) == b"hello"


def test_a_known_aes_gcm_message_decrypts():
    # Test case 14 of the GCM specification by McGrew and Viega: a zero key, nonce and block.
    message = bytes(12) + bytes.fromhex("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")
    assert decrypt(Key("aes256-gcm96", 1), version_of("aes256-gcm96", bytes(32)), message) == bytes(16)


@given(secret=st.binary(min_size=16, max_size=64), context=st.binary(min_size=1, max_size=80))
def test_derivation_is_hkdf_with_the_context_as_info(secret, context):
    assert derive(secret, context, 96) == hkdf_sha256(secret, context, 96)


def test_convergent_encryption_is_version_3_of_the_scheme():
    secret, plaintext = bytes(range(32)), b"same every time"
    for type_name, size in (("aes128-gcm96", 16), ("aes256-gcm96", 32)):
        version = version_of(type_name, secret[:size])
        key = Key(type_name, 1, derived=True, convergent=True)
        both = hkdf_sha256(secret[:size], CONTEXT, size + 32)
        nonce = hmac.new(both[size:], plaintext, hashlib.sha256).digest()[:12]
        expected = nonce + AESGCM(both[:size]).encrypt(nonce, plaintext, None)
        assert encrypt(key, version, plaintext, context=CONTEXT) == expected


def test_convergent_messages_agree_where_everything_agrees_and_share_a_nonce_nowhere_else():
    key, version = Key("aes256-gcm96", 1, derived=True, convergent=True), version_of("aes256-gcm96")

    def message(plaintext=b"p", context=CONTEXT, associated_data=b""):
        return encrypt(key, version, plaintext, context=context, associated_data=associated_data)

    assert message() == message()
    assert message(associated_data=b"a") == message(associated_data=b"a")
    others = [
        message(),
        message(plaintext=b"q"),
        message(context=b"tenant 2"),
        message(associated_data=b"a"),
        message(associated_data=b"b"),
    ]
    assert len({other[:12] for other in others}) == len(others)


def test_a_derived_key_demands_a_context():
    key, version = Key("aes256-gcm96", 1, derived=True), version_of("aes256-gcm96")
    with pytest.raises(InvalidInputError, match="missing 'context' for key derivation"):
        encrypt(key, version, b"p")
    with pytest.raises(InvalidInputError, match="missing 'context' for key derivation"):
        decrypt(key, version, bytes(40))


def test_rsa_encrypts_up_to_its_size_and_says_so():
    key, version = Key("rsa-2048", 1), version_of("rsa-2048")
    longest = b"x" * (256 - 66)
    assert decrypt(key, version, encrypt(key, version, longest)) == longest
    with pytest.raises(InvalidInputError, match="at most 190 bytes"):
        encrypt(key, version, longest + b"x")
    with pytest.raises(InvalidInputError, match="failed to RSA decrypt the ciphertext"):
        decrypt(key, version, bytes(256))


@given(number=st.integers(1, 999), data=st.binary(max_size=90), url_safe=st.booleans())
def test_what_was_written_with_a_version_is_read_again(number, data, url_safe):
    text = write(number, data, url_safe=url_safe)
    assert text.startswith(f"vault:v{number}:")
    assert read(Key("ed25519", 1000), text, what="signature", url_safe=url_safe) == (number, data)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no prefix"),
        ("v1:AAAA", "no prefix"),
        ("vault:v1", "wrong number of fields"),
        ("vault:v:AAAA", "version number could not be decoded"),
        ("vault:vx:AAAA", "version number could not be decoded"),
        ("vault:v-1:AAAA", "version number could not be decoded"),
        ("vault:v+1:AAAA", "version number could not be decoded"),
        ("vault:v٣:AAAA", "version number could not be decoded"),
        ("vault:v" + "9" * 5000 + ":AAAA", "version number could not be decoded"),
        ("vault:v4:AAAA", "version is too new"),
        ("vault:v1:AAAA", "disallowed by policy \\(too old\\)"),
        ("vault:v2:A", "could not decode base64"),
        ("vault:v2:AA=A", "could not decode base64"),
        ("vault:v2:A*AA", "could not decode base64"),
        ("vault:v2:ÄAAA", "could not decode base64"),
    ],
)
def test_what_is_no_ciphertext_of_the_key_is_refused(text, problem):
    key = Key("aes256-gcm96", 3, min_decryption_version=2)
    with pytest.raises(InvalidInputError, match=problem) as refusal:
        read(key, text, what="ciphertext")
    assert text[8:] not in refusal.value.message or len(text) < 9


def test_version_0_of_old_ciphertexts_is_the_first():
    assert read(Key("aes256-gcm96", 1), "vault:v0:AAAA", what="ciphertext") == (1, bytes(3))


def test_base64_may_be_broken_into_lines_as_tools_write_it():
    text = base64.encodebytes(bytes(90)).decode()
    assert "\n" in text
    assert decode_base64(text.replace("\n", "\r\n"), "no") == bytes(90)


@pytest.mark.parametrize(
    ("wanted", "version"),
    [(0, 5), (5, 5), (3, 3), (2, "less than the minimum"), (6, "higher than the latest")],
)
def test_the_version_to_encrypt_with(wanted, version):
    key = Key("aes256-gcm96", 5, min_encryption_version=3)
    if isinstance(version, int):
        assert encryption_version(key, wanted) == version
    else:
        with pytest.raises(InvalidInputError, match=version):
            encryption_version(key, wanted)


def test_material_shows_nothing_of_itself():
    material = generate(KEY_TYPES["aes256-gcm96"])
    assert repr(material) == "Material(...)"
    assert "\\x" not in repr(KeyVersion(1.0, material))
