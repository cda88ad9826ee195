"""What somebody removed last, so that who asks again, because an answer was lost, is told that it is gone.

    removed/<user>     ids of the volumes that this user removed last, the newest at the end

A volume that is gone looks like one of somebody else, and a program that repeats its request would be refused
for ever. Who removed a volume knows that it was there; nobody else learns anything.
"""

import hashlib

import msgspec

from holdfast.node.stored import read_stored
from holdfast.storage.interface import Reader, Transaction

MOST_REMEMBERED = 100
_HASH_BYTES = 16

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[str]).decode


def note_removal(transaction: Transaction, user: str, volume_id: str) -> None:
    """Remember that a user removed a volume, in the transaction that removes its record."""
    if user:
        transaction.put(_key(user), _encode([*_removed(transaction, user), volume_id][-MOST_REMEMBERED:]))


def was_removed_by(reader: Reader, user: str, volume_id: str) -> bool:
    """Whether a user removed a volume not long ago. Ids are never used again, so it is gone if he did."""
    return bool(user) and volume_id in _removed(reader, user)


def _removed(reader: Reader, user: str) -> list[str]:
    stored = reader.get(_key(user))
    return [] if stored is None else read_stored(_decode, stored, "a stored list of removed volumes")


def _key(user: str) -> str:
    return f"removed/{hashlib.blake2b(user.encode(), digest_size=_HASH_BYTES).hexdigest()}"
