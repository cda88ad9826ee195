"""What a path below a transit mount means: the table of the transit part of the Vault HTTP API."""

import os
from collections.abc import Callable
from typing import Any

from holdfast.engines.transit import digests
from holdfast.errors import InvalidInputError, NotFoundError, UnsupportedError
from holdfast.formats.strict_json import encode
from holdfast.store import fields
from holdfast.store.mount_visit import MountVisit
from holdfast.store.request import Answer, Operation
from holdfast.store.transit.batch import Outcome
from holdfast.store.transit.cipher_routes import data_key, decrypt, encrypt, rewrap
from holdfast.store.transit.key_routes import (
    back_up_key,
    configure_key,
    create_key,
    delete_key,
    export_key,
    list_keys,
    read_config,
    read_key,
    restore_key,
    rotate_key,
    trim_key,
    write_config,
)
from holdfast.store.transit.signature_routes import make_hmac, sign, verify
from holdfast.store.transit.values import input_of, number_in, to_base64

MAX_RANDOM_BYTES = 128 * 1024
_SOURCES = frozenset({"", "platform", "seal", "all"})


def serve_transit(visit: MountVisit) -> Outcome:
    """Answer a request below a transit mount, or say which change or slow work will."""
    section, *words = visit.mounted.path.rstrip("/").split("/")
    handlers = _SECTIONS.get(section, {})
    if section == "keys" and len(words) == 2:  # noqa: PLR2004 - the name, and what is done with the key
        handlers = _KEY_ACTIONS.get(words.pop(), {})
    fitting = {doing: row[2] for doing, row in handlers.items() if row[0] <= len(words) <= row[1]}
    if not fitting:
        raise NotFoundError("unsupported path")
    handler = fitting.get(visit.request.operation)
    if handler is None:
        raise UnsupportedError("unsupported operation")
    if visit.request.operation is Operation.WRITE and handler is not encrypt:
        visit.permit.check(
            exists=True
        )  # a write of this engine asks for ``update``; only encrypting may create
    return handler(visit, *words)


def _hash(visit: MountVisit, algorithm: str = "") -> Answer:
    values = visit.body.values
    data = input_of(values, "input missing")
    name = algorithm or fields.text(values, "algorithm") or digests.DEFAULT_HASH
    return Answer(data=encode({"sum": _written(digests.digest(name, data), values, default="hex")}))


def _random(visit: MountVisit, first: str = "", second: str = "") -> Answer:
    values = visit.body.values
    source, count = (first, second) if second or first in _SOURCES else ("", first)
    source = source or fields.text(values, "source")
    if source not in _SOURCES:
        raise InvalidInputError("source: expected platform, seal or all")
    size = number_in(count, "bytes") if count else fields.integer(values, "bytes", 32)
    if not 1 <= size <= MAX_RANDOM_BYTES:
        raise InvalidInputError(f"'bytes' should be from 1 to {MAX_RANDOM_BYTES}")
    text = _written(os.urandom(size), values, default="base64")
    warnings = ("no other source of randomness than the platform's is there",) if source == "seal" else ()
    return Answer(data=encode({"random_bytes": text}), warnings=warnings)


def _written(data: bytes, values: dict[str, Any], *, default: str) -> str:
    form = fields.text(values, "format", default)
    if form not in {"hex", "base64"}:
        raise InvalidInputError('unsupported encoding format; must be "hex" or "base64"')
    return data.hex() if form == "hex" else to_base64(data)


_Row = tuple[int, int, Callable[..., Outcome]]
"""How many words there are at least and at most behind the section, and what answers."""

_SECTIONS: dict[str, dict[Operation, _Row]] = {
    "keys": {
        Operation.LIST: (0, 0, list_keys),
        Operation.READ: (1, 1, read_key),
        Operation.WRITE: (1, 1, create_key),
        Operation.DELETE: (1, 1, delete_key),
    },
    "config": {Operation.READ: (1, 1, read_config), Operation.WRITE: (1, 1, write_config)},
    "export": {Operation.READ: (2, 3, export_key)},
    "backup": {Operation.READ: (1, 1, back_up_key)},
    "restore": {Operation.WRITE: (0, 1, restore_key)},
    "encrypt": {Operation.WRITE: (1, 1, encrypt)},
    "decrypt": {Operation.WRITE: (1, 1, decrypt)},
    "rewrap": {Operation.WRITE: (1, 1, rewrap)},
    "datakey": {Operation.WRITE: (2, 2, data_key)},
    "sign": {Operation.WRITE: (1, 2, sign)},
    "verify": {Operation.WRITE: (1, 2, verify)},
    "hmac": {Operation.WRITE: (1, 2, make_hmac)},
    "hash": {Operation.WRITE: (0, 1, _hash)},
    "random": {Operation.WRITE: (0, 2, _random)},
}
_KEY_ACTIONS: dict[str, dict[Operation, _Row]] = {
    "rotate": {Operation.WRITE: (1, 1, rotate_key)},
    "config": {Operation.WRITE: (1, 1, configure_key)},
    "trim": {Operation.WRITE: (1, 1, trim_key)},
}
