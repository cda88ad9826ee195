"""Requests below ``cubbyhole/``: what a token keeps for itself, unseen by others, for as long as it lives.

It reads like KV version 1. There is nothing to grant or share: what is there depends on who asks. A token
that is stored nowhere has nowhere to keep things.
"""

from collections.abc import Iterator
from itertools import islice

from holdfast.engines import kv1
from holdfast.engines.errors import SecretNotFoundError
from holdfast.errors import InvalidInputError, TooLargeError, UnsupportedError
from holdfast.formats.strict_json import encode
from holdfast.storage.interface import Reader
from holdfast.store.command import Command
from holdfast.store.cubbyhole.commands import CubbyholeDelete, CubbyholeWrite
from holdfast.store.layout import cubbyhole_place
from holdfast.store.mount_visit import MountVisit
from holdfast.store.mounts import Mount
from holdfast.store.request import Answer, Operation

MAX_LISTED = 10_000


def serve_cubbyhole(visit: MountVisit) -> Answer | Command:
    """Answer a request below the mount, or return the command that will."""
    caller, operation, path = visit.caller, visit.request.operation, visit.mounted.path
    if caller.entry.is_batch or caller.user_token is not None:
        raise InvalidInputError("cubbyhole operations need a token that is stored: make a service token")
    kept = visit.store.view(cubbyhole_place(caller.token_hash))
    if operation in {Operation.LIST, Operation.SCAN}:
        return _listing(kept, path, everything=operation is Operation.SCAN)
    if not path:
        raise UnsupportedError("unsupported operation")
    if operation is Operation.READ:
        try:
            return Answer(data=kv1.read(kept, path))
        except SecretNotFoundError:
            return Answer(missing=True)
    if operation is Operation.WRITE:
        payload = visit.check_size(visit.body.raw.strip())
        return CubbyholeWrite(token_hash=caller.token_hash, path=path, payload=payload, permit=visit.permit)
    if operation is Operation.DELETE:
        return CubbyholeDelete(token_hash=caller.token_hash, path=path)
    raise UnsupportedError("unsupported operation")


def _listing(kept: Reader, directory: str, *, everything: bool) -> Answer:
    found = kv1.walk(kept, directory) if everything else kv1.list_names(kept, directory, limit=MAX_LISTED + 1)
    names = list(islice(found, MAX_LISTED + 1))
    if len(names) > MAX_LISTED:
        raise TooLargeError(f"path: expected at most {MAX_LISTED} names below it")
    return Answer(data=encode({"keys": names})) if names else Answer(missing=True)


def cubbyhole_paths(_mount: Mount) -> Iterator[tuple[str, Operation]]:
    """Yield what there is to ask for below the mount, with a name for what is open in a path."""
    for operation in (Operation.LIST, Operation.SCAN, Operation.READ, Operation.WRITE, Operation.DELETE):
        yield "{path}", operation
