"""Files of NAME=value lines: every value as it was meant, every line that cannot be read told by number."""

import time
from contextlib import suppress

import pytest

from holdfast.cli.errors import LocalError
from holdfast.cli.migrate.dotenv import MAX_PROBLEMS_TOLD, entries_of_dotenv


def values(text):
    content = text if isinstance(text, bytes) else text.encode()
    return {entry.name: entry.read().content.decode() for entry in entries_of_dotenv(content)}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("A=x", "x", id="no-newline-at-the-end"),
        pytest.param("A=x\n", "x", id="plain"),
        pytest.param("A=x\r\n", "x", id="windows-line-end"),
        pytest.param("A=x\r", "x", id="windows-line-end-cut-off"),
        pytest.param("\ufeffA=x\n", "x", id="byte-order-mark"),
        pytest.param("  export\tA = x \n", "x", id="export-and-blanks"),
        pytest.param("A=\n", "", id="empty"),
        pytest.param("A= # nothing\n", "", id="empty-and-a-comment"),
        pytest.param("A=''\n", "", id="empty-in-quotes"),
        pytest.param("A=a b # comment\n", "a b", id="comment"),
        pytest.param("A=#1#2\n", "#1#2", id="number-signs-inside-a-word"),
        pytest.param("A=a=b==\n", "a=b==", id="equals-signs"),
        pytest.param("A=$HOME`id`$(id)\n", "$HOME`id`$(id)", id="nothing-is-expanded"),
        pytest.param("A=it's\n", "it's", id="a-quote-inside-a-word"),
        pytest.param("A=' x # y ' # comment\n", " x # y ", id="single-quotes"),
        pytest.param("A='a\\nb\"c'\n", 'a\\nb"c', id="no-escapes-in-single-quotes"),
        pytest.param("A='a\nb\n'\n", "a\nb\n", id="several-lines"),
        pytest.param("A='a\r\nb'\r\n", "a\r\nb", id="windows-line-ends-inside-quotes-stay"),
        pytest.param('A="a\\nb\\t\\"\\\\\\$\\r"\n', 'a\nb\t"\\$\r', id="escapes-in-double-quotes"),
        pytest.param('A="a\\xb"\n', "a\\xb", id="an-escape-that-is-none"),
        pytest.param("A=p\u00e4ss\n", "p\u00e4ss", id="not-ascii"),
    ],
)
def test_a_value_is_what_was_meant(text, value):
    assert values(text) == {"A": value}


def test_comments_and_empty_lines_say_nothing():
    assert values("# A=1\n\n   # B=2\n\t\nC=3\n#") == {"C": "3"}
    assert values("") == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("A=1\nB=2\nA=3\n", ["line 3: the name was set on line 1 already"], id="set-twice"),
        pytest.param("A=1\n\nexport A=1\n", ["line 3: the name was set on line 1 already"], id="twice-alike"),
        pytest.param("A='x\ny'\nB\n", ["line 3: expected NAME=value"], id="no-equals-after-several-lines"),
        pytest.param("=x\n1A=x\nA B=x\n", ["line 1:", "line 2:", "line 3:"], id="no-names"),
        pytest.param("A=1\nB='open\nC=3\nD\n", ["line 2: the quote is not closed"], id="open-quote"),
        pytest.param('A="x" y\n', ["line 1: expected nothing but a comment"], id="text-after-a-quote"),
        pytest.param(b"A=1\nB=\xff\n", ["line 2: expected UTF-8"], id="not-utf-8"),
    ],
)
def test_what_cannot_be_read_is_told_by_line_and_refuses_the_file(text, told):
    content = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(LocalError) as caught:
        entries_of_dotenv(content)
    for words in told:
        assert words in caught.value.message
    assert caught.value.message.count("line ") >= len(told)
    assert caught.value.message.count("\n  ") in {0, len(told)}


def test_no_value_is_in_an_error():
    with pytest.raises(LocalError) as caught:
        entries_of_dotenv(b"A=hunter2\nA=hunter3\nhunter4\nB='hunter5' hunter6\nC=\"hunter7\n")
    assert "hunter" not in caught.value.message


def test_a_file_of_another_kind_is_told_in_a_few_lines():
    with pytest.raises(LocalError) as caught:
        entries_of_dotenv(b"no\n" * 5000)
    assert len(caught.value.message.splitlines()) == MAX_PROBLEMS_TOLD + 2
    assert caught.value.message.endswith(f"and {5000 - MAX_PROBLEMS_TOLD} more")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("A=" + " " * 1_000_000 + "x", id="blanks"),
        pytest.param("A=" + "#" * 1_000_000, id="number-signs"),
        pytest.param('A="' + "\\" * 999_999, id="backslashes"),
        pytest.param("\n".join(f"A{n}='x'" for n in range(50_000)), id="names"),
        pytest.param('x"\n' * 50_000 + "A='", id="quotes"),
    ],
)
def test_no_file_takes_long(text):
    begin = time.thread_time()
    with suppress(LocalError):
        entries_of_dotenv(text.encode())
    assert time.thread_time() - begin < 5
