"""The notes that owners attach to a secret: a few short printable texts by name.

They are shown with every version and are no place for secrets: listings and audit lines may carry
their names. Limits are those of the Vault API.
"""

from collections.abc import Iterator, Mapping

from holdfast.errors import InvalidInputError

MAX_KEYS = 64
MAX_KEY_BYTES = 128
MAX_VALUE_BYTES = 512


def check_custom_metadata(notes: Mapping[str, str]) -> dict[str, str]:
    """Return ``notes`` as a new dictionary.

    Raises:
        InvalidInputError: a limit is broken; the text names every violation by the position of the
            entry, since entries may be anything.
    """
    violations = list(_violations(notes))
    if violations:
        raise InvalidInputError("custom_metadata validation failed: " + "; ".join(violations))
    return dict(notes)


def _violations(notes: Mapping[str, str]) -> Iterator[str]:
    if len(notes) > MAX_KEYS:
        yield f"expected at most {MAX_KEYS} keys"
        return  # whoever sends a million entries does not get a million sentences
    for position, (key, value) in enumerate(notes.items(), start=1):
        yield from _text_violations(key, f"key {position}", MAX_KEY_BYTES)
        yield from _text_violations(value, f"value {position}", MAX_VALUE_BYTES)


def _text_violations(text: object, what: str, max_bytes: int) -> Iterator[str]:
    if not isinstance(text, str):
        yield f"expected {what} to be text"
        return
    if not 0 < len(text.encode()) <= max_bytes:
        yield f"expected {what} to have 1 to {max_bytes} bytes"
    if not text.isprintable():
        yield f"expected {what} to be printable"
