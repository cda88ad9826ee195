r"""Files of ``NAME=value`` lines, as shells, Docker and many frameworks read them, as a source.

    # a comment                  ignored, as are empty lines
    NAME=value # comment         up to a blank and a number sign; blanks around the value are left out
    export NAME='value'          exactly what is between the quotes; may go over several lines
    NAME="value"                 the same, with \n \r \t \\ \" \$ for what they stand for elsewhere

Programs differ in what ``$`` and backquotes do; here nothing is expanded. A line that cannot be read, or a
name that is set twice, refuses the whole file, and each such line is named: half a file is worse than none.
"""

import re
from collections.abc import Callable

from holdfast.cli.errors import LocalError
from holdfast.cli.migrate.entry import Entry, holding

MAX_FILE_BYTES = 16 * 1024 * 1024
MAX_PROBLEMS_TOLD = 20

_NAME = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=")
_BLANK = re.compile(r"[ \t]*(?:#[^\n]*)?\r?(?:\n|\Z)")
_QUOTE = re.compile(r"[ \t]*(['\"])")
_PLAIN = re.compile(r"[^\n]*")
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "$": "$"}


class _LineError(Exception):
    """What is wrong with the line at hand."""


class _OpenQuoteError(_LineError):
    """A quote that is open to the end of the file; what comes after it cannot be told apart."""


def entries_of_dotenv(content: bytes) -> list[Entry]:
    """Return an entry for each name, in the order of the file.

    Raises:
        LocalError: lines that cannot be read, or names that are set twice; each is named by its number.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise LocalError(f"env file: line {line}: expected UTF-8") from None
    entries: list[Entry] = []
    first: dict[str, int] = {}
    problems: list[str] = []
    position, line = 0, 1
    while position < len(text):
        start = position
        try:
            name, value, position = _assignment(text, position)
            if name in first:
                problems.append(f"line {line}: the name was set on line {first[name]} already")
            elif name:
                first[name] = line
                entries.append(holding(name, value.encode()))
        except _LineError as error:
            problems.append(f"line {line}: {error}")
            following = 0 if isinstance(error, _OpenQuoteError) else text.find("\n", start) + 1
            position = following or len(text)
        line += text.count("\n", start, position)
    if problems:
        raise LocalError(_told(problems))
    return entries


def _assignment(text: str, position: int) -> tuple[str, str, int]:
    """Return name, value and where the next line starts; an empty name for a line that says nothing."""
    if blank := _BLANK.match(text, position):
        return "", "", blank.end()
    name = _NAME.match(text, position)
    if name is None:
        raise _LineError("expected NAME=value, of letters, digits, _ . and -, not starting with a digit")
    quote = _QUOTE.match(text, name.end())
    if quote is None:
        plain = _PLAIN.match(text, name.end())
        raw = plain.group() if plain else ""
        value, position = _without_comment(raw).strip(" \t\r"), name.end() + len(raw) + 1
    elif quote[1] == "'":
        value, position = _quoted(_SINGLE, text, quote.start(1), lambda inside: inside)
    else:
        value, position = _quoted(_DOUBLE, text, quote.start(1), _unescaped)
    return name[1], value, position


def _without_comment(raw: str) -> str:
    """Cut a value at the first number sign after a blank; one inside a word is part of it."""
    sign = raw.find("#")
    while sign != -1:
        if sign and raw[sign - 1] in " \t":
            return raw[:sign]
        sign = raw.find("#", sign + 1)
    return raw


def _quoted(form: re.Pattern[str], text: str, position: int, read: Callable[[str], str]) -> tuple[str, int]:
    found = form.match(text, position)
    if found is None:
        raise _OpenQuoteError("the quote is not closed")
    rest = _BLANK.match(text, found.end())
    if rest is None:
        raise _LineError("expected nothing but a comment after the closing quote")
    return read(found[1]), rest.end()


def _unescaped(inside: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[0]), inside)


def _told(problems: list[str]) -> str:
    more = len(problems) - MAX_PROBLEMS_TOLD
    shown = [*problems[:MAX_PROBLEMS_TOLD], *([f"and {more} more"] if more > 0 else [])]
    return "env file: nothing was imported:\n  " + "\n  ".join(shown)
