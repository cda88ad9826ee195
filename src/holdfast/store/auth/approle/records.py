"""Roles and secret ids at rest."""

import msgspec

from holdfast.storage.interface import Transaction
from holdfast.store.auth.token_settings import TokenSettings
from holdfast.store.tokens.records import TokenHasher

TIDY_BATCH = 100


class Role(msgspec.Struct, array_like=True, frozen=True):
    """One role. Fields are only ever appended: their order is the record format.

    Attributes:
        role_id: the id that a program logs in with.
        settings: about tokens.
        bind_secret_id: whether a secret id is needed, too.
        secret_id_bound_cidrs: networks that a login may come from; empty for any.
        secret_id_num_uses: how often a secret id may be used, unless it says less; 0 for unlimited.
        secret_id_ttl_seconds: how long one lives, unless it says less; 0 for ever.
        local_secret_ids: kept and shown; means nothing where there is no replication.
        has_chosen_secret_ids: whether somebody chose a secret id, which could be guessed.
    """

    role_id: str
    settings: TokenSettings = TokenSettings()
    bind_secret_id: bool = True
    secret_id_bound_cidrs: tuple[str, ...] = ()
    secret_id_num_uses: int = 0
    secret_id_ttl_seconds: int = 0
    local_secret_ids: bool = False
    has_chosen_secret_ids: bool = False


class SecretId(msgspec.Struct, array_like=True, frozen=True):
    """One secret id. Fields are only ever appended: their order is the record format.

    Attributes:
        accessor: the handle that can look it up and remove it, never log in.
        created_at: Unix seconds.
        expires_at: Unix seconds, 0 for never.
        uses_left: 0 for unlimited.
        metadata: for tokens.
        bound_cidrs: networks that a login may come from; empty for any.
        token_bound_cidrs: networks that its tokens are bound to; empty for those of the role.
        updated_at: Unix seconds of the last counted use, or of its creation.
    """

    accessor: str
    created_at: float
    expires_at: float
    uses_left: int
    metadata: dict[str, str]
    bound_cidrs: tuple[str, ...]
    token_bound_cidrs: tuple[str, ...]
    updated_at: float

    def is_live(self, now: float) -> bool:
        """Whether it has time left."""
        return not self.expires_at or now < self.expires_at


class Hashes:
    """Names in storage for the ids of one mount.

    Args:
        hasher: the store's.
        mount: uuid of the mount; equal ids of two mounts have nothing in common.
    """

    __slots__ = ("_hasher", "_mount")

    def __init__(self, hasher: TokenHasher, mount: str) -> None:
        self._hasher = hasher
        self._mount = mount

    def of(self, text: str) -> str:
        """Return the name of a role id, secret id or accessor."""
        return self._hasher.token(f"{self._mount}/{text}")


def role_key(name: str) -> str:
    """Return where a role is."""
    return f"role/{name}"


def role_id_key(role_id_hash: str) -> str:
    """Return where it says which role has a role id."""
    return f"role-id/{role_id_hash}"


def secret_key(role: str, secret_hash: str) -> str:
    """Return where a secret id is."""
    return f"secret/{role}/{secret_hash}"


def accessor_key(role: str, accessor_hash: str) -> str:
    """Return where it says which secret id has an accessor."""
    return f"accessor/{role}/{accessor_hash}"


def expiry_key(role: str, secret_hash: str, at: float) -> str:
    """Return where it is marked when a secret id ends."""
    # Twelve digits keep the names in order of time; rounding up never removes too early.
    return f"expiry/{int(at) + 1:012d}/{role}/{secret_hash}"


def remove_secret_id(tx: Transaction, hashes: Hashes, role: str, secret_hash: str) -> None:
    """Remove a secret id; an absent one is fine."""
    stored = tx.get(secret_key(role, secret_hash))
    if stored is None:
        return
    secret = msgspec.msgpack.decode(stored, type=SecretId)
    tx.delete(secret_key(role, secret_hash))
    tx.delete(accessor_key(role, hashes.of(secret.accessor)))
    if secret.expires_at:
        tx.delete(expiry_key(role, secret_hash, secret.expires_at))


def tidy(tx: Transaction, hashes: Hashes, *, now: float, limit: int = TIDY_BATCH) -> int:
    """Remove up to ``limit`` secret ids whose time has run out; return how many were due."""
    due = 0
    for second in tx.list("expiry/", limit=limit):
        if int(second.rstrip("/")) > now:
            break
        for role in tx.list(f"expiry/{second}", limit=limit):
            for secret_hash in tx.list(f"expiry/{second}{role}", limit=limit - due):
                remove_secret_id(tx, hashes, role.rstrip("/"), secret_hash)
                tx.delete(f"expiry/{second}{role}{secret_hash}")
                due += 1
            if due >= limit:
                return due
    return due
