"""``holdfast policy fmt``: the text of a policy laid out as everybody lays it out; what it means stays.

Indentation follows the braces, what stands around an equals sign is one blank, and the values of
neighbouring lines stand below each other. Comments, the order of things and texts in quotes are kept.
"""

import json
import re

from holdfast.errors import InvalidInputError
from holdfast.policy.acl_policy import parse_policy

_NAME = "policy"
_INDENT = "  "
_OPENING = frozenset({"{", "["})
_CLOSING = frozenset({"}", "]"})
_COMMENTS = ("#", "//", "/*")
_WORD = re.compile(
    r"""
      (?P<space>   [ \t\r]+ )
    | (?P<line>    \n )
    | (?P<comment> \#[^\n]* | //[^\n]* | /\*.*?\*/ )
    | (?P<text>    "(?:[^"\\]|\\.)*" | <<-?(\w+)\r?\n.*?\n[ \t]*\5(?=[ \t\r]*(?:\n|$)) )
    | (?P<mark>    [][{},=] )
    | (?P<other>   [^\s"\[\]{},=\#]+ )
    """,
    re.VERBOSE | re.DOTALL,
)


def format_policy(text: str) -> str:
    """Return the text of a policy laid out.

    Raises:
        InvalidInputError: the store would not take it.
    """
    meant = parse_policy(_NAME, text)
    if text.lstrip().startswith("{"):
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"
    laid_out = _lay_out(_lines(text))
    if parse_policy(_NAME, laid_out) != meant:
        raise InvalidInputError("policy: this text cannot be laid out without changing what it means")
    return laid_out


def _lay_out(lines: list[list[str]]) -> str:
    out: list[str] = []
    neighbours: list[tuple[str, str]] = []

    def flush() -> None:
        width = max((len(name) for name, _ in neighbours), default=0)
        out.extend(f"{name.ljust(width)} = {value}" for name, value in neighbours)
        neighbours.clear()

    depth = 0
    for words in lines:
        ends = next((number for number, word in enumerate(words) if word not in _CLOSING), len(words))
        indent = _INDENT * (depth - ends)
        if _is_assignment(words):
            neighbours.append((indent + words[0], _join(words[2:])))
        else:
            flush()
            out.append((indent + _join(words)).rstrip())
        depth += sum((word in _OPENING) - (word in _CLOSING) for word in words)
    flush()
    return "\n".join(out) + "\n"


def _lines(text: str) -> list[list[str]]:
    """Cut a text into lines of words; at most one empty line stands between others, none at the ends."""
    lines: list[list[str]] = [[]]
    for match in _WORD.finditer(text):
        kind = match.lastgroup if match.lastgroup in {"space", "line"} else "word"
        if kind == "line":
            lines.append([])
        elif kind == "word":
            lines[-1].append(match[0].rstrip() if match[0].startswith(("#", "//")) else match[0])
    lines = _with_last_braces_alone(_with_braces_behind(lines))
    kept = [line for number, line in enumerate(lines) if line or (number and lines[number - 1])]
    while kept and not kept[-1]:
        kept.pop()
    while kept and not kept[0]:
        kept.pop(0)
    return kept


def _with_braces_behind(lines: list[list[str]]) -> list[list[str]]:
    """Put an opening brace that stands alone behind the line before it."""
    joined: list[list[str]] = []
    for line in lines:
        if line == ["{"] and joined and joined[-1] and not joined[-1][-1].startswith((*_COMMENTS, "{")):
            joined[-1].append("{")
        else:
            joined.append(list(line))
    return joined


def _with_last_braces_alone(lines: list[list[str]]) -> list[list[str]]:
    """Put the brace that ends a block of several lines on a line of its own."""
    parted: list[list[str]] = []
    for line in lines:
        surplus = sum((word in _CLOSING) - (word in _OPENING) for word in line)
        last = next((n for n in reversed(range(len(line))) if not line[n].startswith(_COMMENTS)), 0)
        if surplus > 0 and last > 0 and line[last] == "}" and line[0] not in _CLOSING:
            parted += [*_with_last_braces_alone([line[:last]]), line[last:]]
        else:
            parted.append(line)
    return parted


def _join(words: list[str]) -> str:
    text = ""
    for number, word in enumerate(words):
        before = words[number - 1] if number else ""
        tight = number == 0 or word in {",", "]"} or before == "[" or (before == "{" and word == "}")
        text += word if tight else f" {word}"
    return text


def _is_assignment(words: list[str]) -> bool:
    return words[1:2] == ["="] and words[-1] not in _OPENING
