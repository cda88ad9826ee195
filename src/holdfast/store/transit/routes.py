"""What a path below a transit mount means: the table of the transit part of the Vault HTTP API."""

from collections.abc import Callable, Iterator

from holdfast.errors import NotFoundError, UnsupportedError
from holdfast.store.mount_visit import MountVisit
from holdfast.store.mounts import Mount
from holdfast.store.request import Answer, Operation
from holdfast.store.tools import hash_of_input, random_bytes
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
    return hash_of_input(visit.body.values, algorithm)


def _random(visit: MountVisit, *words: str) -> Answer:
    return random_bytes(visit.body.values, *words)


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


def transit_paths(_mount: Mount) -> Iterator[tuple[str, Operation]]:
    """Yield what there is to ask for below a mount, with a name for what is open in a path."""
    for section, handlers in _SECTIONS.items():
        for operation, (fewest, most, _) in handlers.items():
            for count in range(fewest, most + 1):
                yield "/".join((section, *("{name}", "{second}", "{third}")[:count])), operation
    for action, handlers in _KEY_ACTIONS.items():
        for operation in handlers:
            yield f"keys/{{name}}/{action}", operation
