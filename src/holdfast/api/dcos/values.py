"""The value of a DC/OS secret, on the wire and as a KV entry.

    text      application/json            {"value": "..."}          {"value": "..."}
    binary    application/octet-stream    the bytes                 {"value_base64": "..."}
    others    application/json            {"value": "<JSON text>"}  whatever the Vault API wrote

The media type of an answer is sent without parameters, because clients compare it as a whole.
"""

import base64
import binascii

import msgspec

from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import JsonObject, decode_object, encode
from holdfast.http.message import Request

JSON = "application/json"
BYTES = "application/octet-stream"

TEXT_MEMBER = "value"
BINARY_MEMBER = "value_base64"

LEGACY_BINARY_PREFIX = "__dcos_base64__"
"""Marks the last segment of a name whose text value is base64, from before binary values existed. Such a
secret stays text here, as it was; whoever delivers it decodes it."""


def read_value(request: Request) -> tuple[JsonObject, int]:
    """Return the KV write for the value in a request's body, and the size of the value in bytes.

    Accept is not looked at: clients send one of JSON together with binary values.

    Raises:
        InvalidInputError: another media type, or no JSON object with a text.
    """
    kind = media_type(request.headers.get(b"content-type", b""))
    if kind == BYTES.encode():
        entry = encode({BINARY_MEMBER: base64.b64encode(request.body).decode()})
        return decode_object(b'{"data":%b}' % entry), len(request.body)
    if kind not in {b"", JSON.encode()}:
        raise InvalidInputError(f"Content-Type: expected {JSON} or {BYTES}")
    value = decode_object(request.body).values.get(TEXT_MEMBER)
    if not isinstance(value, str):
        raise InvalidInputError(f"{TEXT_MEMBER}: expected a string")
    entry = encode({TEXT_MEMBER: value})
    return decode_object(b'{"data":%b}' % entry), len(value.encode("utf-8", "surrogatepass"))


def show_value(entry: bytes, accept: bytes) -> tuple[str, bytes]:
    """Return the media type and the body for a KV entry.

    Args:
        entry: JSON text of the entry.
        accept: the Accept header of the request, empty for none.

    Raises:
        InvalidInputError: the client takes neither form that this value has.
    """
    members = msgspec.json.decode(entry)
    accepted = _accepted(accept)
    binary = _binary(members)
    if binary is not None:
        if not accepted & {BYTES.encode(), b"*/*", b"application/*"}:
            raise InvalidInputError(f"Accept: the secret is binary, expected {BYTES}")
        return BYTES, binary
    is_text = set(members) == {TEXT_MEMBER} and isinstance(members[TEXT_MEMBER], str)
    if accepted & {JSON.encode(), b"*/*", b"application/*"}:
        return JSON, entry if is_text else encode({TEXT_MEMBER: entry.decode()})
    if BYTES.encode() in accepted:
        return BYTES, members[TEXT_MEMBER].encode() if is_text else entry
    raise InvalidInputError(f"Accept: expected {JSON} or {BYTES}")


def media_type(header: bytes) -> bytes:
    """Return a media type without its parameters, in lower case."""
    return header.partition(b";")[0].strip().lower()


def _binary(members: dict[str, object]) -> bytes | None:
    value = members.get(BINARY_MEMBER)
    if len(members) != 1 or not isinstance(value, str):
        return None
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None


def _accepted(header: bytes) -> set[bytes]:
    return {media_type(part) for part in header.split(b",")} - {b""} or {b"*/*"}
