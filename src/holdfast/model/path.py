"""The one parser of names and request targets, and the one form that paths have inside.

Every path that reaches policy, routing, storage or audit is a ``Path`` made here. The parser reads
the raw request target, decodes it once and strictly, splits it into segments, and rejects what it
would otherwise have to repair, so that no two spellings of one name exist:

* ``.`` and ``..`` segments in any encoding, backslashes, control and format characters, U+FFFD;
* bytes that are not UTF-8, text that is not NFC, leading or trailing blanks in a segment;
* segments over 255 bytes, paths over 1,024 bytes or 64 segments deep.

An encoded slash (``%2F``) separates segments like a plain one, as both wire dialects read it. Repeated
slashes are refused unless the dialect asks to collapse them.
"""

import re
import unicodedata
from functools import lru_cache
from urllib.parse import unquote_to_bytes

import msgspec

from holdfast.errors import InvalidInputError, TooLargeError

MAX_SEGMENT_BYTES = 255
MAX_PATH_BYTES = 1024
MAX_DEPTH = 64
MAX_TARGET_BYTES = 8192
MAX_REMEMBERED_BYTES = 512  # of what anybody may send: longer targets are rare, and would fill the memory

# Cc controls, Cf format and bidi marks, Cs surrogates, Co private use, Cn unassigned, Zl and Zp line breaks.
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_HEX_DIGITS = frozenset(b"0123456789abcdefABCDEF")
_PERCENT = ord("%")
# What breaks no rule of this module, told in one look: nearly every path there is.
_is_ordinary = re.compile(rf"(?:[\w-][\w.-]{{0,{MAX_SEGMENT_BYTES - 1}}}(?:/|\Z))+", re.ASCII).fullmatch


class Path(msgspec.Struct, frozen=True, gc=False):
    """A canonical path: no leading slash, ``/`` between segments, a trailing slash only for a directory.

    Attributes:
        text: the canonical text, such as ``secret/data/team/db`` or ``secret/metadata/team/``.
    """

    text: str

    @property
    def is_directory(self) -> bool:
        """Whether the path ends in a slash, or is the empty root."""
        return self.text.endswith("/") or not self.text

    @property
    def segments(self) -> tuple[str, ...]:
        """The segments without slashes; empty for the root."""
        return tuple(self.text.rstrip("/").split("/")) if self.text else ()

    def as_directory(self) -> "Path":
        """Return the same place with a trailing slash (the root stays empty)."""
        return self if self.is_directory else Path(self.text + "/")

    def __str__(self) -> str:
        return self.text


class Target(msgspec.Struct, frozen=True, gc=False):
    """A parsed request target: the canonical path and the decoded query.

    Attributes:
        path: the path, with its trailing slash if the client sent one.
        query: decoded parameters; a repeated name is refused.
    """

    path: Path
    query: tuple[tuple[str, str], ...] = ()

    def parameter(self, name: str) -> str | None:
        """Return the value of query parameter ``name``, or ``None``."""
        for key, value in self.query:
            if key == name:
                return value
        return None


def parse_path(text: str, *, field: str = "path", collapse_slashes: bool = False) -> Path:
    """Return the canonical form of a path given as text (no percent-decoding).

    One leading slash is dropped, a trailing slash is kept.

    Raises:
        InvalidInputError: the path breaks a rule of this module.
        TooLargeError: a segment, the path or its depth is over the limit.
    """
    text = text.removeprefix("/")
    if not text:
        return Path("")
    if len(text) <= MAX_PATH_BYTES and text.count("/") < MAX_DEPTH and _is_ordinary(text):
        return Path(text)
    trailing = text.endswith("/")
    segments = (text[:-1] if trailing else text).split("/")
    if collapse_slashes:
        segments = [segment for segment in segments if segment]
        if not segments:
            return Path("")
    if len(segments) > MAX_DEPTH:
        raise TooLargeError(f"{field}: expected at most {MAX_DEPTH} segments")
    for segment in segments:
        _check_segment(segment, field)
    canonical = "/".join(segments) + ("/" if trailing else "")
    if len(canonical.encode()) > MAX_PATH_BYTES:
        raise TooLargeError(f"{field}: expected at most {MAX_PATH_BYTES} bytes")
    return Path(canonical)


