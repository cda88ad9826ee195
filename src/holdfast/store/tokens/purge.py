"""What dead tokens leave behind, cleared away a little at a time.

Revoking a token removes what makes it live, and marks it if it has a cubbyhole or children, see
``token_records.revoke``. Here go the entries of its cubbyhole, then its children, each revoked in the same
way and so marked in its turn, and at last the mark. Each transaction is bounded in keys and in bytes, because
a shared storage refuses one that is too large, and stands by itself: after a crash between two of them the
marks still say what is left.

A descendant stays dead throughout: its ancestor's record is gone, and no token can be made under the hash of
one that is marked.
"""

from collections.abc import Iterator

from holdfast.storage.interface import Reader, Transaction
from holdfast.store.tokens.records import (
    PURGES,
    TokenHasher,
    children_prefix,
    cubbyhole_prefix,
    load,
    purge_mark,
    revoke,
)

MAX_KEYS = 500
MAX_BYTES = 250_000  # a quarter of what ZooKeeper takes
KEYS_OF_A_TOKEN = 6  # id, accessor, parent, expiry and purge marks, a waiting answer
BYTES_OF_A_STEP = 300  # what storage needs to name a key of fixed length, or a directory, with room to spare
_PAGE = 100


class Room:
    """What still fits into a transaction."""

    __slots__ = ("_bytes", "_is_empty", "_keys")

    def __init__(self) -> None:
        self._keys = MAX_KEYS
        self._bytes = MAX_BYTES
        self._is_empty = True

    def take(self, *, keys: int, size: int) -> bool:
        """Take some room and return whether it was there; the first who asks always gets it."""
        fits = self._is_empty or (keys <= self._keys and size <= self._bytes)
        if fits:
            self._is_empty = False
            self._keys -= keys
            self._bytes -= size
        return fits


def is_due(view: Reader) -> bool:
    """Whether there is something to clear away."""
    return bool(view.list(PURGES, limit=1))


def purge(tx: Transaction, hasher: TokenHasher) -> None:
    """Clear away as much of what dead tokens have left as fits into one transaction."""
    room = Room()
    while marked := tx.list(PURGES, limit=1):
        if not _clear(tx, hasher, marked[0], room):
            return


def _clear(tx: Transaction, hasher: TokenHasher, token_hash: str, room: Room) -> bool:
    """Clear away what one token has left; return whether there was room for all of it."""
    kept = cubbyhole_prefix(token_hash)
    while keys := list(first_below(tx, kept)):
        for key in keys:
            # Removing the last key of a directory removes the directory, and perhaps those above it. Each
            # is named in full, percent-encoded, and a key once more for the nodes that follow.
            steps = key.count("/", len(kept)) + 1
            if not room.take(keys=1, size=steps * (4 * len(key.encode()) + BYTES_OF_A_STEP)):
                return False
            tx.delete(key)
    while children := tx.list(children_prefix(token_hash), limit=_PAGE):
        for child in children:
            if not room.take(keys=KEYS_OF_A_TOKEN, size=2 * KEYS_OF_A_TOKEN * BYTES_OF_A_STEP):
                return False
            entry = load(tx, child)
            if entry is not None and entry.parent == token_hash:
                revoke(tx, hasher, child)
            tx.delete(children_prefix(token_hash) + child)
    if not room.take(keys=1, size=BYTES_OF_A_STEP):
        return False
    tx.delete(purge_mark(token_hash))
    return True


def first_below(view: Reader, prefix: str) -> Iterator[str]:
    """Yield some keys below ``prefix``: those of the first directory that has any; none if there are none."""
    while names := view.list(prefix, limit=_PAGE):
        keys = [prefix + name for name in names if not name.endswith("/")]
        if keys:
            yield from keys
            return
        prefix += names[0]
