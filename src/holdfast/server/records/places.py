"""Storages that no server may be using meanwhile, opened to be copied from or filled."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from holdfast.server.data_lock import DataLock
from holdfast.storage.factory import open_storage
from holdfast.storage.interface import Storage

_EMBEDDED = frozenset({"file", "lmdb"})
_DIRECTORY_MODE = 0o700


@contextmanager
def unused_storage(kind: str, options: Mapping[str, Any], *, readonly: bool = False) -> Iterator[Storage]:
    """Open a storage, and keep servers from an embedded one. Others cannot be kept: look at the revision.

    Raises:
        ConflictError: a server uses it.
        InvalidInputError: the options do not fit.
        StorageError: it cannot be opened.
    """
    directory = str(options.get("path", "")) if kind in _EMBEDDED else ""
    if directory and not readonly:
        Path(directory).mkdir(_DIRECTORY_MODE, parents=True, exist_ok=True)
    with DataLock(directory if Path(directory).is_dir() else ""):
        storage = open_storage(kind, options, readonly=readonly)
        try:
            yield storage
        finally:
            storage.close()