def read_target(raw: bytes, *, collapse_slashes: bool = False) -> Target:
    """Parse a raw HTTP request target in origin form, and remember nothing; see also ``parse_target``.

    Args:
        raw: the bytes between method and version of the request line.
        collapse_slashes: whether the dialect reads ``//`` as ``/``.

    Raises:
        InvalidInputError: not origin form, or a rule of this module is broken.
        TooLargeError: the target, or a part of it, is over its limit.
    """
    if len(raw) > MAX_TARGET_BYTES:
        raise TooLargeError(f"request target: expected at most {MAX_TARGET_BYTES} bytes")
    if not raw.startswith(b"/"):
        raise InvalidInputError("request target: expected it to start with a slash")
    raw_path, _, raw_query = raw.partition(b"?")
    path = parse_path(percent_decoded(raw_path, "path"), collapse_slashes=collapse_slashes)
    return Target(path, parse_query(raw_query) if raw_query else ())


_remembered = lru_cache(maxsize=16_384)(read_target)


def parse_target(raw: bytes, *, collapse_slashes: bool = False) -> Target:
    """Do the same for whoever does not remember what comes of it, and is asked for the same all the time."""
    read = _remembered if len(raw) <= MAX_REMEMBERED_BYTES else read_target
    return read(raw, collapse_slashes=collapse_slashes)


def parse_query(raw: bytes) -> tuple[tuple[str, str], ...]:
    """Return the decoded parameters of a raw query.

    Raises:
        InvalidInputError: one is not UTF-8 in percent encoding, or a name occurs twice.
    """
    parameters: list[tuple[str, str]] = []
    seen: set[str] = set()
    for part in raw.split(b"&"):
        if not part:
            continue
        raw_name, _, raw_value = part.replace(b"+", b" ").partition(b"=")
        name, value = percent_decoded(raw_name, "query"), percent_decoded(raw_value, "query")
        if name in seen:
            raise InvalidInputError("query: expected each parameter once")
        seen.add(name)
        parameters.append((name, value))
    return tuple(parameters)


def percent_decoded(raw: bytes, field: str) -> str:
    """Decode a part of a target once, strictly.

    Args:
        raw: the part as sent.
        field: what errors call it.

    Raises:
        InvalidInputError: a percent sign without two hex digits, or bytes that are not UTF-8.
    """
    if b"%" in raw:
        for index in range(len(raw)):
            if raw[index] == _PERCENT and not (
                len(raw) > index + 2 and raw[index + 1] in _HEX_DIGITS and raw[index + 2] in _HEX_DIGITS
            ):
                raise InvalidInputError(f"{field}: expected two hex digits after each percent sign")
        raw = unquote_to_bytes(raw)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInputError(f"{field}: expected UTF-8") from None


def _check_segment(segment: str, field: str) -> None:
    if not segment:
        raise InvalidInputError(f"{field}: expected no empty segment between slashes")
    if segment in {".", ".."}:
        raise InvalidInputError(f"{field}: expected no . or .. segment")
    if segment.isascii():
        if not segment.isprintable() or "\\" in segment:
            raise InvalidInputError(f"{field}: expected no control character and no backslash")
    else:
        _check_unicode(segment, field)
    if segment[0] == " " or segment[-1] == " ":
        raise InvalidInputError(f"{field}: expected no blank at the start or end of a segment")
    if len(segment.encode()) > MAX_SEGMENT_BYTES:
        raise TooLargeError(f"{field}: expected at most {MAX_SEGMENT_BYTES} bytes in a segment")


def _check_unicode(segment: str, field: str) -> None:
    for character in segment:
        if (
            character in {"\\", "\ufffd"}
            or unicodedata.category(character) in _FORBIDDEN_CATEGORIES
            or (character.isspace() and character != " ")
        ):
            raise InvalidInputError(f"{field}: expected no control, format or unassigned character")
    if not unicodedata.is_normalized("NFC", segment):
        raise InvalidInputError(f"{field}: expected text in Unicode normal form C")
