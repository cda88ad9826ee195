"""KV version 1: one JSON object at a path, no history. The last write wins.

The stored record is the object's JSON text exactly as it was sent, so numbers keep their digits.
Source: the KV v1 part of the Vault HTTP API.
"""

import contextlib
from typing import Any

import msgspec

from holdfast.engines.errors import SecretNotFoundError, UpgradedError
from holdfast.engines.names import list_names, secret_key, walk
from holdfast.errors import InvalidInputError
from holdfast.model import parse_duration
from holdfast.storage.interface import Reader, Transaction

__all__ = ["delete", "lease_seconds", "list_names", "read", "secret_key", "walk", "write"]


class _LeaseFields(msgspec.Struct):
    """The two members of a secret that v1 clients use to say how long they may cache it."""

    ttl: Any = None
    lease: Any = None


_LEASE_FIELDS = msgspec.json.Decoder(_LeaseFields)


def read(reader: Reader, path: str) -> bytes:
    """Return the JSON object stored at ``path``.

    Raises:
        SecretNotFoundError: nothing is there.
        UpgradedError: what is there has versions, which a reader that was told of the mount before knows not.
    """
    payload = reader.get(secret_key(path))
    if payload is None:
        raise SecretNotFoundError
    if not payload.startswith(b"{"):
        raise UpgradedError
    return payload


def write(transaction: Transaction, path: str, payload: bytes) -> None:
    """Store a JSON object at ``path``, replacing what was there.

    Args:
        transaction: the mount.
        path: canonical path text relative to the mount.
        payload: validated JSON text of one object.

    Raises:
        InvalidInputError: the object has no members, or is none.
    """
    if not payload.startswith(b"{") or not payload[1:-1].strip():
        raise InvalidInputError("missing data fields")
    transaction.put(secret_key(path), payload)


def delete(transaction: Transaction, path: str) -> None:
    """Remove what is at ``path``; nothing happens if nothing is there."""
    transaction.delete(secret_key(path))


def lease_seconds(payload: bytes, *, default: int) -> int:
    """Return how long a client may cache a secret: its ``ttl`` or ``lease`` member, else ``default``.

    A member that is no duration counts as absent: it was stored as ordinary data.
    """
    fields = _LEASE_FIELDS.decode(payload)
    for value in (fields.ttl, fields.lease):
        if isinstance(value, str | int | float):
            with contextlib.suppress(InvalidInputError):
                return parse_duration(value, field="ttl")
    return default
