"""Values that are too large for one znode: stored in parts, before the commit that makes them count.

    /pending/<id>      exists from before the first part until the commit
    /parts/<id>-<n>    a part

A packet, and so a znode, has to stay below ZooKeeper's ``jute.maxbuffer`` (1 MiB by default); a larger one
ends the connection with everything on it. What the commit stores in the value's own znode is a
``Manifest``. A part is only ever made while its mark in ``/pending`` is there. A writer that dies between the
parts and the commit leaves a mark that a later start sweeps up; a commit removes its own in the same
transaction, so that a slow commit and the sweep cannot both succeed.
"""

from secrets import token_hex

import msgspec

INLINE_BYTES = 256 * 1024
"""The largest value that lies in its own znode."""

PART_BYTES = 512 * 1024

_INLINE, _IN_PARTS = b"\x00", b"\x01"


class Manifest(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Where the parts of a value are. Fields are only ever appended: their order is the format.

    Attributes:
        id: names the parts.
        parts: how many.
        size: of the whole value, in bytes.
    """

    id: str
    parts: int
    size: int

    @classmethod
    def for_value(cls, value: bytes) -> "Manifest":
        """Return a manifest with a name of its own for the parts of ``value``."""
        return cls(token_hex(16), -(-len(value) // PART_BYTES), len(value))

    def names(self) -> list[str]:
        """Return the names of the parts' znodes, in order."""
        return [f"{self.id}-{number}" for number in range(self.parts)]


class Pending(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a mark holds. Fields are only ever appended: their order is the format.

    Attributes:
        key: whose value the parts are to be.
        parts: how many.
    """

    key: str
    parts: int


Stored = bytes | Manifest | None
"""A value, where the parts of a large one are, or nothing."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Manifest).decode
encode_pending = msgspec.msgpack.Encoder().encode
decode_pending = msgspec.msgpack.Decoder(Pending).decode


def encode_inline(value: bytes) -> bytes:
    """Return the data of a znode that holds ``value`` itself."""
    return _INLINE + value


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the data of a znode whose value is in parts."""
    return _IN_PARTS + _encode(manifest)


def decode_stored(data: bytes) -> bytes | Manifest:
    """Return the value in a znode's data, or where its parts are.

    Raises:
        msgspec.DecodeError: the data is neither.
    """
    if data[:1] == _INLINE:
        return data[1:]
    if data[:1] == _IN_PARTS:
        return _decode(data[1:])
    raise msgspec.DecodeError("not a value of ours")


def cut(value: bytes) -> list[bytes]:
    """Return the parts of a value."""
    return [value[start : start + PART_BYTES] for start in range(0, len(value), PART_BYTES)]
