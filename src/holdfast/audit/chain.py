"""Audit lines chained to each other, so that what is changed, removed, inserted or moved later is noticed.

Several processes append to one file, each with a chain of its own. A line of a chain ends in the member

    "chain":{"id":"<16 hex>","seq":<number>,"mac":"<64 hex>"}

    mac = HMAC-SHA256(chain key, mac of the line before it in the chain || all of the line before ,"chain")

where the chain key is derived from the device's own key; before the first line, the id of the chain stands
for the mac. Only who can open the store can compute one. When a write fails or a file is closed for rotation,
the process goes on with a new chain, whose first line names where the one before it ended, as
``"after":{"id":..., "seq":...}``.

A line of XML (``jsonx``) ends in the same as elements, and is covered up to them.

What a chain cannot tell: whether lines are missing after its last one, since a process may end at any moment.
Lines that have to outlive somebody with write access to the file belong on another machine as well.
"""

import re
from dataclasses import dataclass
from secrets import token_hex
from typing import NamedTuple

from holdfast.crypto.mac import PreparedHmac

KEY_LABEL = b"holdfast audit chain v1"
_ID_BYTES = 8


def chain_key(device_key: bytes) -> bytes:
    """Return the 32-byte key of a device's chains; it opens no hashed value."""
    return PreparedHmac(device_key).digest(KEY_LABEL)


class Shape(NamedTuple):
    """How a line says where it stands: templates for ``after`` and for its end."""

    after: bytes
    end: bytes


JSON = Shape(b',"after":{"id":"%b","seq":%d}', b'%b,"chain":{"id":"%b","seq":%d,"mac":"%b"}}\n')
JSONX = Shape(
    b'<json:object name="after"><json:string name="id">%b</json:string>'
    b'<json:number name="seq">%d</json:number></json:object>',
    b'%b<json:object name="chain"><json:string name="id">%b</json:string>'
    b'<json:number name="seq">%d</json:number>'
    b'<json:string name="mac">%b</json:string></json:object></json:object>\n',
)


class Chain:
    """The chains of one process on one device, one after the other.

    Args:
        key: from ``chain_key``.
        shape: what the lines are.
    """

    __slots__ = ("_after", "_claim", "_digest", "_id", "_is_taken", "_previous", "_sequence", "_shape")

    def __init__(self, key: bytes, shape: Shape = JSON) -> None:
        self._shape = shape
        self._digest = PreparedHmac(key).digest
        self._after = self._claim = b""
        self._is_taken = False
        self._id = self._previous = _new_id()
        self._sequence = 0

    def close(self, line: bytes) -> bytes:
        """Return a line with its place in the chain.

        Args:
            line: a JSON object without its closing brace, or an XML element without its end.
        """
        if self._after:
            line, self._after = line + self._after, b""
        mac = self._digest(self._previous + line)
        sequence, self._sequence, self._previous = self._sequence, self._sequence + 1, mac
        return self._shape.end % (line, self._id, sequence, mac.hex().encode())

    def taken(self) -> None:
        """Take note that all lines so far were taken."""
        self._is_taken = True

    def start_anew(self) -> None:
        """Go on with another chain; its first line says where this one ended.

        If nobody knows whether anything of this one is there, it says what the first line of this one said.
        """
        if self._sequence:
            if self._is_taken or not self._claim:
                self._claim = self._shape.after % (self._id, self._sequence - 1)
            self._after = self._claim
        self._is_taken = False
        self._id = self._previous = _new_id()
        self._sequence = 0


def _new_id() -> bytes:
    return token_hex(_ID_BYTES).encode()


@dataclass(frozen=True, slots=True)
class Link:
    """The place of a line in a chain.

    Attributes:
        id: of the chain.
        sequence: of the line in it, from 0.
        mac: 32 bytes.
        covered: the part of the line that the mac is about.
        after: chain and sequence that the line says its own chain follows, if it is the first and does.
    """

    id: bytes
    sequence: int
    mac: bytes
    covered: bytes
    after: tuple[bytes, int] | None


def read_link(line: bytes) -> Link | None:
    """Return where a line stands; ``None`` if it carries no place in a chain.

    Args:
        line: without its line feed.
    """
    place = _PLACE.search(line) or _PLACE_IN_XML.search(line)
    if place is None:
        return None
    covered = line[: place.start()]
    after = _AFTER.search(covered) or _AFTER_IN_XML.search(covered)
    return Link(
        place["id"],
        int(place["sequence"]),
        bytes.fromhex(place["mac"].decode()),
        covered,
        (after["id"], int(after["sequence"])) if after else None,
    )


_PLACE = re.compile(
    rb',"chain":\{"id":"(?P<id>[0-9a-f]{16})","seq":(?P<sequence>[0-9]{1,18}),"mac":"(?P<mac>[0-9a-f]{64})"\}\}\Z'
)
_AFTER = re.compile(rb',"after":\{"id":"(?P<id>[0-9a-f]{16})","seq":(?P<sequence>[0-9]{1,18})\}\Z')
_PLACE_IN_XML = re.compile(
    rb'<json:object name="chain"><json:string name="id">(?P<id>[0-9a-f]{16})</json:string>'
    rb'<json:number name="seq">(?P<sequence>[0-9]{1,18})</json:number>'
    rb'<json:string name="mac">(?P<mac>[0-9a-f]{64})</json:string></json:object></json:object>\Z'
)
_AFTER_IN_XML = re.compile(
    rb'<json:object name="after"><json:string name="id">(?P<id>[0-9a-f]{16})</json:string>'
    rb'<json:number name="seq">(?P<sequence>[0-9]{1,18})</json:number></json:object>\Z'
)
