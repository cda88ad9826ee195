"""What a storage node remembers of its volumes and its cluster-wide key: stored records, and no secrets.

Each record is a MessagePack array that opens with its kind and its layout version. Fields are only ever
appended, with a default; their order never changes. Which key opens a volume is noted in the volume's own
header as well, and the header wins: it changes in the same step as the key does.
"""

import re
from enum import StrEnum

import msgspec

from holdfast.errors import InvalidInputError
from holdfast.node.access.ownership_note import OwnershipNote
from holdfast.node.stored import read_stored
from holdfast.policy.ownership import Ownership
from holdfast.volumes.key_reference import KeyReference

MAX_NAME_CHARACTERS = 128
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_ID = re.compile(r"[0-9]{1,20}")


class VolumeState(StrEnum):
    """How far a volume has come. A crash between two states never leads to formatting over data."""

    PREPARED = "prepared"  # recorded; file or header may be missing
    FORMATTED = "formatted"  # its header is written and its key opens it
    READY = "ready"  # it holds a file system
    REMOVING = "removing"  # its keyslots are destroyed; deleting it again finishes that


class KeyOrigin(StrEnum):
    """Whose key opens a volume."""

    CLUSTER = "cluster"  # the cluster-wide key
    NAMED = "named"  # a secret that the volume's creator named
    OWN = "own"  # made by the node for this volume alone, and destroyed with it


class KeyNote(msgspec.Struct, frozen=True, array_like=True):
    """Where a key is kept.

    Attributes:
        provider: type of the secrets provider.
        name: path of the secret there.
        namespace: the provider's namespace, empty for its default.
        version: version of the secret; ``None`` where the provider keeps none, or while it is not known.
        origin: whose key it is.
    """

    provider: str
    name: str
    namespace: str
    version: int | None
    origin: KeyOrigin

    def reference(self) -> KeyReference:
        """Return it in the form that volume headers keep."""
        return KeyReference(self.provider, self.name, self.version, self.namespace)

    def same_secret(self, other: "KeyNote") -> bool:
        """Whether both are versions of one secret."""
        return (self.provider, self.namespace, self.name) == (other.provider, other.namespace, other.name)

    def at(self, version: int | None) -> "KeyNote":
        """Return the same secret at another version."""
        return msgspec.structs.replace(self, version=version)


class VolumeRecord(msgspec.Struct, frozen=True, array_like=True, tag="volume", kw_only=True):
    """One volume.

    Attributes:
        layout: layout version of this record.
        id: decimal digits, never reused.
        name: unique within the cluster.
        uuid: identity written into the header; chosen before anything is formatted.
        size_bytes: what the volume offers.
        file_system: ``ext4`` or ``xfs``.
        state: how far it has come.
        created_at: Unix seconds.
        stored_ownership: see ``ownership``.
        labels: free text by name.
        key: which key opens it; ``None`` for a volume that is not encrypted.
        parent: id of the volume or snapshot that it was copied from; empty for one made from nothing.
        is_snapshot: whether it is a snapshot, which is only ever read.
        grow_pending: whether its file system does not fill it yet.
        pool: which pool its backing file is in; empty for one from before pools had identities.
        storage_policy: name of the policy that it was made under; empty for none.
        next_key: the key that a rotation under way gives it; ``None`` while there is none.
        integrity: whether its encryption is authenticated.
        snapshot_plan: when snapshots of it are taken by themselves, as text; empty for never.
        taken_by: the schedule that took this snapshot; empty for one that a person took, and for volumes.
    """

    layout: int = 1
    id: str
    name: str
    uuid: str
    size_bytes: int
    file_system: str
    state: VolumeState
    created_at: int
    stored_ownership: OwnershipNote
    labels: dict[str, str]
    key: KeyNote | None
    parent: str = ""
    is_snapshot: bool = False
    grow_pending: bool = False
    pool: str = ""
    storage_policy: str = ""
    next_key: KeyNote | None = None
    integrity: bool = False
    snapshot_plan: str = ""
    taken_by: str = ""

    @property
    def encrypted(self) -> bool:
        """Whether it has a LUKS2 header."""
        return self.key is not None

    @property
    def ownership(self) -> Ownership:
        """Whom it belongs to."""
        return self.stored_ownership.ownership()

    @property
    def scope_labels(self) -> dict[str, str]:
        """By which scopes find it."""
        return self.labels


class ClusterKey(msgspec.Struct, frozen=True, array_like=True, tag="cluster-key", kw_only=True):
    """The cluster-wide key, by reference.

    Attributes:
        layout: layout version of this record.
        key: which secret, and which version new volumes get.
    """

    layout: int = 1
    key: KeyNote


class LeftoverKey(msgspec.Struct, frozen=True, array_like=True, tag="leftover-key", kw_only=True):
    """The key of a volume that is gone, which is still to be destroyed in the provider.

    Attributes:
        layout: layout version of this record.
        key: which secret.
    """

    layout: int = 1
    key: KeyNote


_encode = msgspec.msgpack.Encoder().encode
_decode_volume = msgspec.msgpack.Decoder(VolumeRecord).decode
_decode_cluster_key = msgspec.msgpack.Decoder(ClusterKey).decode
_decode_leftover_key = msgspec.msgpack.Decoder(LeftoverKey).decode


def encode_record(record: VolumeRecord | ClusterKey | LeftoverKey) -> bytes:
    """Write a record as it is stored."""
    return _encode(record)


def decode_volume(stored: bytes) -> VolumeRecord:
    """Read a stored volume record.

    Raises:
        InternalError: it is not one; nothing is guessed.
    """
    return read_stored(_decode_volume, stored, "a stored volume record")


def decode_cluster_key(stored: bytes) -> ClusterKey:
    """Read the stored reference to the cluster-wide key.

    Raises:
        InternalError: it is not one.
    """
    return read_stored(_decode_cluster_key, stored, "the stored cluster key reference")


def decode_leftover_key(stored: bytes) -> LeftoverKey:
    """Read a stored note of a key that is still to be destroyed.

    Raises:
        InternalError: it is not one.
    """
    return read_stored(_decode_leftover_key, stored, "a stored note of a leftover key")


def check_volume_name(name: str) -> str:
    """Return ``name`` if it may name a volume.

    Raises:
        InvalidInputError: other characters, too long, or only digits, which would read as an id.
    """
    if not _NAME.fullmatch(name) or name.isdigit():
        raise InvalidInputError(
            f"name: expected 1 to {MAX_NAME_CHARACTERS} letters, digits, dots, dashes and underscores, "
            "beginning with a letter or digit, and not only digits"
        )
    return name


def check_reference(reference: str) -> str:
    """Return ``reference`` if it has the form of a volume's id or name.

    Raises:
        InvalidInputError: it has neither.
    """
    if not (_ID.fullmatch(reference) or _NAME.fullmatch(reference)):
        raise InvalidInputError("volume_id: expected the id or the name of a volume")
    return reference
