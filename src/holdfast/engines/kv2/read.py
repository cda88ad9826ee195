"""Reading KV v2: the current version, an older one, or only the shape of one.

A deleted or destroyed version is an answer, not a failure: it comes without payload and with the
metadata that says so.
"""

from typing import Any

import msgspec

from holdfast.engines.errors import SecretNotFoundError
from holdfast.engines.kv2.records import adopt, decode_head, is_unversioned, load, metadata_json
from holdfast.engines.names import older_version_key, secret_key
from holdfast.errors import InternalError, InvalidInputError
from holdfast.storage.interface import Reader


class Version(msgspec.Struct, frozen=True, gc=False):
    """One version of a secret, as it is answered.

    Attributes:
        number: the version's number, from 1.
        payload: JSON text of the data exactly as it was written; ``None`` once deleted or destroyed.
        metadata_json: JSON text of ``{created_time, custom_metadata, deletion_time, destroyed, version}``.
    """

    number: int
    payload: bytes | None
    metadata_json: bytes

    def __repr__(self) -> str:
        return f"Version(number={self.number}, payload=****)"


def current(record: bytes, now: float) -> Version | None:
    """Return the current version from a secret's record; the fast path of every read.

    Args:
        record: the plaintext value at ``secret_key(path)``; not one from before the mount had versions.
        now: Unix seconds.

    Returns:
        ``None`` if only metadata was written so far.
    """
    head = decode_head(record)
    if not head.number:
        return None
    gone = head.destroyed or 0.0 < head.deletion_at <= now
    return Version(head.number, None if gone else head.payload, head.metadata_json)


def read(reader: Reader, path: str, *, now: float, version: int = 0) -> Version:
    """Return a version of the secret at ``path``.

    Args:
        reader: one consistent state of the mount.
        path: canonical path text relative to the mount.
        now: Unix seconds.
        version: its number; 0 for the current one.

    Raises:
        SecretNotFoundError: no such secret, or no such version of it (any more).
        InvalidInputError: ``version`` is negative.
    """
    if version < 0:
        raise InvalidInputError("version: expected 0 or the number of a version")
    if not version:
        record = reader.get(secret_key(path))
        found = None if record is None else _read_current(reader, record, now)
    else:
        found = _read_numbered(reader, path, version, now)
    if found is None:
        raise SecretNotFoundError
    return found


def exists(reader: Reader, path: str) -> bool:
    """Whether anything, even only metadata or deleted versions, is kept at ``path``."""
    return reader.get(secret_key(path)) is not None


def read_subkeys(reader: Reader, path: str, *, now: float, version: int = 0, depth: int = 0) -> Version:
    """Return a version with every value in it replaced by ``null``.

    Args:
        reader: one consistent state of the mount.
        path: canonical path text relative to the mount.
        now: Unix seconds.
        version: its number; 0 for the current one.
        depth: how many levels of keys to show; 0 for all.

    Raises:
        SecretNotFoundError: no such secret, or no such version of it (any more).
        InvalidInputError: ``version`` or ``depth`` is negative.
    """
    if depth < 0:
        raise InvalidInputError("depth: expected 0 or a number of levels")
    found = read(reader, path, now=now, version=version)
    if found.payload is None:
        return found
    shape = _without_values(msgspec.json.decode(found.payload), depth)
    return msgspec.structs.replace(found, payload=msgspec.json.encode(shape))


def _read_current(reader: Reader, record: bytes, now: float) -> Version | None:
    if not is_unversioned(record):
        return current(record, now)
    secret = adopt(reader, record)
    return Version(1, secret.payload, metadata_json(secret.ledger, 1, secret.ledger.versions[0]))


def _read_numbered(reader: Reader, path: str, number: int, now: float) -> Version | None:
    secret = load(reader, path)
    state = None if secret is None else secret.ledger.state(number)
    if secret is None or state is None:
        return None
    metadata = metadata_json(secret.ledger, number, state)
    if state.is_gone(now):
        return Version(number, None, metadata)
    is_current = number == secret.ledger.current
    return Version(number, secret.payload if is_current else _older_payload(reader, path, number), metadata)


def _older_payload(reader: Reader, path: str, number: int) -> bytes:
    payload = reader.get(older_version_key(path, number))
    if payload is None:
        raise InternalError("a stored version has no content; please report this")
    return payload


def _without_values(data: dict[str, Any], depth: int) -> dict[str, Any]:
    # An empty object is a leaf like any other value, and so is one at the last level shown.
    return {
        key: _without_values(value, depth - 1) if isinstance(value, dict) and value and depth != 1 else None
        for key, value in data.items()
    }
