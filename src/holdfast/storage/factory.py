"""From the words of a configuration file to an open storage engine."""

from collections.abc import Mapping
from typing import Any

from holdfast.clock import Clock
from holdfast.errors import InvalidInputError
from holdfast.storage.interface import Storage
from holdfast.storage.lmdb_engine import DEFAULT_MAP_BYTES, LmdbStorage
from holdfast.storage.memory import MemoryStorage

_KINDS = ("file", "inmem", "lmdb", "postgresql", "zookeeper")


def open_storage(
    kind: str, options: Mapping[str, Any], *, readonly: bool = False, clock: Clock | None = None
) -> Storage:
    """Open the engine that a ``storage "<kind>" { ... }`` stanza names.

    ``file`` and ``lmdb`` are the embedded engine under two names, with the options ``path`` (required)
    and ``map_size`` (bytes); ``inmem`` takes no options and lives and dies with the process; ``postgresql``
    and ``zookeeper`` have those of their ``settings``.

    Raises:
        InvalidInputError: an unknown kind or option, or a value that does not fit.
        StorageError: the engine cannot be opened.
    """
    if kind not in _KINDS:
        raise InvalidInputError(f"storage: expected one of the types {', '.join(_KINDS)}")
    if kind == "zookeeper":
        from holdfast.storage.zookeeper import ZookeeperStorage, read_settings  # noqa: PLC0415 - few need it

        return ZookeeperStorage(read_settings(options), readonly=readonly, clock=clock)
    if kind == "postgresql":
        from holdfast.storage import postgresql  # noqa: PLC0415 - few need it

        return postgresql.PostgresqlStorage(postgresql.read_settings(options), readonly=readonly, clock=clock)
    known = set() if kind == "inmem" else {"path", "map_size"}
    for unknown in sorted(options.keys() - known):
        raise InvalidInputError(f'storage "{kind}": unknown option {unknown}')
    if kind == "inmem":
        return MemoryStorage(clock=clock)
    path = options.get("path")
    if not isinstance(path, str) or not path:
        raise InvalidInputError(f'storage "{kind}": path is required, the directory to keep the data in')
    map_size = options.get("map_size", DEFAULT_MAP_BYTES)
    if type(map_size) is not int or map_size < 1 << 20:
        raise InvalidInputError(f'storage "{kind}": map_size must be a number of bytes, at least 1048576')
    return LmdbStorage(path, map_size=map_size, readonly=readonly, clock=clock, name=kind)
