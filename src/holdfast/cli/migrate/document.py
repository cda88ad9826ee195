r"""The document that ``holdfast export`` encrypts, and that ``holdfast import export`` reads: lines of JSON.

    {"holdfast_export":1,"store":"default","path":""}     what this is; its version
    {"path":"team/db/password","text":"..."}              a text
    {"path":"team/db/keytab","base64":"..."}              a binary secret
    {"secrets":2,"sha256":"..."}                          how many; the digest of all lines above

Read as a whole or not at all. ``gpg -d`` hands on what it decrypts before it knows whether the message is
whole, and a pipe loses its exit code; the last line tells a document that is cut off or damaged.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable

from holdfast.cli.errors import LocalError
from holdfast.cli.migrate.entry import Entry
from holdfast.client import DcosValue
from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import JsonObject, decode_object, encode

VERSION = 1
MAX_BYTES = 512 * 1024 * 1024

STILL_ENCRYPTED = "document: this is still encrypted; decrypt it with: gpg -d FILE | holdfast import export -"


def write_document(secrets: Iterable[tuple[str, DcosValue]], *, store: str, path: str) -> bytes:
    """Return the document.

    Args:
        secrets: paths and values.
        store: the name of the store they are from.
        path: what they were exported below; empty for all.

    Raises:
        LocalError: it would be larger than ``MAX_BYTES``.
    """
    lines = [encode({"holdfast_export": VERSION, "store": store, "path": path})]
    size = 0
    for name, value in secrets:
        if value.is_text:
            line = encode({"path": name, "text": value.content.decode("utf-8")})
        else:
            line = encode({"path": name, "base64": base64.b64encode(value.content).decode()})
        lines.append(line)
        size += len(line)
        if size > MAX_BYTES:
            raise LocalError(f"expected at most {MAX_BYTES} bytes in all; export in parts, with --path")
    body = b"".join(line + b"\n" for line in lines)
    last = {"secrets": len(lines) - 1, "sha256": hashlib.sha256(body).hexdigest()}
    return body + encode(last) + b"\n"


def entries_of_document(content: bytes) -> list[Entry]:
    """Return an entry for each secret of a document.

    Raises:
        LocalError: not such a document, of another version, cut off or damaged.
    """
    if content.startswith(b"-----BEGIN PGP") or content[:1] >= b"\x80":
        raise LocalError(STILL_ENCRYPTED)
    if not content:
        raise LocalError("document: empty; did the decryption fail?")
    body, end, last = content.removesuffix(b"\n").rpartition(b"\n")
    first, *lines = body.split(b"\n")
    _check_first(first)
    _check_last(last, body + end, len(lines))
    return [_entry(line, number) for number, line in enumerate(lines, start=2)]


def _check_first(line: bytes) -> None:
    version = _object(line, 1).values.get("holdfast_export") if line else None
    if version is None:
        raise LocalError("document: expected what `holdfast export` wrote, decrypted and whole")
    if version != VERSION:
        raise LocalError(f"document: expected version {VERSION}; a newer Holdfast may read it")


def _check_last(line: bytes, body: bytes, count: int) -> None:
    try:
        values = decode_object(line).values
    except InvalidInputError:
        values = {}
    if values != {"secrets": count, "sha256": hashlib.sha256(body).hexdigest()}:
        raise LocalError("document: cut off or damaged: what its last line says of it does not hold")


def _entry(line: bytes, number: int) -> Entry:
    values = _object(line, number).values
    match values:
        case {"path": str(name), "text": str(text)} if len(values) == 2:  # noqa: PLR2004 - the two
            value = DcosValue(text.encode("utf-8"), is_text=True)
        case {"path": str(name), "base64": str(text)} if len(values) == 2:  # noqa: PLR2004 - as above
            try:
                value = DcosValue(base64.b64decode(text, validate=True), is_text=False)
            except (binascii.Error, ValueError):
                raise LocalError(f"document line {number}: expected base64") from None
        case _:
            raise LocalError(f"document line {number}: expected a path, and text or base64")
    return Entry(name, lambda: value)


def _object(line: bytes, number: int) -> JsonObject:
    try:
        return decode_object(line, source=f"document line {number}")
    except InvalidInputError as error:
        raise LocalError(error.message) from None
