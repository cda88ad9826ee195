"""Length-prefixed frames on a stream socket between processes of one server.

    frame = length (4 bytes, big-endian) payload

Frames carry no number: each side answers in the order it was asked, so the n-th answer on a link belongs to
the n-th question.
"""

import struct

from holdfast.errors import InternalError

MAX_FRAME_BYTES = 256 * 1024 * 1024  # over what any listener takes, in base64
READ_BYTES = 256 * 1024

_LENGTH = struct.Struct(">I")


def frame_head(payload: bytes) -> bytes:
    """Return what goes before ``payload`` on the stream.

    Raises:
        InternalError: the payload is larger than a frame may be.
    """
    if len(payload) > MAX_FRAME_BYTES:
        raise InternalError("a frame between processes is over its limit")
    return _LENGTH.pack(len(payload))


class FrameReader:
    """Cuts a stream, received in any pieces, into payloads."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the payloads that are whole now.

        Raises:
            InternalError: a frame announces more than the limit; the stream is of no further use.
        """
        rest = self._rest
        rest += data
        payloads = []
        position, end = 0, len(rest)
        while end - position >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(rest, position)
            if length > MAX_FRAME_BYTES:
                raise InternalError("a frame between processes is over its limit")
            start = position + _LENGTH.size
            if end - start < length:
                break
            position = start + length
            payloads.append(bytes(rest[start:position]))
        del rest[:position]
        return payloads
