"""What is said of a mount beyond what the store acts on: kept as it was said, and told again.

Programs that bring a store into a desired state compare what they read with what they wrote, so nothing they
say may vanish. Little of it changes what the store does: there is one cluster, everything is sealed, nothing
is cached that must not be. But audit lines show what they may show in clear, and a mount that anybody may see
is shown to anybody.
"""

import re
from typing import Any

from holdfast.audit.hasher import NOTHING
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
_HEADERS = ("allowed_response_headers", "passthrough_request_headers")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_CREDENTIALS = frozenset({"x-vault-token", "authorization", "cookie", "set-cookie"})
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
    for name in _HEADERS:
        if any(not _HEADER.fullmatch(header) for header in said.get(name, ())):
            raise InvalidInputError(f"{name}: expected names of headers")
        if any(header.lower() in _CREDENTIALS for header in said.get(name, ())):
            raise InvalidInputError(f"{name}: expected none that carries a credential")
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


def shown_in_audit(notes: Notes) -> dict[str, Any]:
    """Return which members of requests and answers audit lines show as they are."""
    return {
        "clear_request": frozenset(notes.get("audit_non_hmac_request_keys", ())) or NOTHING,
        "clear_response": frozenset(notes.get("audit_non_hmac_response_keys", ())) or NOTHING,
    }


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
