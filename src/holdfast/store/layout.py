"""Where the store keeps what, and as which kind of record: the one table of barrier views.

    mounts/table                the mount table                    RecordKind.MOUNT_TABLE
    mounts/auth                 the table of auth mounts           RecordKind.MOUNT_TABLE
    mounts/moves                the latest moves of mounts         RecordKind.MOUNT_TABLE
    auth/<mount uuid>/...       roles and users of an auth mount   RecordKind.AUTH
    config/cluster              cluster name and id                RecordKind.CONFIG
    config/token-key            key of the token hashes            RecordKind.CONFIG
    config/quotas               rate-limit quotas                  RecordKind.CONFIG
    config/rotation             when keys are rotated              RecordKind.CONFIG
    config/versions             versions that ran                  RecordKind.CONFIG
    sys/policy/<name>           policy texts                       RecordKind.POLICY
    sys/token/...               tokens, see token_records          RecordKind.TOKEN
    iam/...                     users, groups, permissions         RecordKind.IAM
    identity/...                entities, aliases, groups          RecordKind.IDENTITY
    audit/<device>              key of a device's value hashes     RecordKind.AUDIT_SALT
    logical/<mount uuid>/...    what an engine stores              RecordKind.KV

The barrier's own records below ``core/`` (seal configuration, wrapped root key, keyring) are described in
``barrier``; no view covers them.
"""

from holdfast.barrier import BarrierReader, BarrierTransaction, Keyring, RecordKind
from holdfast.storage.interface import Reader, Transaction
from holdfast.store.token_records import cubbyhole_prefix

MOUNTS = ("mounts/", RecordKind.MOUNT_TABLE)
CONFIG = ("config/", RecordKind.CONFIG)
POLICIES = ("sys/policy/", RecordKind.POLICY)
TOKENS = ("sys/token/", RecordKind.TOKEN)
IAM = ("iam/", RecordKind.IAM)
IDENTITY = ("identity/", RecordKind.IDENTITY)
AUDIT = ("audit/", RecordKind.AUDIT_SALT)
AUTH = ("auth/", RecordKind.AUTH)

Place = tuple[str, RecordKind]


def reading(reader: Reader, keyring: Keyring, place: Place) -> BarrierReader:
    """Return a view that reads one place through the barrier."""
    prefix, kind = place
    return BarrierReader(reader, keyring, prefix, kind)


def writing(tx: Transaction, keyring: Keyring, place: Place) -> BarrierTransaction:
    """Return a view that reads and writes one place through the barrier."""
    prefix, kind = place
    return BarrierTransaction(tx, keyring, prefix, kind)


def auth_place(storage_prefix: str) -> Place:
    """Return the place of one auth mount's records."""
    return (storage_prefix, RecordKind.AUTH)


def cubbyhole_place(token_hash: str) -> Place:
    """Return the place of what one token keeps for itself: its own records, so that it ends with them."""
    prefix, kind = TOKENS
    return (prefix + cubbyhole_prefix(token_hash), kind)


def engine_place(storage_prefix: str) -> Place:
    """Return the place of one mount's data."""
    return (storage_prefix, RecordKind.KV)
