"""Configuration and policy documents in HCL 1 or JSON, read into one neutral tree.

The part of HCL 1 that configuration files and policies are written in: comments, attributes, blocks
with up to two labels (quoted or bare, the brace on any line), strings with escapes, heredocs, numbers,
booleans, lists and objects. Commas between the entries of a list are required, those between the
entries of an object or block optional, one after the last is fine. No expressions, no interpolation:
``${`` and ``{{`` are plain text.

Where HCL 1 takes the last of two equal attributes, this refuses both. Errors tell line and column and
never repeat the text, which may hold a secret.
"""

from collections.abc import Callable
from typing import TypeVar

from holdfast.formats.hcl_block import MAX_LABELS, Block, Value
from holdfast.formats.hcl_json import block_from_json
from holdfast.formats.hcl_tokens import Text, Token, tokens
from holdfast.formats.strict_json import MAX_VALUES, decode_object

__all__ = ["MAX_NESTING", "Block", "Value", "parse_document"]

MAX_NESTING = 64
T = TypeVar("T")


def parse_document(text: str, *, source: str = "document") -> Block:
    """Read a document; it is JSON if its first character, blanks aside, is a brace.

    Args:
        text: the whole document.
        source: what errors call it, such as a file name.

    Raises:
        InvalidInputError: it is neither; names the place.
    """
    if text.lstrip(" \t\r\n").startswith("{"):
        body = text.encode("utf-8", "surrogatepass")
        return block_from_json(decode_object(body, source=source, max_strings=MAX_VALUES).values)
    return _Parser(Text(text, source)).document()


class _Parser:
    """Recursive descent with one token of look-ahead."""

    def __init__(self, source: Text) -> None:
        self._source = source
        self._tokens = tokens(source)
        self._next = next(self._tokens)
        self._nesting = 0

    def document(self) -> Block:
        attributes, blocks = self._body("end")
        return Block(attributes=attributes, blocks=blocks, line=1)

    def _body(self, end: str) -> tuple[dict[str, Value], tuple[Block, ...]]:
        """Read attributes and blocks up to the token ``end``."""
        attributes: dict[str, Value] = {}
        blocks: list[Block] = []
        while self._next.kind != end:
            name = self._take(
                "name", "string", expected="a name" + (", or } to end the block" if end == "}" else "")
            )
            if self._next.kind == "=":
                self._add(attributes, name)
            else:
                blocks.append(self._block(name))
            if end == "}":
                self._skip(",")
        return attributes, tuple(blocks)

    def _add(self, attributes: dict[str, Value], name: Token) -> None:
        if name.value in attributes:
            self._source.refuse(name.offset, "this name already has a value in this block")
        self._take("=", expected="=")
        attributes[str(name.value)] = self._value()

    def _block(self, name: Token) -> Block:
        labels: list[str] = []
        while self._next.kind in {"name", "string"} and len(labels) < MAX_LABELS:
            labels.append(str(self._take("name", "string", expected="a label").value))
        self._take("{", expected="{" if labels else "=, a label or {")
        attributes, blocks = self._nested(lambda: self._body("}"))
        self._take("}", expected="}")
        return Block(
            type=str(name.value),
            labels=tuple(labels),
            attributes=attributes,
            blocks=blocks,
            line=self._source.line(name.offset),
        )

    def _value(self) -> Value:
        token = self._take("string", "number", "name", "[", "{", expected="a value")
        match token.kind:
            case "[":
                return self._nested(self._list)
            case "{":
                return self._nested(self._object)
            case "name":
                return self._boolean(token)
        return token.value

    def _boolean(self, token: Token) -> bool:
        if token.value not in {"true", "false"}:
            self._source.refuse(token.offset, "expected a value; put text in quotes")
        return token.value == "true"

    def _list(self) -> Value:
        items: list[Value] = []
        while self._next.kind != "]":
            items.append(self._value())
            if not self._skip(","):
                break
        self._take("]", expected=", or ]")
        return items

    def _object(self) -> Value:
        entries: dict[str, Value] = {}
        while self._next.kind != "}":
            self._add(entries, self._take("name", "string", expected="a name, or } to end the object"))
            self._skip(",")
        self._take("}", expected="}")
        return entries

    def _nested(self, read: Callable[[], T]) -> T:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            self._source.refuse(self._next.offset, f"expected at most {MAX_NESTING} levels of nesting")
        result = read()
        self._nesting -= 1
        return result

    def _take(self, *kinds: str, expected: str) -> Token:
        token = self._next
        if token.kind not in kinds:
            self._source.refuse(token.offset, f"expected {expected}")
        self._next = next(self._tokens, token)
        return token

    def _skip(self, kind: str) -> bool:
        if self._next.kind != kind:
            return False
        self._take(kind, expected=kind)
        return True
