"""What a deleted namespace leaves behind, removed a little at a time.

Deleting one marks it: nobody gets in from then on, none of its tokens lives, and no command puts anything
into it. Then its tokens go, then everything below its home, at last the records that say that it was there.
Each transaction is bounded, because a shared storage refuses one that is too large, and stands by itself:
after a crash between two of them the mark still says what is left.
"""

from holdfast.barrier import Keyring
from holdfast.storage.interface import Transaction
from holdfast.store.layout import NAMESPACES, TOKENS, Place, writing
from holdfast.store.namespaces import records
from holdfast.store.namespaces.records import Namespace
from holdfast.store.tokens import records as token_records
from holdfast.store.tokens.purge import BYTES_OF_A_STEP, KEYS_OF_A_TOKEN, Room, first_below
from holdfast.store.tokens.records import TokenHasher

_RECORDS = 4
_PAGE = 100


def clear_gone(tx: Transaction, keyring: Keyring, hasher: TokenHasher) -> bool:
    """Clear away as much as fits into one transaction; return whether a namespace is gone by it."""
    room, any_gone = Room(), False
    view = writing(tx, keyring, NAMESPACES)
    while namespace := records.first_gone(view):
        if not clear(tx, keyring, hasher, namespace, room):
            break
        any_gone = True
    return any_gone


def clear(tx: Transaction, keyring: Keyring, hasher: TokenHasher, namespace: Namespace, room: Room) -> bool:
    """Clear away what a namespace holds, and it; return whether there was room for all of that."""
    tokens, own = writing(tx, keyring, TOKENS), hasher.within(namespace)
    while names := own.names(tokens, "id/", limit=_PAGE):
        for name in names:
            if not room.take(keys=KEYS_OF_A_TOKEN, size=2 * KEYS_OF_A_TOKEN * BYTES_OF_A_STEP):
                return False
            token_records.revoke(tokens, own, name)
    held = writing(tx, keyring, Place(namespace.home, NAMESPACES.kind))
    while keys := list(first_below(held, "")):
        for key in keys:
            steps = key.count("/") + len(namespace.home.split("/"))
            if not room.take(keys=1, size=steps * (4 * len(key.encode()) + BYTES_OF_A_STEP)):
                return False
            held.delete(key)
    if not room.take(keys=_RECORDS, size=_RECORDS * (4 * records.MAX_PATH_BYTES + BYTES_OF_A_STEP)):
        return False
    records.forget(writing(tx, keyring, NAMESPACES), namespace)
    return True
