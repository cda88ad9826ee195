"""What a storage node remembers of a storage policy. Fields are only ever appended, with a default."""

import msgspec

from holdfast.node.access.ownership_note import OwnershipNote
from holdfast.node.named_records import check_name
from holdfast.node.policies.volume_rules import VolumeRules
from holdfast.node.stored import read_stored
from holdfast.policy.ownership import Ownership


class PolicyRecord(msgspec.Struct, frozen=True, array_like=True, tag="storage-policy", kw_only=True):
    """One policy.

    Attributes:
        layout: layout version of this record.
        name: unique within the cluster.
        rules: what it asks of volumes.
        force: whether it refuses what does not follow the rules, rather than change it.
        allow_update: whether who may write the policy is free of it when he updates a volume.
        created_at: Unix seconds.
        stored_ownership: see ``ownership``.
    """

    layout: int = 1
    name: str
    rules: VolumeRules
    force: bool
    allow_update: bool
    created_at: int
    stored_ownership: OwnershipNote

    @property
    def id(self) -> str:
        """What it is known by."""
        return self.name

    @property
    def ownership(self) -> Ownership:
        """Whom it belongs to."""
        return self.stored_ownership.ownership()

    @property
    def scope_labels(self) -> None:
        """No scope is about it."""
        return


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(PolicyRecord).decode


def encode_policy(record: PolicyRecord) -> bytes:
    """Write a record as it is stored."""
    return _encode(record)


def decode_policy(stored: bytes) -> PolicyRecord:
    """Read a stored policy.

    Raises:
        InternalError: it is not one; nothing is guessed.
    """
    return read_stored(_decode, stored, "a stored storage policy")


def check_policy_name(name: str) -> str:
    """Return ``name`` if it may name a policy.

    Raises:
        InvalidInputError: none, other characters, or too long.
    """
    return check_name(name, missing="Must supply a Storage Policy Name")
