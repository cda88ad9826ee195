"""Random bytes and hashes for callers: the same at ``sys/tools/...`` and below a transit mount."""

import os
from typing import Any

from holdfast.engines.transit import digests
from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode
from holdfast.store import fields
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Route
from holdfast.store.transit.values import input_of, number_in, to_base64
from holdfast.store.visit import Visit

MAX_RANDOM_BYTES = 128 * 1024
_SOURCES = frozenset({"", "platform", "seal", "all"})


def hash_of_input(values: dict[str, Any], algorithm: str = "") -> Answer:
    """Return the hash of the ``input`` of a request; the path may say which."""
    data = input_of(values, "input missing")
    name = algorithm or fields.text(values, "algorithm") or digests.DEFAULT_HASH
    return Answer(data=encode({"sum": _written(digests.digest(name, data), values, default="hex")}))


def random_bytes(values: dict[str, Any], first: str = "", second: str = "") -> Answer:
    """Return random bytes; the path may say from where, or how many, or both."""
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


def _random(visit: Visit) -> Answer:
    return random_bytes(visit.values, *visit.argument.split("/"))


def _hash(visit: Visit) -> Answer:
    return hash_of_input(visit.values, visit.argument)


TOOL_ROUTES = (
    Route("sys/tools/random", Operation.WRITE, _random),
    Route("sys/tools/random/<>", Operation.WRITE, _random),
    Route("sys/tools/random/<>/<>", Operation.WRITE, _random),
    Route("sys/tools/hash", Operation.WRITE, _hash),
    Route("sys/tools/hash/<>", Operation.WRITE, _hash),
)
