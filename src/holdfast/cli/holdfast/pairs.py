r"""``field=value`` words, as ``vault write`` and ``vault kv put`` take them.

``field=text`` gives the text, ``field=@file`` the content of a file, ``field=-`` standard input, and
``field=\@text`` a text that starts with ``@``. A lone ``-`` or ``@file`` is a whole JSON object. A
field given twice becomes a list.
"""

from collections.abc import Container, Sequence
from typing import Any

from holdfast.cli.errors import LocalError, UsageError
from holdfast.cli.typed_input import text_of_file, warn_of_inline


def parse_pairs(words: Sequence[str], *, secrets: Container[str] | None = None) -> dict[str, Any]:
    """Return the fields that the words stand for.

    Args:
        words: from the command line.
        secrets: fields to warn about when they are typed there; by default any field.

    Raises:
        UsageError: a word has no ``=``, or standard input is asked for twice.
        LocalError: a file holds no JSON object or no UTF-8.
    """
    if sum(word == "-" or word.endswith("=-") for word in words) > 1:
        raise UsageError("standard input: expected at most one field to take it")
    fields: dict[str, Any] = {}
    inline = False
    for position, word in enumerate(words, start=1):
        if word == "-" or word.startswith("@"):
            fields |= _json_object(word if word == "-" else word[1:])
            continue
        name, equals, given = word.partition("=")
        if not equals or not name:
            raise UsageError(f"argument {position} after the path: expected field=value")
        is_secret = secrets is None or name in secrets
        inline = inline or (is_secret and not (given == "-" or given.startswith("@")))
        value = _value(name, given)
        if name in fields:
            earlier = fields[name]
            fields[name] = [*earlier, value] if isinstance(earlier, list) else [earlier, value]
        else:
            fields[name] = value
    if inline:
        warn_of_inline("fields", instead="field=@file and field=- keep it to you")
    return fields


def parse_option_pairs(pairs: Sequence[str], *, option: str) -> dict[str, str]:
    """Return what a repeatable ``--option key=value`` collected.

    Raises:
        UsageError: one of them has no ``=``.
    """
    parsed = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"{option}: expected key=value")
        parsed[key] = value
    return parsed


def _value(name: str, given: str) -> str:
    if given == "-":
        return text_of_file("-", name=name)
    if given.startswith("@"):
        return text_of_file(given[1:], name=name)
    return given[1:] if given.startswith("\\@") else given


def _json_object(path: str) -> dict[str, Any]:
    from holdfast.errors import InvalidInputError
    from holdfast.formats.strict_json import decode_object

    try:
        return decode_object(text_of_file(path, name="JSON input").encode()).values
    except InvalidInputError as error:
        raise LocalError(f"JSON input: {error.message}") from None
