"""What a storage node keeps of revocations: one record for each, and one that says how often they changed.

    revocations/<hash>    RevocationRecord
    revocation-state      RevocationState

Each record is a MessagePack array that opens with its kind and its layout version. Fields are only ever
appended, with a default; their order never changes.
"""

import hashlib
from enum import StrEnum

import msgspec

from holdfast.node.stored import read_stored

REVOCATIONS = "revocations/"
STATE = "revocation-state"


class RevocationKind(StrEnum):
    """What a revocation is about."""

    TOKEN = "token"  # noqa: S105 - one token, and all that were renewed from it
    SUBJECT = "subject"  # all tokens of a user up to a moment
    ISSUER = "issuer"  # all tokens of an issuer up to a moment


class RevocationRecord(msgspec.Struct, frozen=True, array_like=True, tag="revocation", kw_only=True):
    """One revocation.

    Attributes:
        layout: layout version of this record.
        kind: what it is about.
        issuer: whose tokens.
        value: the token's id, or the subject; empty for an issuer.
        issued_until: Unix second up to which tokens are revoked; for one token, by when it was issued.
        ends_at: Unix second at which every token that it covers has expired.
        revoked_at: Unix second at which it was made.
        revoked_by: user name of who made it.
    """

    layout: int = 1
    kind: RevocationKind
    issuer: str
    value: str
    issued_until: int
    ends_at: int
    revoked_at: int
    revoked_by: str

    @property
    def key(self) -> str:
        """Where it is stored; one and the same for whatever is revoked twice."""
        digest = hashlib.sha256(msgspec.json.encode((self.kind, self.issuer, self.value))).hexdigest()
        return REVOCATIONS + digest


class RevocationState(msgspec.Struct, frozen=True, array_like=True, tag="revocation-state", kw_only=True):
    """How revocations stand.

    Attributes:
        layout: layout version of this record.
        number: grows with every change, so that nodes see by one record whether there was one.
        count: how many there are.
        tidied_at: Unix second at which those that had ended were last removed.
    """

    layout: int = 1
    number: int = 0
    count: int = 0
    tidied_at: int = 0


_encode = msgspec.msgpack.Encoder().encode
_decode_record = msgspec.msgpack.Decoder(RevocationRecord).decode
_decode_state = msgspec.msgpack.Decoder(RevocationState).decode


def encode(record: RevocationRecord | RevocationState) -> bytes:
    """Write a record as it is stored."""
    return _encode(record)


def decode_revocation(stored: bytes) -> RevocationRecord:
    """Read a stored revocation.

    Raises:
        InternalError: it is not one; nothing is guessed.
    """
    return read_stored(_decode_record, stored, "a stored revocation")


def decode_state(stored: bytes | None) -> RevocationState:
    """Read how revocations stand; nothing stored means that there are none.

    Raises:
        InternalError: it is something else.
    """
    if stored is None:
        return RevocationState()
    return read_stored(_decode_state, stored, "the stored state of revocations")
