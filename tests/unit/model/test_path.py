"""One parser of names: every place has exactly one spelling inside, and what would need repair is refused."""

import itertools
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import HoldfastError, InvalidInputError, TooLargeError
from holdfast.model.path import (
    MAX_DEPTH,
    MAX_PATH_BYTES,
    MAX_SEGMENT_BYTES,
    MAX_TARGET_BYTES,
    Path,
    parse_path,
    parse_target,
)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        pytest.param(b"/", "", id="root"),
        pytest.param(b"/v1/secret/data/a", "v1/secret/data/a", id="plain"),
        pytest.param(b"/v1/secret/", "v1/secret/", id="directory"),
        pytest.param(b"/a%2Fb", "a/b", id="encoded-slash-separates"),
        pytest.param(b"/a%2fb%2F", "a/b/", id="encoded-slash-in-lower-case"),
        pytest.param(b"/a%20b/c:d@e", "a b/c:d@e", id="blank-colon-and-at-inside"),
        pytest.param(b"/%C3%BC", "\u00fc", id="utf-8"),
        pytest.param("/\u00fc".encode(), "\u00fc", id="utf-8-not-encoded"),
        pytest.param(b"/a+b", "a+b", id="plus-is-a-plus-in-a-path"),
        pytest.param(b"/...", "...", id="three-dots-are-a-name"),
        pytest.param(b"/%2525", "%25", id="decoded-once-only"),
    ],
)
def test_a_target_has_one_canonical_path(raw, text):
    assert parse_target(raw).path == Path(text)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"a/b", id="not-origin-form"),
        pytest.param(b"http://host/a", id="absolute-form"),
        pytest.param(b"*", id="asterisk-form"),
        pytest.param(b"/a/../b", id="dot-dot"),
        pytest.param(b"/a/%2e%2e/b", id="dot-dot-encoded"),
        pytest.param(b"/a/.%2E/b", id="dot-dot-half-encoded"),
        pytest.param(b"/a%2f..%2fb", id="dot-dot-between-encoded-slashes"),
        pytest.param(b"/..", id="dot-dot-alone"),
        pytest.param(b"/a/.", id="dot-at-the-end"),
        pytest.param(b"/a/./b", id="dot"),
        pytest.param(b"/a/%2E", id="dot-encoded"),
        pytest.param(b"/a\\b", id="backslash"),
        pytest.param(b"/a%5Cb", id="backslash-encoded"),
        pytest.param(b"/a%00b", id="nul"),
        pytest.param(b"/a%0Ab", id="newline"),
        pytest.param(b"/a%7Fb", id="delete"),
        pytest.param(b"/a%C2%85b", id="next-line"),
        pytest.param(b"/a%E2%80%A8b", id="line-separator"),
        pytest.param(b"/a%E2%80%AEb", id="right-to-left-override"),
        pytest.param(b"/a%E2%80%8Bb", id="zero-width-space"),
        pytest.param(b"/a%C2%A0b", id="no-break-space"),
        pytest.param(b"/a%EF%BF%BDb", id="replacement-character"),
        pytest.param(b"/a%ED%A0%80b", id="surrogate"),
        pytest.param(b"/a%EE%80%80b", id="private-use"),
        pytest.param(b"/%FF", id="not-utf-8"),
        pytest.param(b"/%C0%AF", id="overlong-slash"),
        pytest.param(b"/%C0%AE%C0%AE", id="overlong-dots"),
        pytest.param(b"/u%CC%88", id="not-normal-form-c"),
        pytest.param(b"/%20a", id="blank-at-the-start"),
        pytest.param(b"/a%20/b", id="blank-at-the-end-of-a-segment"),
        pytest.param(b"/a%", id="percent-at-the-end"),
        pytest.param(b"/a%2", id="one-hex-digit"),
        pytest.param(b"/a%zz", id="no-hex-digits"),
        pytest.param(b"/a?b=%zz", id="no-hex-digits-in-query"),
        pytest.param(b"/a?b=%FF", id="not-utf-8-in-query"),
        pytest.param(b"/a?b=1&b=2", id="repeated-parameter"),
        pytest.param(b"/a?b&b=1", id="repeated-parameter-without-value"),
    ],
)
def test_what_would_need_repair_is_refused(raw):
    for collapse_slashes in (False, True):
        with pytest.raises(InvalidInputError):
            parse_target(raw, collapse_slashes=collapse_slashes)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"/a//b", id="inside"),
        pytest.param(b"/a%2F%2Fb", id="encoded"),
        pytest.param(b"/a//", id="at-the-end"),
        pytest.param(b"//", id="slashes-only"),
    ],
)
def test_an_empty_segment_is_refused(raw):
    with pytest.raises(InvalidInputError):
        parse_target(raw)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        pytest.param(b"//v1///secret//a", "v1/secret/a", id="inside"),
        pytest.param(b"/v1/secret//", "v1/secret/", id="at-the-end"),
        pytest.param(b"/v1%2F%2Fsecret", "v1/secret", id="encoded"),
        pytest.param(b"///", "", id="slashes-only"),
    ],
)
def test_a_dialect_may_read_repeated_slashes_as_one(raw, text):
    assert parse_target(raw, collapse_slashes=True).path == Path(text)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        pytest.param("a" * MAX_SEGMENT_BYTES, True, id="longest-segment"),
        pytest.param("a" * (MAX_SEGMENT_BYTES + 1), False, id="segment-too-long"),
        pytest.param("\u00fc" * (MAX_SEGMENT_BYTES // 2 + 1), False, id="segment-too-long-in-bytes"),
        pytest.param("/".join(["a"] * MAX_DEPTH), True, id="deepest"),
        pytest.param("/".join(["a"] * (MAX_DEPTH + 1)), False, id="too-deep"),
        pytest.param("/".join(["a" * 127] * 8), True, id="longest-path"),
        pytest.param("/".join(["a" * 127] * 8) + "/a", False, id="path-too-long"),
    ],
)
def test_limits(text, fits):
    if fits:
        assert parse_path(text).text == text
        assert len(text.encode()) <= MAX_PATH_BYTES
    else:
        with pytest.raises(TooLargeError):
            parse_path(text)


