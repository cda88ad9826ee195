"""The one reading of JSON from outside: what is accepted, what is refused, what errors may say."""

import json
import traceback

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.errors import InvalidInputError, TooLargeError
from holdfast.formats.strict_json import decode_object, encode

ACCEPTED = [
    pytest.param(b"{}", {}, id="empty-object"),
    pytest.param(b' \t\r\n{"a" : 1 }\n', {"a": 1}, id="whitespace"),
    pytest.param(b'{"a":{"a":1},"b":[{"a":2}]}', {"a": {"a": 1}, "b": [{"a": 2}]}, id="same-name-elsewhere"),
    pytest.param(b'{"a":"x:y:z"}', {"a": "x:y:z"}, id="colons-inside-a-value"),
    pytest.param(b'{"a://b":{"c":"d://e:1"}}', {"a://b": {"c": "d://e:1"}}, id="addresses"),
    pytest.param(b'{"a:b":"{\\"c\\":1,\\"c\\":2}"}', {"a:b": '{"c":1,"c":2}'}, id="json-inside-a-string"),
    pytest.param(b'{"a":"\\ud83d\\ude00"}', {"a": "\U0001f600"}, id="surrogate-pair"),
    pytest.param('{"é":"日本"}'.encode(), {"é": "日本"}, id="unicode"),
    pytest.param(b'{"a":"\\u0000"}', {"a": "\0"}, id="escaped-nul"),
    pytest.param(b'{"a":[null,true,false,-1,1.5e3]}', {"a": [None, True, False, -1, 1500.0]}, id="scalars"),
    pytest.param(b'{"":1}', {"": 1}, id="empty-name"),
    pytest.param(b'{"a":' + b"7" * 4300 + b"}", {"a": int("7" * 4300)}, id="longest-integer"),
    pytest.param(b'{"a":"' + b"[{:," * 9000 + b'"}', {"a": "[{:," * 9000}, id="brackets-inside-a-string"),
    pytest.param(b'{"a":"' + b'\\"' * 9000 + b'"}', {"a": '"' * 9000}, id="quotes-inside-a-string"),
]

SECRET = b"hunter2"

REFUSED = [
    pytest.param(b"", id="empty"),
    pytest.param(b"[]", id="array"),
    pytest.param(b'"hunter2"', id="string"),
    pytest.param(b"null", id="null"),
    pytest.param(b'{"hunter2":NaN}', id="nan"),
    pytest.param(b'{"hunter2":Infinity}', id="infinity"),
    pytest.param(b'{"hunter2":-Infinity}', id="negative-infinity"),
    pytest.param(b'{"hunter2":1e999}', id="number-beyond-a-double"),
    pytest.param(b'{"hunter2":' + b"9" * 4301 + b"}", id="oversized-integer"),
    pytest.param(b'{"hunter2":01}', id="leading-zero"),
    pytest.param(b'{"hunter2":1}x', id="trailing-bytes"),
    pytest.param(b'{"hunter2":1}{}', id="two-objects"),
    pytest.param(b'{"hunter2":1}\x00', id="trailing-nul"),
    pytest.param(b'{"hunter2":1,}', id="trailing-comma"),
    pytest.param(b"{hunter2:1}", id="bare-name"),
    pytest.param(b"{'hunter2':1}", id="single-quotes"),
    pytest.param(b'{"hunter2":1/**/}', id="comment"),
    pytest.param(b'{"a":"hunter2', id="cut-off"),
    pytest.param(b'{"a":"hunter2\n"}', id="raw-control-character"),
    pytest.param(b'{"a":"hunter2\\x41"}', id="unknown-escape"),
    pytest.param(b'\xef\xbb\xbf{"hunter2":1}', id="byte-order-mark"),
    pytest.param('{"hunter2":1}'.encode("utf-16"), id="utf-16"),
    pytest.param('{"hunter2":1}'.encode("utf-32"), id="utf-32"),
    pytest.param(b'{"a":"hunter2\xff"}', id="not-utf-8-in-a-value"),
    pytest.param(b'{"hunter2\xff":1}', id="not-utf-8-in-a-name"),
    pytest.param(b'{"a":"hunter2\xed\xa0\x80"}', id="encoded-surrogate"),
    pytest.param(b'{"a":"hunter2\xc0\xaf"}', id="overlong-utf-8"),
    pytest.param(b'{"a":"hunter2\\ud800"}', id="lone-high-surrogate"),
    pytest.param(b'{"a":"hunter2\\udc00 and more"}', id="lone-low-surrogate"),
    pytest.param(b'{"hunter2":1,"hunter2":2}', id="duplicate-name"),
    pytest.param(b'{"hunter2":1,"hunter\\u0032":2}', id="duplicate-name-spelt-with-an-escape"),
    pytest.param(b'{"x":[{"y":{"hunter2":1,"hunter2":1}}]}', id="duplicate-name-deep-down"),
    pytest.param(b'{"hunter2":1,"hunter2":"a:b"}', id="duplicate-name-hidden-by-a-colon-in-a-string"),
    pytest.param(b'{"hunter2":{"a":1,"b":2},"hunter2":{"c:d":1}}', id="duplicate-object-of-other-size"),
    pytest.param(b'{"hunter2":"a://b","hunter2":1}', id="duplicate-name-hidden-by-an-address"),
    pytest.param(b'{"a://b":1,"c://d":{"hunter2":1,"hunter2":"e://f:1"}}', id="duplicate-name-by-an-address"),
    pytest.param(b'{"hunter2":' + b"[" * 65 + b"]" * 65 + b"}", id="too-deep"),
    pytest.param(b'{"hunter2":' * 100_000, id="depth-bomb-of-objects"),
    pytest.param(b"[" * 5_000_000, id="depth-bomb-of-arrays"),
    pytest.param(b'{"hunter2":' + b"]" * 5_000_000, id="closing-brackets-only"),
    pytest.param(b'{"a":' + b'{"x":' * 70 + b'"' + b'\\"' * 1_000_000, id="unclosed-string-of-quotes"),
]

