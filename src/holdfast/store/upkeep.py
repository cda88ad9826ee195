"""What has to be done from time to time, by one node at a time."""

import logging
from collections.abc import Callable
from functools import partial

from holdfast.barrier import Keyring, Unsealed
from holdfast.clock import Clock
from holdfast.errors import HoldfastError
from holdfast.storage.errors import StorageBrokenError
from holdfast.storage.interface import Lease, Storage, Transaction
from holdfast.store.changes import mark_change
from holdfast.store.iam.upkeep import tidy_users_tokens
from holdfast.store.key_rotation import load_rotation
from holdfast.store.layout import CONFIG, IAM, NAMESPACES, TOKENS, reading, writing
from holdfast.store.namespaces import records as namespaces
from holdfast.store.namespaces.clearing import clear_gone
from holdfast.store.node_seal import NodeSeal
from holdfast.store.tokens import purge as token_purge
from holdfast.store.tokens import records as token_records
from holdfast.store.tokens.records import TokenHasher
from holdfast.store.transit.rotation import KeyRotation
from holdfast.store.version_history import is_version_new, note_version

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
        seal: has the keys while the store is open.
        announce: tells readers that something changed.
    """

    def __init__(
        self, storage: Storage, clock: Clock, node_id: str, seal: NodeSeal, *, announce: Callable[[], None]
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._node_id = node_id
        self._seal = seal
        self._announce = announce
        self._rotation = KeyRotation(storage, clock)
        self._lease: Lease | None = None
        self._look_again_at = 0.0
        self._version_is_noted = False

    def run(self) -> bool:
        """Do every step if it is this node's turn: trouble with tokens keeps no key from rotation.

        Returns:
            Whether more is waiting than was done at once.

        Raises:
            HoldfastError: what the first step that failed met.
        """
        if not isinstance(self._seal.state, Unsealed) or not self._is_ours():
            return False
        first: HoldfastError | None = None
        for step in (
            self._tidy_users,
            self._tidy_tokens,
            self._clear_namespaces,
            self._purge_tokens,
            self._rotate_transit_keys,
            self._note_version,
            self._rotate_keyring,
        ):
            if not isinstance(self._seal.state, Unsealed):
                break
            try:
                step()
            except StorageBrokenError:
                raise
            except HoldfastError as error:
                first = first or error
        if first is not None:
            raise first
        return isinstance(self._seal.state, Unsealed) and self._writes_for_tokens()

    @property
    def _keyring(self) -> Keyring:
        return self._seal.require_unsealed().keyring

    def _is_ours(self) -> bool:
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

    def _tidy_users(self) -> None:
        """Forget what has no effect any more among users' tokens."""
        keyring = self._keyring
        self._storage.write(
            lambda tx: tidy_users_tokens(writing(tx, keyring, IAM), now=self._clock.now()),
        )

    def _writes_for_tokens(self) -> bool:
        """Whether tokens or namespaces are to be cleared away, for which records may have to be encrypted."""
        view = reading(self._storage, self._keyring, TOKENS)
        return (
            token_records.is_tidying_due(view, now=self._clock.now())
            or token_purge.is_due(view)
            or namespaces.has_gone(reading(self._storage, self._keyring, NAMESPACES))
        )

    def _tidy_tokens(self) -> None:
        """End tokens that have run out."""
        if self._writes_for_tokens():
            self._seal.reserve_if_due()
        keyring, hasher = self._keyring, self._seal.require_hasher()

        def change(tx: Transaction) -> bool:
            due = token_records.tidy(writing(tx, keyring, TOKENS), hasher, now=self._clock.now())
            if due and self._storage.shared:
                mark_change(tx)
            return bool(due)

        if self._storage.write(change):
            self._announce()

    def _clear_namespaces(self) -> None:
        """Remove what deleted namespaces have left, in a few transactions; what is left then waits."""
        keyring, hasher = self._keyring, self._seal.require_hasher()
        any_gone = False
        for _ in range(PURGES_AT_ONCE):
            if not namespaces.has_gone(reading(self._storage, keyring, NAMESPACES)):
                break
            any_gone = self._storage.write(partial(self._clear_gone, keyring, hasher)) or any_gone
        if any_gone:
            self._announce()

    def _clear_gone(self, keyring: Keyring, hasher: TokenHasher, tx: Transaction) -> bool:
        is_one_gone = clear_gone(tx, keyring, hasher)
        if is_one_gone and self._storage.shared:
            mark_change(tx)
        return is_one_gone

    def _purge_tokens(self) -> None:
        """Clear away what dead tokens have left, in a few transactions; what is left then waits.

        No answer changes by it, so that nobody has to be told.
        """
        keyring, hasher = self._keyring, self._seal.require_hasher()
        for _ in range(PURGES_AT_ONCE):
            if not token_purge.is_due(reading(self._storage, keyring, TOKENS)):
                return
            self._storage.write(lambda tx: token_purge.purge(writing(tx, keyring, TOKENS), hasher))

    def _rotate_transit_keys(self) -> None:
        self._rotation.run(self._keyring)

    def _note_version(self) -> None:
        if self._version_is_noted:
            return
        if is_version_new(reading(self._storage, self._keyring, CONFIG)):
            self._seal.reserve_if_due()
            keyring, now = self._keyring, self._clock.now()
            self._storage.write(lambda tx: note_version(writing(tx, keyring, CONFIG), now=now))
        self._version_is_noted = True

    def _rotate_keyring(self) -> None:
        keyring = self._keyring
        if keyring.rotation_due:
            log.info("rotating: term %d is near the limit of encryptions", keyring.active_term)
            self._seal.rotate()
        elif load_rotation(reading(self._storage, keyring, CONFIG)).wants(keyring, self._clock.now()):
            log.info("rotating: term %d has served its time", keyring.active_term)
            self._seal.rotate()