def test_a_huge_target_is_refused_before_it_is_read():
    with pytest.raises(TooLargeError):
        parse_target(b"/a?" + b"b" * MAX_TARGET_BYTES)


def test_errors_name_the_field_and_never_repeat_the_name():
    with pytest.raises(InvalidInputError, match=r"^path: ") as caught:
        parse_target(b"/hunter2/%00")
    assert "hunter2" not in caught.value.message
    with pytest.raises(InvalidInputError, match=r"^mount: ") as caught:
        parse_path("hunter2/..", field="mount")
    assert "hunter2" not in caught.value.message


def test_the_query_is_decoded_like_a_form():
    target = parse_target(b"/a?list=true&after=a+b%2Bc&empty=&flag&")
    assert target.query == (("list", "true"), ("after", "a b+c"), ("empty", ""), ("flag", ""))
    assert target.parameter("after") == "a b+c"
    assert target.parameter("absent") is None


@pytest.mark.parametrize(
    ("path", "segments", "is_directory"),
    [
        pytest.param(Path(""), (), True, id="root"),
        pytest.param(Path("a"), ("a",), False, id="one"),
        pytest.param(Path("a/b/"), ("a", "b"), True, id="directory"),
    ],
)
def test_parts_of_a_path(path, segments, is_directory):
    assert (path.segments, path.is_directory) == (segments, is_directory)
    assert path.as_directory().is_directory
    assert path.as_directory().segments == segments
    assert str(path) == path.text


@given(st.text(max_size=40))
def test_parsing_is_stable_and_gives_only_canonical_text(text):
    try:
        path = parse_path(text)
    except InvalidInputError:
        return
    assert parse_path(path.text) == path
    assert unicodedata.is_normalized("NFC", path.text)
    assert not {".", "..", ""} & set(path.segments)
    assert not any(unicodedata.category(character)[0] == "C" for character in path.text)


@given(st.binary(max_size=40))
def test_no_bytes_end_in_anything_but_a_target_or_a_refusal(raw):
    try:
        target = parse_target(b"/" + raw, collapse_slashes=True)
    except InvalidInputError:
        return
    assert parse_path(target.path.text) == target.path


def test_a_path_that_is_told_in_one_look_to_be_ordinary_breaks_no_rule(monkeypatch):
    texts = ["".join(letters) for n in range(6) for letters in itertools.product("a.-/ é\n", repeat=n)]
    long = [
        f"{start}{'x' * count}{end}"
        for start in ("", "a/")
        for count in (254, 255, 256)
        for end in ("", "/b")
    ]
    deep = ["a/" * count + end for count in (62, 63, 64, 65) for end in ("", "a")]
    wide = ["/".join(["x" * 200] * 5) + "/" + "x" * count for count in (18, 19, 20)]
    told = {text: _outcome(text) for text in (*texts, *long, *deep, *wide)}
    assert any(isinstance(outcome, str) for outcome in told.values())
    monkeypatch.setattr("holdfast.model.path._is_ordinary", lambda _: None)
    assert {text: _outcome(text) for text in told} == told


def _outcome(text):
    try:
        return parse_path(text).text
    except HoldfastError as error:
        return type(error), error.message
