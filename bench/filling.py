"""Secrets put into a store by its own engine, in this process: no HTTP, thousands of them with one commit."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import msgspec

from holdfast.errors import HoldfastError
from holdfast.storage.lmdb_engine import LmdbStorage
from holdfast.store.command import decode_outcome, encode_command
from holdfast.store.keeper_commands import SubmitShare
from holdfast.store.kv_commands import Kv2Write
from holdfast.store.local import LocalStore
from holdfast.store.permit import Permit

BATCH = 5_000
_PERMIT = Permit(create=True, update=True)


def fill(data: Path, share: str, mount_path: str, secrets: Iterable[tuple[str, dict[str, str]]]) -> None:
    """Write secrets into the store whose data are in a directory; no server may run there.

    Args:
        data: the directory.
        share: opens the store.
        mount_path: of the KV v2 mount, without slashes.
        secrets: path below the mount and content of each.

    Raises:
        HoldfastError: a secret could not be written.
    """
    storage = LmdbStorage(data)
    local = LocalStore(storage)
    try:
        local.keeper.apply([encode_command(SubmitShare(share=share))])
        opened = local.store.opened
        mount = None if opened is None else opened.mounts.find(f"{mount_path}/")
        if mount is None:
            raise HoldfastError("the store did not open, or it has no such mount")
        for batch in _batches(secrets):
            frames = [
                encode_command(
                    Kv2Write(
                        mount=mount.uuid,
                        path=path,
                        payload=msgspec.json.encode(data),
                        permit=_PERMIT,
                        namespace="",
                    )
                )
                for path, data in batch
            ]
            for outcome in map(decode_outcome, local.keeper.apply(frames)):
                if isinstance(outcome, HoldfastError):
                    raise outcome
    finally:
        local.close()
        storage.close()


def _batches(secrets: Iterable[tuple[str, dict[str, str]]]) -> Iterator[list[tuple[str, dict[str, str]]]]:
    iterator = iter(secrets)
    while batch := list(islice(iterator, BATCH)):
        yield batch
