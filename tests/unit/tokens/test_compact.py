"""The compact form: one spelling is read, every other is refused before any key is asked."""

import base64
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.model import SecretBytes
from holdfast.tokens.compact import MAX_TOKEN_BYTES, REFUSED_HEADERS, read_compact, write_compact
from holdfast.tokens.errors import TokenError
from holdfast.tokens.keys import Algorithm
from holdfast.tokens.shared_secret import SharedSecretKey

SECRET = SharedSecretKey(SecretBytes(b"s" * 32), key_id="k1")
CLAIMS = {"iss": "holdfast.test", "sub": "alice"}
TOKEN = write_compact(CLAIMS, SECRET)
HEADER, PAYLOAD, SIGNATURE = TOKEN.split(".")

VECTOR_CLAIMS = {
    "email": "alice@example.com",
    "exp": 4102444800,
    "groups": ["dev"],
    "iat": 1700000000,
    "iss": "holdfast.test",
    "name": "Alice",
    "roles": ["system.user"],
    "sub": "alice",
}
VECTOR = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
    "eyJlbWFpbCI6ImFsaWNlQGV4YW1wbGUuY29tIiwiZXhwIjo0MTAyNDQ0ODAwLCJncm91cHMiOlsiZGV2Il0sImlhdCI6MTcw"
    "MDAwMDAwMCwiaXNzIjoiaG9sZGZhc3QudGVzdCIsIm5hbWUiOiJBbGljZSIsInJvbGVzIjpbInN5c3RlbS51c2VyIl0sInN1"
    "YiI6ImFsaWNlIn0."
    "IdV1uthyUvD2B02_N1lxRt0DsgQj-VO8hPcZOr24BsU"
)


def segment(document: object) -> str:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def with_header(header: object) -> str:
    return f"{segment(header)}.{PAYLOAD}.{SIGNATURE}"


def with_claims(claims: object) -> str:
    return f"{HEADER}.{segment(claims)}.{SIGNATURE}"


def test_writing_gives_the_published_vector_byte_for_byte():
    key = SharedSecretKey(SecretBytes(b"holdfast-test-secret"), allow_short_shared_secret=True)

    assert write_compact(VECTOR_CLAIMS, key) == VECTOR


def test_reading_gives_back_what_was_written():
    token = read_compact(TOKEN)

    assert token.algorithm is Algorithm.HS256
    assert token.key_id == "k1"
    assert token.unverified_claims == CLAIMS
    assert token.signed == f"{HEADER}.{PAYLOAD}".encode()
    SECRET.verify(Algorithm.HS256, token.signed, token.signature)


def test_text_and_bytes_are_read_alike():
    assert read_compact(TOKEN) == read_compact(TOKEN.encode())


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="empty"),
        pytest.param(".", id="dot"),
        pytest.param("..", id="three-empty-segments"),
        pytest.param("hello", id="no-token-at-all"),
        pytest.param(f"{HEADER}.{PAYLOAD}", id="two-segments"),
        pytest.param(f"{TOKEN}.", id="four-segments"),
        pytest.param(f"{HEADER}.{PAYLOAD}.", id="empty-signature"),
        pytest.param(f"{HEADER}..{SIGNATURE}", id="empty-claims"),
        pytest.param(f".{PAYLOAD}.{SIGNATURE}", id="empty-header"),
        pytest.param(f" {TOKEN}", id="leading-blank"),
        pytest.param(f"{TOKEN}\n", id="trailing-newline"),
        pytest.param(f"{TOKEN}\x00", id="trailing-nul"),
        pytest.param(f"{TOKEN}=", id="padded-signature"),
        pytest.param(f"{HEADER}==.{PAYLOAD}.{SIGNATURE}", id="padded-header"),
        pytest.param(f"{HEADER[:4]}\n{HEADER[4:]}.{PAYLOAD}.{SIGNATURE}", id="newline-inside"),
        pytest.param(f"{HEADER}.{PAYLOAD}.{SIGNATURE[:-1]}", id="cut-in-the-middle-of-a-byte"),
        pytest.param(f"{HEADER}.{PAYLOAD}.{SIGNATURE}AA", id="impossible-length"),
        pytest.param(f"{HEADER}.{PAYLOAD}.+/+/", id="standard-alphabet"),
        pytest.param(f"{HEADER}.{PAYLOAD}.QR", id="stray-bits"),
        pytest.param(f"{HEADER}.{PAYLOAD}.\uff31\uff31", id="full-width-letters"),
        pytest.param("." * MAX_TOKEN_BYTES, id="only-dots"),
        pytest.param("A" * 10_000_000, id="huge"),
    ],
)
def test_any_other_form_is_malformed(token: str):
    with pytest.raises(TokenError) as refusal:
        read_compact(token)

    assert refusal.value.reason == "malformed"


def test_a_token_may_be_as_long_as_a_header_line_and_no_longer():
    shorter = len(with_claims({"pad": ""}))
    pad = (MAX_TOKEN_BYTES - shorter) * 3 // 4

    assert read_compact(with_claims({"pad": "x" * (pad - 2)}))
    with pytest.raises(TokenError, match="at most"):
        read_compact(with_claims({"pad": "x" * (pad + 2)}))


def test_the_length_of_a_signature_is_left_to_the_key():
    assert read_compact(f"{HEADER}.{PAYLOAD}.QQ").signature == b"A"


