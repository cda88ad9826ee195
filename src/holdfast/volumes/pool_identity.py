"""Which pool a directory is, and whose: a file in it, made once.

    <directory>/.holdfast-pool    {"id": UUID, "cluster": name}

A pool belongs to one cluster. Several nodes of it may share one, if their state is shared as well; a node
that keeps its state to itself has its pool to itself, too.
"""

import contextlib
import fcntl
import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from holdfast.errors import ConflictError, InvalidInputError

NAME = ".holdfast-pool"
_MAX_BYTES = 4096
_PATIENCE_SECONDS = 1.0
_SHARING_PATIENCE_SECONDS = 30.0
_POLL_SECONDS = 0.02

T = TypeVar("T")


class PoolIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says.

    Attributes:
        id: of the pool.
        cluster: whose it is.
    """

    id: str
    cluster: str


@contextlib.contextmanager
def open_pool(directory: Path, *, cluster: str, shared: bool) -> Iterator[PoolIdentity]:
    """Take a pool into use for the length of a block.

    Args:
        directory: it exists.
        cluster: whose node we are.
        shared: whether others of the cluster may use it at the same time.

    Raises:
        ConflictError: it is another cluster's, or somebody else has it for himself.
        InvalidInputError: the directory cannot be used, or the file is not ours.
    """
    try:
        descriptor = os.open(directory / NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InvalidInputError(f"--pool: the directory cannot be used ({error.strerror})") from None
    try:
        # Of nodes that make a shared pool at the same time one holds it alone, for as long as its disk takes.
        patience = _SHARING_PATIENCE_SECONDS if shared else _PATIENCE_SECONDS
        identity = _wait_for(lambda: _find_or_make(descriptor, cluster), patience)
        if identity.cluster != cluster:
            raise ConflictError("--pool: the directory belongs to another cluster")
        _wait_for(lambda: _has_locked(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX), patience)
        yield identity
    finally:
        os.close(descriptor)


def _find_or_make(descriptor: int, cluster: str) -> PoolIdentity | None:
    """Return what the file says; nothing while another node makes it, who shares the pool from then on."""
    identity = _read(descriptor)
    if identity is None and _has_locked(descriptor, fcntl.LOCK_EX):
        identity = _read(descriptor) or _make(descriptor, cluster)
    return identity


def _read(descriptor: int) -> PoolIdentity | None:
    written = os.pread(descriptor, _MAX_BYTES, 0)
    if not written:
        return None
    try:
        return msgspec.json.decode(written, type=PoolIdentity)
    except msgspec.MsgspecError:
        raise InvalidInputError(f"--pool: {NAME} in the directory is not a file of ours") from None


def _make(descriptor: int, cluster: str) -> PoolIdentity:
    identity = PoolIdentity(id=str(uuid.uuid4()), cluster=cluster)
    os.pwrite(descriptor, msgspec.json.encode(identity), 0)
    os.fsync(descriptor)
    return identity


def _has_locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_for(ask: Callable[[], T | None], patience_seconds: float) -> T:
    deadline = time.monotonic() + patience_seconds
    while not (answer := ask()):
        if time.monotonic() >= deadline:
            raise ConflictError(
                "--pool: another node uses the directory; nodes that share a pool share their state (-k)"
            )
        time.sleep(_POLL_SECONDS)
    return answer
