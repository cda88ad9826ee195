"""JSON objects from outside: one strict reading of the bytes, or ``InvalidInputError``.

Two parties that read one body differently are an attack (the policy sees one value, the engine
another), and a small body that grows into a large tree is another. So a body must be a single JSON
object (RFC 8259) in strict UTF-8, and these are refused: a byte order mark, NaN and Infinity,
numbers outside the range of a double, integers over 4,300 digits, lone surrogates, duplicate
names at any depth, trailing bytes. Nesting, strings and values are counted on the bytes, before
anything is built. Errors say what is wrong and at which byte; they never repeat the input.

A client's own document is kept as it was sent: ``JsonObject.fragment`` gives the bytes of one member,
in which numbers keep all of their digits.
"""

import re
from typing import Any

import msgspec

from holdfast.errors import InvalidInputError, TooLargeError

MAX_DEPTH = 64
MAX_STRINGS = 1000  # names and values together; the limit that Vault clients already live with
MAX_VALUES = 20_000  # members and elements together, so that a body of bare numbers is bounded too

_decode = msgspec.json.Decoder().decode
_decode_fragments = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode

# A string literal, closed or not: with possessive repeats and an optional end no input is read twice.
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?'
_STRINGS = re.compile(_STRING, re.DOTALL)
_TOKENS = re.compile(_STRING + rb"|[][{},:]", re.DOTALL)
_BYTE_OFFSET = re.compile(r"\(byte \d+\)$")


class JsonObject:
    """A decoded JSON object that still knows the bytes it came from.

    Attributes:
        values: the members as Python values.
        raw: the whole body as sent.
    """

    __slots__ = ("_fragments", "raw", "values")

    def __init__(self, values: dict[str, Any], raw: bytes) -> None:
        self.values = values
        self.raw = raw
        self._fragments: dict[str, msgspec.Raw] | None = None

    def fragment(self, name: str) -> bytes:
        """Return the JSON text of one top-level member exactly as it was sent.

        Raises:
            InvalidInputError: there is no such member.
        """
        if self._fragments is None:
            self._fragments = _decode_fragments(self.raw)
        try:
            return bytes(self._fragments[name])
        except KeyError:
            raise InvalidInputError(f"{name}: required, but missing from the JSON object") from None


def decode_object(
    body: bytes, *, source: str = "body", max_depth: int = MAX_DEPTH, max_strings: int = MAX_STRINGS
) -> JsonObject:
    """Read ``body`` as one JSON object.

    Args:
        body: the bytes as received.
        source: what errors call it.
        max_depth: how deep objects and arrays may nest.
        max_strings: how many strings there may be, names and values together.

    Raises:
        TooLargeError: more strings or values than allowed.
        InvalidInputError: anything else that is wrong with it.
    """
    _refuse_oversized(body, source, max_depth, max_strings)
    values = _parse(body, source)
    if type(values) is not dict:
        raise InvalidInputError(f"{source}: expected a JSON object")
    if _has_duplicate_names(body, values):
        raise InvalidInputError(f"{source}: a name occurs twice in one JSON object")
    return JsonObject(values, body)


def encode(value: Any) -> bytes:
    """Write ``value`` as compact JSON in UTF-8."""
    return _encode(value)


def _parse(body: bytes, source: str) -> Any:
    try:
        return _decode(body)
    except msgspec.DecodeError as error:
        where = _BYTE_OFFSET.search(str(error))
        problem = f"not valid JSON {where[0]}" if where else "not valid JSON"
    except UnicodeDecodeError:
        problem = "not valid UTF-8"
    except RecursionError:
        problem = "nested too deep"
    # Raised out here, because the errors above would carry the body along as their context.
    raise InvalidInputError(f"{source}: {problem}")


def _refuse_oversized(body: bytes, source: str, max_depth: int, max_strings: int) -> None:
    """Refuse a body over the limits; counting bytes settles nearly every body, tokens the rest."""
    count, size = body.count, len(body)
    if (
        count(b"{") + count(b"[") <= max_depth
        and (size <= 2 * max_strings or count(b'"') <= 2 * max_strings)
        and (size <= MAX_VALUES or count(b",") + count(b":") <= MAX_VALUES)
    ):
        return
    depth = strings = values = 0
    for token in _TOKENS.finditer(body):
        kind = body[token.start()]
        if kind in b"{[":
            depth += 1
            if depth > max_depth:
                raise InvalidInputError(f"{source}: expected JSON nested at most {max_depth} deep")
        elif kind in b"}]":
            depth -= 1
            if depth < 0:
                return  # malformed: the parser stops here too, and says where
        elif kind == ord('"'):
            strings += 1
            if strings > max_strings:
                raise TooLargeError(
                    f"{source}: expected at most {max_strings} strings, names and values together"
                )
        else:
            values += 1
            if values > MAX_VALUES:
                raise TooLargeError(f"{source}: expected at most {MAX_VALUES} JSON values")


def _has_duplicate_names(body: bytes, values: dict[str, Any]) -> bool:
    """Compare the members that were decoded with the colons that were sent: a duplicate leaves fewer."""
    colons = body.count(b":")
    if colons == len(values):  # nothing is nested
        return False
    members = _count_members(values)
    return (
        members != colons
        and members != colons - body.count(b"://")  # of addresses: valid JSON has that in strings alone
        and members != _STRINGS.sub(b"", body).count(b":")
    )


def _count_members(value: Any) -> int:
    if type(value) is dict:
        count, children = len(value), value.values()
    else:
        count, children = 0, value
    for child in children:
        if type(child) is dict or type(child) is list:
            count += _count_members(child)
    return count
