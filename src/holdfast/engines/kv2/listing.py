"""Names of the secrets that a reader could get a value for, at any depth.

A one-level listing shows every name that is kept, also of deleted secrets, since their metadata can
still be read. A client without versions, to whom a deleted secret is none, needs this one.
"""

from itertools import islice
from typing import NamedTuple

from holdfast.engines.kv2.read import current
from holdfast.engines.kv2.records import is_unversioned
from holdfast.engines.names import secret_key, walk
from holdfast.errors import InvalidInputError
from holdfast.storage.interface import Reader


class NamesPage(NamedTuple):
    """One page of a long listing.

    Attributes:
        names: paths relative to the directory, sorted by their UTF-8 bytes.
        after: pass it to the next call; ``None`` when this was the last page.
    """

    names: list[str]
    after: str | None


def list_live_below(
    reader: Reader, directory: str, *, now: float, after: str = "", limit: int = 1000
) -> NamesPage:
    """Return the secrets below ``directory`` whose current version is neither deleted nor destroyed.

    Args:
        reader: the mount.
        directory: empty for the mount itself, or path text ending in a slash.
        now: Unix seconds.
        after: where the page before ended.
        limit: how many secrets to look at, which bounds the work; a page may name fewer.

    Raises:
        InvalidInputError: ``directory`` is not one, or ``limit`` is below 1.
    """
    if limit < 1:
        raise InvalidInputError("limit: expected at least 1")
    visited = list(islice(walk(reader, directory, after=after), limit))
    names = [path for path in visited if _is_live(reader, directory + path, now)]
    return NamesPage(names, visited[-1] if len(visited) == limit else None)


def _is_live(reader: Reader, path: str, now: float) -> bool:
    record = reader.get(secret_key(path))
    if record is not None and is_unversioned(record):
        return True
    version = None if record is None else current(record, now)
    return version is not None and version.payload is not None
