"""Names of the secrets that a reader could get a value for, at any depth.

A one-level listing shows every name that is kept, also of deleted secrets, since their metadata can
still be read. A client without versions, to whom a deleted secret is none, needs this one.
"""

from holdfast.engines.kv2.read import current
from holdfast.engines.kv2.records import is_unversioned
from holdfast.engines.names import secret_key
from holdfast.engines.search import Effort, Found, Judge, search
from holdfast.storage.interface import Reader

COST_OF_A_LOOK = 4  # in names: a record is read and decrypted
_NO_LIMIT = 2**60


def list_live_below(
    reader: Reader,
    directory: str,
    *,
    now: float,
    after: str = "",
    limit: int = 1000,
    may_enter: Judge = lambda _: True,
    effort: Effort | None = None,
) -> Found:
    """Return the secrets below ``directory`` whose current version is neither deleted nor destroyed.

    Args:
        reader: the mount.
        directory: empty for the mount itself, or path text ending in a slash.
        now: Unix seconds.
        after: where the page before ended.
        limit: at most this many names.
        may_enter: whether a directory below may be looked into; see ``search``.
        effort: bounds the work, so that a page may name fewer; ``None`` for no bound.

    Raises:
        InvalidInputError: ``directory`` is not one, or ``limit`` is below 1.
    """
    effort = effort or Effort(_NO_LIMIT)

    def is_live(name: str) -> bool:
        effort.spend(COST_OF_A_LOOK)
        return _is_live(reader, directory + name, now)

    return search(
        reader, directory, may_enter=may_enter, is_wanted=is_live, effort=effort, after=after, limit=limit
    )


def _is_live(reader: Reader, path: str, now: float) -> bool:
    record = reader.get(secret_key(path))
    if record is not None and is_unversioned(record):
        return True
    version = None if record is None else current(record, now)
    return version is not None and version.payload is not None
