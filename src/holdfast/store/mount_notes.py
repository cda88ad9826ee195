"""What is said of a mount beyond what the store acts on: kept as it was said, and told again.

Programs that bring a store into a desired state compare what they read with what they wrote, so nothing they
say may vanish. None of it changes what the store does: there is one cluster, everything is sealed, nothing is
cached that must not be, and audit lines show no value in clear whatever a mount says.
"""

from typing import Any

from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode
from holdfast.store import fields

MAX_BYTES = 4096
VISIBILITIES = frozenset({"", "unauth", "hidden"})

_AT_BIRTH = ("local", "seal_wrap", "external_entropy_access")
_LISTS = (
    "allowed_response_headers",
    "audit_non_hmac_request_keys",
    "audit_non_hmac_response_keys",
    "passthrough_request_headers",
)
VISIBILITY = "listing_visibility"
KNOWN = frozenset({*_LISTS, VISIBILITY, "force_no_cache", "plugin_version"})
"""What can be said at any time."""

Notes = dict[str, Any]


def said_at_birth(values: dict[str, Any], config: dict[str, Any]) -> Notes:
    """Return what a request says that makes a mount; ``config`` is its member of that name.

    Raises:
        InvalidInputError: it says what cannot be, or too much.
    """
    said = {name: True for name in _AT_BIRTH if fields.boolean(values, name)}
    return with_notes(said, said_of(config))


def said_of(values: dict[str, Any]) -> Notes:
    """Return what a request says that changes a mount.

    Raises:
        InvalidInputError: it says what cannot be.
    """
    said: Notes = {name: list(fields.words(values, name)) for name in _LISTS if name in values}
    if "force_no_cache" in values:
        said["force_no_cache"] = fields.boolean(values, "force_no_cache")
    for name in (VISIBILITY, "plugin_version"):
        if name in values:
            said[name] = fields.text(values, name)
    if said.get(VISIBILITY, "") not in VISIBILITIES:
        raise InvalidInputError(f"{VISIBILITY}: expected unauth, hidden or nothing")
    return said


def with_notes(before: Notes, said: Notes) -> Notes:
    """Return notes with what was said in place of what was said before; what is empty is not kept.

    Raises:
        InvalidInputError: that is too much.
    """
    notes = {name: value for name, value in {**before, **said}.items() if value}
    if len(encode(notes)) > MAX_BYTES:
        raise InvalidInputError(f"config: expected at most {MAX_BYTES} bytes of lists and texts")
    return notes


def told(notes: Notes) -> dict[str, Any]:
    """Return the members of a mount's description that notes are about, all of them."""
    return {
        **{name: notes.get(name, False) for name in _AT_BIRTH},
        "plugin_version": notes.get("plugin_version", ""),
    }


def told_of_tuning(notes: Notes) -> dict[str, Any]:
    """Return the members of a mount's ``config`` that notes are about: those of which something was said."""
    shown = {name: notes[name] for name in (*_LISTS, VISIBILITY) if name in notes}
    return {"force_no_cache": notes.get("force_no_cache", False), **shown}
