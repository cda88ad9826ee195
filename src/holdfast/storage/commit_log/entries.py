"""The log of commits: who made each, and which keys it touched.

Every commit leaves one entry, in the same transaction as the change itself and numbered by the revision it
led to. From it other processes learn which of the records they remember are out of date, and a
writer that lost its connection learns whether its commit was made.
"""

from collections.abc import Iterable

import msgspec

KEPT_ENTRIES = 1000
"""Entries that stay; whoever is further behind forgets all it remembers."""

COMMIT_ID_BYTES = 16


class Entry(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What one commit touched. Fields are only ever appended: their order is the format.

    Attributes:
        commit_id: random, made by the writer for this commit.
        replaced: keys whose value is another one now.
        moved: keys that appeared or went, so that the listings above them changed too.
    """

    commit_id: bytes
    replaced: tuple[str, ...]
    moved: tuple[str, ...]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Entry).decode


def encode_entry(entry: Entry) -> bytes:
    """Write an entry as it is stored."""
    return _encode(entry)


def decode_entry(stored: bytes) -> Entry:
    """Read what ``encode_entry`` wrote.

    Raises:
        msgspec.DecodeError: it is something else.
    """
    return _decode(stored)


class Footprint:
    """Keys and directories that somebody read, or that a commit changed."""

    __slots__ = ("directories", "keys")

    def __init__(self, keys: Iterable[str] = (), directories: Iterable[str] = ()) -> None:
        self.keys = set(keys)
        self.directories = set(directories)

    @classmethod
    def of(cls, entry: Entry) -> "Footprint":
        """Return what a commit changed: keys, and the listings of every directory above those that moved."""
        return cls(
            (*entry.replaced, *entry.moved),
            (directory for key in entry.moved for directory in directories_above(key)),
        )

    def add(self, other: "Footprint") -> None:
        """Take in what another one has."""
        self.keys |= other.keys
        self.directories |= other.directories

    def meets(self, other: "Footprint") -> bool:
        """Whether both have a key or a directory in common."""
        return not (self.keys.isdisjoint(other.keys) and self.directories.isdisjoint(other.directories))


def directories_above(key: str) -> list[str]:
    """Return the prefixes of all directories above a key, the empty one of the top included."""
    pieces = key.split("/")[:-1]
    return ["".join(f"{piece}/" for piece in pieces[:depth]) for depth in range(len(pieces) + 1)]
