"""Where the store keeps what, and as which kind of record: the one table of barrier views.

    mounts/table                the mount table                    RecordKind.MOUNT_TABLE
    mounts/auth                 the table of auth mounts           RecordKind.MOUNT_TABLE
    mounts/moves                the latest moves of mounts         RecordKind.MOUNT_TABLE
    auth/<mount uuid>/...       roles and users of an auth mount   RecordKind.AUTH
    config/cluster              cluster name and id                RecordKind.CONFIG
    config/token-key            key of the token hashes            RecordKind.CONFIG
    config/quotas               rate-limit quotas                  RecordKind.CONFIG
    config/audit                audit devices of the API           RecordKind.CONFIG
    config/audit-headers        headers that audit lines show      RecordKind.CONFIG
    config/audit                audit devices of the API           RecordKind.CONFIG
    config/rotation             when keys are rotated              RecordKind.CONFIG
    config/versions             versions that ran                  RecordKind.CONFIG
    sys/policy/<name>           policy texts                       RecordKind.POLICY
    sys/token/...               tokens, see token_records          RecordKind.TOKEN
    sys/token/quota/leases      quotas of leases, and counts       RecordKind.TOKEN
    iam/...                     users, groups, permissions         RecordKind.IAM
    identity/...                entities, aliases, groups          RecordKind.IDENTITY
    audit/<device>              key of a device's value hashes     RecordKind.AUDIT_SALT
    logical/<mount uuid>/...    what an engine stores              RecordKind.KV
    namespaces/...              which namespaces there are         RecordKind.NAMESPACE
    ns/<namespace uuid>/...     what a namespace holds             as the same without this prefix

What is of the whole store is there once: configuration, tokens, users of the IAM, audit keys, namespaces. The
rest every namespace has for itself: the root namespace where it is written above, another below its prefix.

The barrier's own records below ``core/`` (seal configuration, wrapped root key, keyring) are described in
``barrier``; no view covers them.
"""

from typing import NamedTuple

from holdfast.barrier import BarrierReader, BarrierTransaction, Keyring, RecordKind
from holdfast.storage.interface import Reader, Transaction
from holdfast.store.tokens.records import cubbyhole_prefix


class Place(NamedTuple):
    """A part of storage whose records are of one kind.

    Attributes:
        prefix: before the names in it.
        kind: of its records.
        is_common: whether it is the same one for all namespaces.
    """

    prefix: str
    kind: RecordKind
    is_common: bool = False

    def within(self, home: str) -> "Place":
        """Return the same place of a namespace, given what is put before the places of that."""
        return self if self.is_common or not home else Place(home + self.prefix, self.kind)


MOUNTS = Place("mounts/", RecordKind.MOUNT_TABLE)
CONFIG = Place("config/", RecordKind.CONFIG, is_common=True)
POLICIES = Place("sys/policy/", RecordKind.POLICY)
TOKENS = Place("sys/token/", RecordKind.TOKEN, is_common=True)
TOKEN_ROLES = Place("sys/token/role/", RecordKind.TOKEN)
IAM = Place("iam/", RecordKind.IAM, is_common=True)
IDENTITY = Place("identity/", RecordKind.IDENTITY)
AUDIT = Place("audit/", RecordKind.AUDIT_SALT, is_common=True)
AUTH = Place("auth/", RecordKind.AUTH)
NAMESPACES = Place("namespaces/", RecordKind.NAMESPACE, is_common=True)


def reading(reader: Reader, keyring: Keyring, place: Place) -> BarrierReader:
    """Return a view that reads one place through the barrier."""
    return BarrierReader(reader, keyring, place.prefix, place.kind)


def writing(tx: Transaction, keyring: Keyring, place: Place) -> BarrierTransaction:
    """Return a view that reads and writes one place through the barrier."""
    return BarrierTransaction(tx, keyring, place.prefix, place.kind)


def auth_place(storage_prefix: str) -> Place:
    """Return the place of one auth mount's records."""
    return Place(storage_prefix, RecordKind.AUTH)


def cubbyhole_place(token_hash: str) -> Place:
    """Return the place of what one token keeps for itself: its own records, so that it ends with them."""
    return TOKENS._replace(prefix=TOKENS.prefix + cubbyhole_prefix(token_hash))


def engine_place(storage_prefix: str) -> Place:
    """Return the place of one mount's data."""
    return Place(storage_prefix, RecordKind.KV)
