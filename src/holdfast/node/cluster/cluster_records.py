"""What the nodes of a cluster tell each other through their storage: who is there, and who holds what.

    nodes/<node id>          NodeRecord
    leases/<lease>           LeaseRecord; one that is gone has ended, and so has all that was held under it
    attachments/<volume id>  AttachRecord
    cluster-security         SecurityRecord

Each record is a MessagePack array that opens with its kind and its layout version. Fields are only ever
appended, with a default; their order never changes.
"""

from enum import IntEnum
from typing import TypeVar

import msgspec

from holdfast.errors import InternalError

CLUSTER_SECURITY = "cluster-security"


class SecurityStatus(IntEnum):
    """Whether a node looks at tokens. Numbers are those of the storage API."""

    UNSECURED = 1
    SECURED = 2
    SECURED_ALLOW_SECURITY_REMOVAL = 3


class NodeRecord(msgspec.Struct, frozen=True, array_like=True, tag="node", kw_only=True):
    """A node, as it last described itself.

    Attributes:
        layout: layout version of this record.
        node_id: its name.
        identity: of its directory; another with the same name is another node.
        lease: under which it holds what it attached.
        address: by which it is reached.
        version: of Holdfast.
        security: see ``SecurityStatus``.
        pool: identity of its pool.
        backend: how it attaches encrypted volumes.
        started_at: Unix seconds.
        seen_at: Unix seconds, when it last wrote this.
        stopped: whether it said goodbye.
    """

    layout: int = 1
    node_id: str
    identity: str
    lease: str
    address: str
    version: str
    security: SecurityStatus
    pool: str
    backend: str
    started_at: float
    seen_at: float
    stopped: bool = False


class LeaseRecord(msgspec.Struct, frozen=True, array_like=True, tag="lease", kw_only=True):
    """The right of a node to hold volumes. It lasts while ``beat`` moves.

    No time is in it: whoever wants to know whether a node is gone looks for how long the number stands still,
    by a clock of its own.

    Attributes:
        layout: layout version of this record.
        node_id: whose it is.
        identity: of that node's directory.
        boot: in which run of the node's kernel; what was attached ends with it.
        session: the process that renews it.
        beat: moves with every renewal.
        seconds: after which silence the node has let go of everything.
    """

    layout: int = 1
    node_id: str
    identity: str
    boot: str
    session: str
    beat: int
    seconds: float


class AttachRecord(msgspec.Struct, frozen=True, array_like=True, tag="attachment", kw_only=True):
    """Who has a volume.

    Attributes:
        layout: layout version of this record.
        lease: under which it is held; empty while nobody has it.
        identity: of the holder's directory.
        node_id: the holder.
        fence: grows with each holder.
        since: Unix seconds.
        release_asked: whether an administrator wants the holder to let go of it.
    """

    layout: int = 1
    lease: str
    identity: str
    node_id: str
    fence: int
    since: float
    release_asked: bool = False


class SecurityRecord(msgspec.Struct, frozen=True, array_like=True, tag="cluster-security", kw_only=True):
    """What the cluster demands of its nodes.

    Attributes:
        layout: layout version of this record.
        required: whether every node must look at tokens.
        since: Unix seconds.
    """

    layout: int = 1
    required: bool
    since: float


Stored = TypeVar("Stored", NodeRecord, LeaseRecord, AttachRecord, SecurityRecord)

encode = msgspec.msgpack.Encoder().encode
_DECODERS = {
    kind: msgspec.msgpack.Decoder(kind) for kind in (NodeRecord, LeaseRecord, AttachRecord, SecurityRecord)
}


def decode(stored: bytes | None, kind: type[Stored]) -> Stored | None:
    """Read a stored record; ``None`` if there is none.

    Raises:
        InternalError: it is not of that kind; nothing is guessed.
    """
    if stored is None:
        return None
    try:
        record: Stored = _DECODERS[kind].decode(stored)  # type: ignore[assignment]
    except (msgspec.DecodeError, ValueError):
        raise InternalError(f"a stored record of the cluster cannot be read ({kind.__name__})") from None
    return record
