"""The words of an HCL 1 text: what the parser sees, each with its place.

Blanks and the comments ``# ...``, ``// ...`` and ``/* ... */`` are dropped here. Line breaks mean nothing to
the parser, so that a block's brace may stand on a line of its own.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple, NoReturn

from holdfast.errors import InvalidInputError

_TOKEN = re.compile(
    r"""
      (?P<blank>   [ \t\r\n]++ | \#[^\n]*+ | //[^\n]*+ | /\*.*?\*/ )
    | (?P<name>    [A-Za-z_][A-Za-z0-9_.-]*+ )
    | (?P<number>  -?(?: 0[xX][0-9a-fA-F]{1,16} | (?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)? )
                   (?![A-Za-z0-9_.]) )
    | (?P<string>  "(?:[^"\\\x00-\x1f\x7f]++|\\[^\n])*+" )
    | (?P<heredoc> <<(?P<indented>-?)(?P<marker>[A-Za-z_][A-Za-z0-9_]*+)\r?\n )
    | (?P<mark>    [][{}=,] )
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r'\\(?:(["\\nrt])|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|)')
_ESCAPED = {'"': '"', "\\": "\\", "n": "\n", "r": "\r", "t": "\t"}
_SURROGATES = range(0xD800, 0xE000)
_MAX_CODE_POINT = 0x10FFFF
_MAX_DIGITS = 400  # more than the range of a double needs; longer ones only cost time


class Token(NamedTuple):
    """One word.

    Attributes:
        kind: ``name``, ``string``, ``number``, ``end``, or the punctuation mark itself.
        value: what it stands for: the text of a name or string, the number of a number.
        offset: where it starts in the text.
    """

    kind: str
    value: str | int | float
    offset: int


class Text:
    """A text under its name, which knows lines and columns.

    Args:
        text: the whole of it.
        source: what errors call it, such as a file name.
    """

    def __init__(self, text: str, source: str) -> None:
        self.text = text
        self._source = source
        self._line_breaks = [match.start() for match in re.finditer("\n", text)]

    def line(self, offset: int) -> int:
        """Return the line of ``offset``, from 1."""
        return bisect_left(self._line_breaks, offset) + 1

    def refuse(self, offset: int, problem: str) -> NoReturn:
        """Raise ``InvalidInputError`` for a place; ``problem`` must not repeat the text."""
        line = self.line(offset)
        column = offset - (self._line_breaks[line - 2] if line > 1 else -1)
        raise InvalidInputError(f"{self._source}:{line}:{column}: {problem}")


def tokens(source: Text) -> Iterator[Token]:
    """Yield the words of a text, and one ``end`` behind the last.

    Raises:
        InvalidInputError: something that is no word of HCL.
    """
    text, offset = source.text, 0
    while offset < len(text):
        match = _TOKEN.match(text, offset)
        if match is None:
            source.refuse(offset, _what_is_wrong(text, offset))
        start, offset = offset, match.end()
        kind = match.lastgroup
        if kind == "blank":
            continue
        if kind == "heredoc":
            value, offset = _heredoc(source, match)
            yield Token("string", value, start)
        elif kind == "string":
            yield Token("string", _unescape(source, match[0][1:-1], start + 1), start)
        elif kind == "number":
            yield Token("number", _number(source, match[0], start), start)
        else:
            yield Token("name" if kind == "name" else match[0], match[0], start)
    yield Token("end", "", len(text))


def _what_is_wrong(text: str, offset: int) -> str:
    if text[offset] == '"':
        return "expected a string that ends on its line, without control characters"
    if text.startswith("/*", offset):
        return "expected the end of this comment"
    if text.startswith("<<", offset):
        return "expected a marker word and a line break behind <<"
    if text[offset] in "-.0123456789":
        return "expected a number; put anything else in quotes"
    return "unexpected character"


def _unescape(source: Text, text: str, offset: int) -> str:
    def replace(match: re.Match[str]) -> str:
        if match[1]:
            return _ESCAPED[match[1]]
        point = int(match[2] or match[3] or "d800", 16)
        if point in _SURROGATES or point > _MAX_CODE_POINT:
            source.refuse(
                offset + match.start(), r"expected one of the escapes \" \\ \n \r \t \uXXXX \UXXXXXXXX"
            )
        return chr(point)

    return _ESCAPE.sub(replace, text) if "\\" in text else text


def _number(source: Text, text: str, offset: int) -> int | float:
    if len(text) > _MAX_DIGITS:
        source.refuse(offset, f"expected a number of at most {_MAX_DIGITS} digits")
    if "x" in text or "X" in text:
        return int(text, 16)
    if text.lstrip("-").isdigit():
        return int(text)
    value = float(text)
    if value in {float("inf"), float("-inf")}:
        source.refuse(offset, "expected a number within the range of a double")
    return value


def _heredoc(source: Text, head: re.Match[str]) -> tuple[str, int]:
    """Return the text between ``<<MARKER`` and the line that holds only the marker, and where it ends."""
    closing = re.compile(rf"^([ \t]*){head['marker']}[ \t\r]*$", re.MULTILINE)
    end = closing.search(source.text, head.end())
    if end is None:
        source.refuse(head.start(), "expected a line with the marker of this text alone, to end it")
    body, indent = source.text[head.end() : end.start()], end[1]
    lines = body.split("\n")[:-1]
    if head["indented"] and all(line.startswith(indent) for line in lines):
        body = "".join(line.removeprefix(indent) + "\n" for line in lines)
    return body, end.end()
