"""Secrets put into a store by its own engine, in this process: no HTTP, thousands of them with one commit."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import msgspec

from holdfast.errors import HoldfastError
from holdfast.storage.lmdb_engine import LmdbStorage
from holdfast.store.command import Command, decode_outcome, encode_command
from holdfast.store.keeper_commands import SubmitShare
from holdfast.store.kv.commands import Kv2Write
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
    with _opened(data, share) as local:
        opened = local.store.opened
        mount = None if opened is None else opened.mounts.find(f"{mount_path}/")
        if mount is None:
            raise HoldfastError("the store has no such mount")
        uuid = mount.uuid
        _apply(
            local,
            (
                Kv2Write(
                    mount=uuid, path=path, payload=msgspec.json.encode(data), permit=_PERMIT, namespace=""
                )
                for path, data in secrets
            ),
        )


def run_all(data: Path, share: str, commands: Iterable[Command]) -> None:
    """Run commands of the store whose data are in a directory; no server may run there.

    Raises:
        HoldfastError: one was refused.
    """
    with _opened(data, share) as local:
        _apply(local, commands)


@contextmanager
def _opened(data: Path, share: str) -> Iterator[LocalStore]:
    storage = LmdbStorage(data)
    local = LocalStore(storage)
    try:
        local.keeper.apply([encode_command(SubmitShare(share=share))])
        if local.store.opened is None:
            raise HoldfastError("the store did not open")
        yield local
    finally:
        local.close()
        storage.close()


def _apply(local: LocalStore, commands: Iterable[Command]) -> None:
    iterator = iter(commands)
    while batch := [encode_command(command) for command in islice(iterator, BATCH)]:
        for outcome in map(decode_outcome, local.keeper.apply(batch)):
            if isinstance(outcome, HoldfastError):
                raise outcome
