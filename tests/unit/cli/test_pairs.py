"""field=value words mean what they mean to vault, and what is typed inline is warned about."""

import io
import sys

import pytest

from holdfast.cli.errors import LocalError, UsageError
from holdfast.cli.holdfast.pairs import parse_option_pairs, parse_pairs


@pytest.fixture
def piped(monkeypatch):
    def pipe(content):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return pipe


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        pytest.param([], {}, id="none"),
        pytest.param(["a=1"], {"a": "1"}, id="text"),
        pytest.param(["a="], {"a": ""}, id="empty-text"),
        pytest.param(["a=b=c"], {"a": "b=c"}, id="equals-inside"),
        pytest.param(["a=\\@b"], {"a": "@b"}, id="escaped-at"),
        pytest.param(["a=1", "a=2", "a=3"], {"a": ["1", "2", "3"]}, id="repeated"),
        pytest.param(["a=\u00fc\n"], {"a": "\u00fc\n"}, id="not-ascii"),
    ],
)
def test_inline_fields(words, fields):
    assert parse_pairs(words) == fields


def test_files_and_standard_input_are_taken_exactly(tmp_path, piped):
    (tmp_path / "file").write_bytes(b"line one\nline two\n")
    piped(b"\r\n piped \n")
    assert parse_pairs([f"f=@{tmp_path}/file", "p=-"]) == {"f": "line one\nline two\n", "p": "\r\n piped \n"}


def test_a_whole_object_comes_from_a_file_or_standard_input(tmp_path, piped):
    (tmp_path / "o.json").write_text('{"a": 1, "b": {"c": [true, null]}}')
    assert parse_pairs([f"@{tmp_path}/o.json", "d=x"]) == {"a": 1, "b": {"c": [True, None]}, "d": "x"}
    piped(b'{"a": "piped"}')
    assert parse_pairs(["-"]) == {"a": "piped"}


def test_only_inline_values_are_warned_about(tmp_path, capsys):
    (tmp_path / "file").write_text("hunter2")
    parse_pairs([f"a=@{tmp_path}/file"])
    assert capsys.readouterr().err == ""
    parse_pairs(["a=hunter2"])
    warning = capsys.readouterr().err
    assert "history" in warning
    assert "hunter2" not in warning


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        pytest.param(["hunter2"], UsageError, id="no-equals"),
        pytest.param(["=hunter2"], UsageError, id="no-name"),
        pytest.param(["a=-", "b=-"], UsageError, id="standard-input-twice"),
        pytest.param(["-", "b=-"], UsageError, id="standard-input-twice-as-object"),
    ],
)
def test_malformed_words_are_refused_without_being_quoted(words, kind):
    with pytest.raises(kind) as caught:
        parse_pairs(words)
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b'{"a": "hunter2", "a": 2}', id="duplicate-name"),
        pytest.param(b'["hunter2"]', id="not-an-object"),
        pytest.param(b'{"a": NaN, "b": "hunter2"}', id="nan"),
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\xfehunter2", id="not-utf-8"),
    ],
)
def test_malformed_objects_are_refused_without_being_quoted(piped, content):
    piped(content)
    with pytest.raises(LocalError) as caught:
        parse_pairs(["-"])
    assert "hunter2" not in caught.value.message


def test_a_binary_file_is_refused_with_advice(tmp_path):
    (tmp_path / "key").write_bytes(b"\x80\x81")
    with pytest.raises(LocalError, match="base64"):
        parse_pairs([f"a=@{tmp_path}/key"])


def test_a_missing_file_is_the_systems_word():
    with pytest.raises(FileNotFoundError):
        parse_pairs(["a=@/nowhere/at/all"])


def test_option_pairs():
    assert parse_option_pairs(["a=1", "b=x=y", "c="], option="--x") == {"a": "1", "b": "x=y", "c": ""}
    with pytest.raises(UsageError, match="--x"):
        parse_option_pairs(["hunter2"], option="--x")
