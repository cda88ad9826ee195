"""What has to be done from time to time, by one node at a time."""

import logging
from functools import partial

from holdfast.barrier import Keyring
from holdfast.clock import Clock
from holdfast.storage.interface import Lease, Storage, Transaction
from holdfast.store.changes import mark_change
from holdfast.store.iam.upkeep import tidy_users_tokens
from holdfast.store.layout import IAM, NAMESPACES, TOKENS, reading, writing
from holdfast.store.namespaces import records as namespaces
from holdfast.store.namespaces.clearing import clear_gone
from holdfast.store.tokens import purge as token_purge
from holdfast.store.tokens import records as token_records
from holdfast.store.tokens.records import TokenHasher
from holdfast.store.transit.rotation import KeyRotation

LEASE = "upkeep"
LEASE_SECONDS = 60.0
RENEWAL_SECONDS = 20.0
PURGES_AT_ONCE = 20

log = logging.getLogger(__name__)


class Upkeep:
    """Upkeep of a storage; a lease says whose turn it is where nodes share it.

    Two nodes that both believe that it is theirs, because a clock jumped, do some work twice and no harm:
    each step is a transaction that finds out what is left to do.

    Args:
        storage: what to look after.
        clock: tells what is due.
        node_id: the holder of the lease.
    """

    def __init__(self, storage: Storage, clock: Clock, node_id: str) -> None:
        self._storage = storage
        self._clock = clock
        self._node_id = node_id
        self._rotation = KeyRotation(storage, clock)
        self._lease: Lease | None = None
        self._look_again_at = 0.0

    def is_ours(self) -> bool:
        """Whether this node shall do it now."""
        if not self._storage.shared:
            return True
        now = self._clock.now()
        if now < self._look_again_at:
            return self._lease is not None
        self._look_again_at = now + RENEWAL_SECONDS
        if self._lease is not None and self._lease.renew():
            return True
        self._lease = self._storage.acquire_lease(LEASE, holder=self._node_id, ttl_seconds=LEASE_SECONDS)
        return self._lease is not None

    def rotate_keys(self, keyring: Keyring) -> None:
        """Rotate keys of transit mounts whose time has come."""
        self._rotation.run(keyring)

    def tidy_users(self, keyring: Keyring) -> None:
        """Forget what has no effect any more among users' tokens."""
        self._storage.write(
            lambda tx: tidy_users_tokens(writing(tx, keyring, IAM), now=self._clock.now()),
        )

    def writes_for_tokens(self, keyring: Keyring) -> bool:
        """Whether tokens or namespaces are to be cleared away, for which records may have to be encrypted."""
        view = reading(self._storage, keyring, TOKENS)
        return (
            token_records.is_tidying_due(view, now=self._clock.now())
            or token_purge.is_due(view)
            or namespaces.has_gone(reading(self._storage, keyring, NAMESPACES))
        )

    def tidy(self, keyring: Keyring, hasher: TokenHasher) -> bool:
        """End tokens that have run out; return whether there were any."""

        def change(tx: Transaction) -> bool:
            due = token_records.tidy(writing(tx, keyring, TOKENS), hasher, now=self._clock.now())
            if due and self._storage.shared:
                mark_change(tx)
            return bool(due)

        return self._storage.write(change)

    def clear_namespaces(self, keyring: Keyring, hasher: TokenHasher) -> bool:
        """Remove what deleted namespaces have left, in a few transactions; return whether one is gone by it.

        What is left then waits.
        """
        any_gone = False
        for _ in range(PURGES_AT_ONCE):
            if not namespaces.has_gone(reading(self._storage, keyring, NAMESPACES)):
                break
            any_gone = self._storage.write(partial(self._clear_gone, keyring, hasher)) or any_gone
        return any_gone

    def _clear_gone(self, keyring: Keyring, hasher: TokenHasher, tx: Transaction) -> bool:
        is_one_gone = clear_gone(tx, keyring, hasher)
        if is_one_gone and self._storage.shared:
            mark_change(tx)
        return is_one_gone

    def purge(self, keyring: Keyring, hasher: TokenHasher) -> None:
        """Clear away what dead tokens have left, in a few transactions; what is left then waits.

        No answer changes by it, so that nobody has to be told.
        """
        for _ in range(PURGES_AT_ONCE):
            if not token_purge.is_due(reading(self._storage, keyring, TOKENS)):
                return
            self._storage.write(lambda tx: token_purge.purge(writing(tx, keyring, TOKENS), hasher))