TOO_LARGE = [
    pytest.param(b'{"a":[' + b",".join([b'""'] * 1000) + b"]}", id="one-string-too-many"),
    pytest.param(b'{"a":[' + b'"hunter2",' * 1_000_000, id="string-bomb"),
    pytest.param(b'{"a":[' + b"0," * 1_000_000 + b"0]}", id="number-bomb"),
    pytest.param(b'{"a":[' + b"{}," * 1_000_000 + b"{}]}", id="empty-object-bomb"),
    pytest.param(b"{" + b":" * 5_000_000, id="colon-bomb"),
]


@pytest.mark.parametrize(("body", "expected"), ACCEPTED)
def test_accepts(body, expected):
    decoded = decode_object(body)
    assert decoded.values == expected
    assert decoded.raw == body


@pytest.mark.parametrize("body", REFUSED)
def test_refuses(body):
    with pytest.raises(InvalidInputError) as caught:
        decode_object(body)
    assert not isinstance(caught.value, TooLargeError)
    assert SECRET.decode() not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


@pytest.mark.parametrize("body", TOO_LARGE)
def test_counts_before_it_builds(body):
    with pytest.raises(TooLargeError, match="at most") as caught:
        decode_object(body)
    assert SECRET.decode() not in str(caught.value)


def test_limits_are_inclusive():
    assert decode_object(b'{"a":' + b"[" * 63 + b"]" * 63 + b"}").values
    assert len(decode_object(b'{"a":[' + b",".join([b'"x"'] * 999) + b"]}").values["a"]) == 999
    assert decode_object(b'{"a":[[1]]}', max_depth=3).values == {"a": [[1]]}
    with pytest.raises(InvalidInputError, match="at most 2 deep"):
        decode_object(b'{"a":[[1]]}', max_depth=2)
    with pytest.raises(TooLargeError, match="at most 1 strings"):
        decode_object(b'{"a":"b"}', max_strings=1)


def test_wide_is_not_deep():
    body = b'{"a":[' + b",".join([b"{}"] * 500) + b"]}"
    assert decode_object(body).values == {"a": [{}] * 500}


def test_fragment_keeps_digits_and_spelling():
    body = b'{"data": {"n": 12345678901234567890.1234567890123, "s" : "\\u00e9"} ,"options":{}}'
    decoded = decode_object(body)
    assert decoded.fragment("data") == b'{"n": 12345678901234567890.1234567890123, "s" : "\\u00e9"}'
    assert decoded.fragment("options") == b"{}"
    with pytest.raises(InvalidInputError, match="cas: required"):
        decoded.fragment("cas")


def test_error_names_the_byte():
    with pytest.raises(InvalidInputError, match=r"not valid JSON \(byte 5\)$"):
        decode_object(b'{"a":hunter2}')


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | NAMES
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4)
)
OBJECTS = st.dictionaries(NAMES, TREES, max_size=4)


@given(OBJECTS, st.booleans())
def test_reads_what_the_standard_library_writes(value, ascii_only):
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    decoded = decode_object(body)
    assert decoded.values == value
    for name, member in value.items():
        assert json.loads(decoded.fragment(name)) == member
    assert decode_object(encode(value)).values == value


def _unique_names(pairs):
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


@settings(max_examples=300)
@given(
    st.text(st.sampled_from('{}[]":,\\au1 '), max_size=24).map(lambda text: ('{"a":' + text + "}").encode())
)
def test_agrees_with_a_second_parser_on_near_json(body):
    try:
        expected = json.loads(body, object_pairs_hook=_unique_names)
    except (ValueError, AssertionError):
        expected = None
    try:
        got = decode_object(body).values
    except InvalidInputError:
        got = None
    assert got == expected