@pytest.mark.parametrize("name", ["header", "claims"])
@pytest.mark.parametrize(
    "document",
    [
        pytest.param(b"[]", id="array"),
        pytest.param(b"null", id="null"),
        pytest.param(b'"text"', id="text"),
        pytest.param(b"{", id="cut-off"),
        pytest.param(b"{} {}", id="two-objects"),
        pytest.param(b'{"alg":"HS256","alg":"none"}', id="duplicate-name"),
        pytest.param(b'{"a":{"b":1,"b":2},"alg":"HS256"}', id="duplicate-name-inside"),
        pytest.param(b'{"exp":NaN,"alg":"HS256"}', id="not-a-number"),
        pytest.param(b'{"exp":1e999,"alg":"HS256"}', id="infinity"),
        pytest.param(b'\xef\xbb\xbf{"alg":"HS256"}', id="byte-order-mark"),
        pytest.param('{"alg":"HS256"}'.encode("utf-16"), id="utf-16"),
        pytest.param(b'{"alg":"HS256","sub":"\xff"}', id="not-utf-8"),
        pytest.param(b'{"alg":"HS256","sub":"\\ud800"}', id="lone-surrogate"),
        pytest.param(b'{"alg":"HS256","deep":' + b"[" * 100 + b"]" * 100 + b"}", id="deep"),
    ],
)
def test_header_and_claims_must_be_one_plain_json_object(name: str, document: bytes):
    with pytest.raises(TokenError) as refusal:
        read_compact(with_header(document) if name == "header" else with_claims(document))

    assert refusal.value.reason == "malformed"


@pytest.mark.parametrize("name", sorted(REFUSED_HEADERS))
@pytest.mark.parametrize("value", [True, False, None, "exp", ["exp"], {}], ids=repr)
def test_a_header_that_asks_for_special_treatment_is_refused(name: str, value: object):
    with pytest.raises(TokenError) as refusal:
        read_compact(with_header({"alg": "HS256", "typ": "JWT", name: value}))

    assert refusal.value.reason == "unsupported_header"


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({}, id="missing"),
        pytest.param({"alg": None}, id="null"),
        pytest.param({"alg": ""}, id="empty"),
        pytest.param({"alg": "none"}, id="none"),
        pytest.param({"alg": "None"}, id="none-capitalised"),
        pytest.param({"alg": "nOnE"}, id="none-mixed"),
        pytest.param({"alg": "hs256"}, id="lower-case"),
        pytest.param({"alg": "HS256 "}, id="trailing-blank"),
        pytest.param({"alg": "PS256"}, id="pss"),
        pytest.param({"alg": "EdDSA"}, id="eddsa"),
        pytest.param({"alg": "ES256K"}, id="another-curve"),
        pytest.param({"alg": "HS1"}, id="sha-1"),
        pytest.param({"alg": ["HS256"]}, id="list"),
        pytest.param({"alg": {"HS256": 1}}, id="object"),
        pytest.param({"alg": 256}, id="number"),
        pytest.param({"Alg": "HS256"}, id="capital-name"),
    ],
)
def test_only_listed_algorithms_are_read(header: dict):
    with pytest.raises(TokenError) as refusal:
        read_compact(with_header(header))

    assert refusal.value.reason == "unsupported_algorithm"


@pytest.mark.parametrize(
    ("kind", "accepted"),
    [
        pytest.param("JWT", True, id="as-written"),
        pytest.param("jwt", True, id="lower-case"),
        pytest.param("at+jwt", False, id="access-token"),
        pytest.param("logout+jwt", False, id="logout-token"),
        pytest.param("wrap+jwt", False, id="wrapped-token"),
        pytest.param("JWE", False, id="encrypted"),
        pytest.param("", False, id="empty"),
        pytest.param(None, False, id="null"),
        pytest.param(["JWT"], False, id="list"),
    ],
)
def test_tokens_of_other_kinds_are_kept_apart(kind: object, accepted: bool):
    token = with_header({"alg": "HS256", "typ": kind})
    if accepted:
        assert read_compact(token).algorithm is Algorithm.HS256
    else:
        with pytest.raises(TokenError) as refusal:
            read_compact(token)
        assert refusal.value.reason == "unsupported_header"


def test_a_token_without_type_and_key_id_is_read():
    assert read_compact(with_header({"alg": "HS256"})).key_id == ""


@pytest.mark.parametrize("key_id", [None, 1, ["k1"], {"k": 1}], ids=repr)
def test_a_key_id_that_is_not_text_is_malformed(key_id: object):
    with pytest.raises(TokenError) as refusal:
        read_compact(with_header({"alg": "HS256", "kid": key_id}))

    assert refusal.value.reason == "malformed"


@given(st.binary(max_size=200))
def test_no_bytes_end_in_anything_but_a_token_or_a_token_error(data: bytes):
    with suppress(TokenError):
        read_compact(data)


@given(
    st.dictionaries(
        st.text(max_size=10),
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
        max_size=8,
    )
)
def test_any_claims_survive_the_round_trip(claims: dict):
    assert read_compact(write_compact(claims, SECRET)).unverified_claims == claims


def test_errors_never_repeat_the_token():
    with pytest.raises(TokenError) as refusal:
        read_compact(with_claims(b'{"sub":"canary-value",}'))

    assert "canary" not in str(refusal.value)
    assert refusal.value.__context__ is None or "canary" not in str(refusal.value.__context__)
