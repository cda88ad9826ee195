"""What a cluster keeps about others that it knows, and about the tokens with which they may come to know it.

    pairs/<cluster id>          PairRecord
    pair-default                the id of the pair that is meant when none is named
    pair-tokens/<SHA-256>       PairTokenRecord; the token itself is kept nowhere

No secret of another cluster is among them: what two clusters exchange is who they are.
"""

from enum import IntEnum

import msgspec

from holdfast.node.stored import read_stored


class PairMode(IntEnum):
    """What a pair is for. Numbers are those of the storage API."""

    DEFAULT = 0
    DISASTER_RECOVERY = 1
    ONE_TIME_MIGRATION = 2


class PairRecord(msgspec.Struct, frozen=True, array_like=True, tag="pair", kw_only=True):
    """Another cluster.

    Attributes:
        layout: layout version of this record.
        id: its name, as it told it.
        endpoint: by which it was reached, or said that it is reached.
        endpoints: of its nodes.
        mode: what the pair is for.
        secure: whether its certificate was verified when it was asked; ``False`` for one that asked us.
        made_at: Unix seconds.
    """

    layout: int = 1
    id: str
    endpoint: str
    endpoints: tuple[str, ...]
    mode: PairMode
    secure: bool
    made_at: float


class PairTokenRecord(msgspec.Struct, frozen=True, array_like=True, tag="pair-token", kw_only=True):
    """A token that was given out and not used yet.

    Attributes:
        layout: layout version of this record.
        expires_at: Unix seconds.
        made_by: the user name of whoever asked for it.
    """

    layout: int = 1
    expires_at: float
    made_by: str


_decode_pair = msgspec.msgpack.Decoder(PairRecord).decode
_decode_token = msgspec.msgpack.Decoder(PairTokenRecord).decode
encode = msgspec.msgpack.Encoder().encode


def decode_pair(stored: bytes) -> PairRecord:
    """Read a stored pair.

    Raises:
        InternalError: it is not one.
    """
    return read_stored(_decode_pair, stored, "a stored cluster pair")


def decode_token(stored: bytes) -> PairTokenRecord:
    """Read what is stored of a token.

    Raises:
        InternalError: it is not one.
    """
    return read_stored(_decode_token, stored, "what is stored of a pairing token")
