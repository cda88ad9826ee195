"""Texts become comparable and unreadable; everything else stays as it was written."""

import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.audit import ValueHasher

SALT = b"6f3b0d5e-0c3b-4d4b-9a43-2d1f0f6a1c77"
HASHER = ValueHasher(SALT)


def expected(text):
    return "hmac-sha256:" + hmac.digest(SALT, text.encode(), hashlib.sha256).hex()


def test_known_hash():
    known = "hmac-sha256:51ee632b8384e2bf4a08d3a35033c0efccf5feef8fd5443af41956eb1df8e343"
    assert HASHER.text("hello") == known


@pytest.mark.parametrize("text", ["", "a", "é🔑", "x" * 100_000, "hmac-sha256:" + "0" * 64], ids=len)
def test_every_text_is_hashed(text):
    assert HASHER.text(text) == expected(text)
    assert json.loads(HASHER.json(json.dumps({"k": text}).encode())) == {"k": expected(text)}


def test_another_salt_gives_another_hash():
    assert ValueHasher(b"other").text("hello") != HASHER.text("hello")


@pytest.mark.parametrize(
    ("document", "shown"),
    [
        pytest.param('{"a":1,"b":true,"c":null}', '{"a":1,"b":true,"c":null}', id="no text at all"),
        pytest.param('{"n":1.10,"m":1E400}', '{"n":1.10,"m":1E400}', id="fractions keep their digits"),
        pytest.param("{}", "{}", id="empty object"),
        pytest.param("[]", "[]", id="empty list"),
        pytest.param("[1,[2]]", "[1,[2]]", id="numbers in lists"),
        pytest.param("null", "null", id="null"),
    ],
)
def test_what_stays_in_clear(document, shown):
    assert HASHER.json(document.encode()).decode() == shown


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def hashed(value):
    if isinstance(value, str):
        return expected(value)
    if isinstance(value, list):
        return [hashed(element) for element in value]
    if isinstance(value, dict):
        return {name: hashed(member) for name, member in value.items()}
    return value


@given(values)
def test_every_text_at_every_depth_is_hashed_and_nothing_else(value):
    assert json.loads(HASHER.json(json.dumps(value).encode())) == hashed(value)
