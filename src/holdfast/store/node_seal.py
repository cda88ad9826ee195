"""The seal of one node: whether it is open, and the keys while it is.

Order of an unseal: keyring opened -> announced to and taken by every reader -> open. Order of a rotation: new
keyring committed -> taken by every reader -> first record written under it. So a reader can always open what
this node wrote.
"""

import logging
from collections.abc import Callable
from typing import Protocol

from holdfast.barrier import (
    Keyring,
    RotatedElsewhereError,
    Sealed,
    SealState,
    Uninitialized,
    Unsealed,
    current_state,
    reload_keyring,
    reserve_encryptions,
    rotate_keyring,
    unseal,
)
from holdfast.barrier.seal_config import SHAMIR, SealConfig, load_seal_config
from holdfast.barrier.seal_intent import Asked, load_seal_intent, record_wish
from holdfast.clock import Clock
from holdfast.errors import InvalidInputError, SealedError
from holdfast.formats.strict_json import encode
from holdfast.model import SecretBytes
from holdfast.storage.interface import Reader, Storage, Transaction
from holdfast.store.changes import mark_change
from holdfast.store.cluster import Cluster, load_cluster
from holdfast.store.layout import CONFIG, reading
from holdfast.store.open_store import load_token_key
from holdfast.store.request import Answer
from holdfast.store.tokens.records import TokenHasher

NOT_INITIALIZED = "the store is not initialised: initialise it first"

log = logging.getLogger(__name__)


class Readers(Protocol):
    """All processes of this node that read with the keyring."""

    def open(self, keyring: bytearray) -> None:
        """Hand the keyring (``Keyring.to_bytes``) to every reader; return when all of them took it."""
        ...

    def close(self) -> None:
        """Make every reader drop its keyring; return when all of them have."""
        ...

    def changed(self) -> None:
        """Move the change counter."""
        ...


class NodeSeal:
    """See the module.

    Args:
        storage: holds the keyring, encrypted.
        readers: the processes that read.
        clock: for the expiry of half-done unsealing.
        node_id: the name of this node among those that share the storage.
        furnish: completes an open store with what the configuration wants in it, before anybody reads.
        before_sealing: is called before the keys go.
    """

    def __init__(
        self,
        storage: Storage,
        readers: Readers,
        clock: Clock,
        *,
        node_id: str,
        furnish: Callable[[Unsealed], None],
        before_sealing: Callable[[], None],
    ) -> None:
        self._storage = storage
        self._readers = readers
        self._clock = clock
        self._node_id = node_id
        self._furnish = furnish
        self._before_sealing = before_sealing
        self._state: SealState = current_state(storage, clock)
        self._hasher: TokenHasher | None = None
        self._cluster: Cluster | None = None

    @property
    def state(self) -> SealState:
        """What it is now."""
        return self._state

    @property
    def config(self) -> SealConfig:
        """How the store is sealed.

        Raises:
            InvalidInputError: it is not initialised.
        """
        if isinstance(self._state, Uninitialized):
            raise InvalidInputError(NOT_INITIALIZED)
        return self._state.config

    def require_unsealed(self) -> Unsealed:
        """Return the open store.

        Raises:
            SealedError: it is sealed.
        """
        if not isinstance(self._state, Unsealed):
            raise SealedError
        return self._state

    def require_hasher(self) -> TokenHasher:
        """Return what finds tokens.

        Raises:
            SealedError: the store is sealed.
        """
        if self._hasher is None:
            raise SealedError
        return self._hasher

    def wants_sealed(self, view: Reader) -> bool:
        """Whether an operator wants this node sealed, by what ``view`` reads."""
        return load_seal_intent(view).wants_sealed(self._node_id)

    # -- opening and closing -------------------------------------------------------------------------------

    def look(self) -> None:
        """Take note of what is stored now; the store must not be open."""
        self._state = current_state(self._storage, self._clock)

    def opened(self, sealed: Sealed, unseal_key: SecretBytes) -> Unsealed:
        """Return the store as the key opens it, which nobody else sees open yet."""
        with self._storage.snapshot() as snapshot:
            return unseal(snapshot, sealed, unseal_key)

    def open_by_hand(self, unsealed: Unsealed, *, this_node: bool) -> None:
        """Open, and take back what was asked for before: somebody who holds the key wants it open."""
        try:
            intent = load_seal_intent(self._storage)
            if intent.sealed or intent.closed:
                self.record_wish(sealed=False, this_node=this_node)
        except BaseException:
            unsealed.seal(self._clock)
            raise
        self.open(unsealed)

    def open(self, unsealed: Unsealed) -> None:
        """Go on with an open store, in every process of this node."""
        keyring = unsealed.keyring
        try:
            self._furnish(unsealed)
            self._hasher = TokenHasher(load_token_key(self._storage, keyring))
            self._cluster = load_cluster(reading(self._storage, keyring, CONFIG))
            self._announce(keyring)
        except BaseException:
            self._state = unsealed
            self.seal()
            raise
        self._state = unsealed
        log.info("unsealed")

    def seal(self) -> None:
        """Drop the keys here and in every reader of this node."""
        self._before_sealing()
        if isinstance(self._state, Unsealed):
            self._state = self._state.seal(self._clock)
            self._hasher = self._cluster = None
            log.info("sealed")
        self._readers.close()

    def record_wish(self, *, sealed: bool, this_node: bool) -> None:
        """Remember what an operator wants, for restarts and other nodes."""
        wish = Asked(sealed, self._node_id, this_node, self._clock.now())

        def change(tx: Transaction) -> None:
            record_wish(tx, wish)
            mark_change(tx)

        self._storage.write(change)

    # -- keys ----------------------------------------------------------------------------------------------

    def use_config(self, config: SealConfig) -> None:
        """Go on with the same keys, sealed in another way."""
        state = self.require_unsealed()
        self._state = Unsealed(config, state.root_key, state.keyring)

    def reserve_if_due(self) -> None:
        """Make room for encryptions under the present term, before the next record is written."""
        state = self.require_unsealed()
        if not state.keyring.needs_reservation:
            return
        try:
            reserve_encryptions(self._storage, state)
        except RotatedElsewhereError:
            self.take_newer_keyring()
            if isinstance(self._state, Unsealed):
                reserve_encryptions(self._storage, self._state)

    def rotate(self) -> None:
        """Write under a new key from now on."""
        state = self.require_unsealed()

        def change(tx: Transaction) -> Keyring:
            mark_change(tx)
            return rotate_keyring(tx, state, now=self._clock.now())

        self._use(self._storage.write(change))

    def take_newer_keyring(self) -> bool:
        """Read the keyring that other nodes may have rotated; return whether it has another term."""
        state = self._state
        if not isinstance(state, Unsealed):
            return False
        stored = reload_keyring(self._storage, state)
        if stored.active_term == state.keyring.active_term:
            stored.wipe()
            return False
        self._use(stored)
        return True

    def _use(self, keyring: Keyring) -> None:
        """Have every reader take a keyring, and then write under it."""
        state = self.require_unsealed()
        try:
            self._announce(keyring)
        except BaseException:
            keyring.wipe()
            self.seal()
            raise
        self._state = state.with_keyring(keyring)
        log.info("the keyring is at term %d", keyring.active_term)

    def _announce(self, keyring: Keyring) -> None:
        buffer = keyring.to_bytes()
        try:
            self._readers.open(buffer)
        finally:
            buffer[:] = bytes(len(buffer))

    # -- other nodes, and who asks -------------------------------------------------------------------------

    def follow(self) -> None:
        """Take note of what other nodes did: initialised, dealt new shares, sealed, rotated."""
        self._storage.catch_up()
        config = load_seal_config(self._storage)
        state = self._state
        if config is None:
            return
        if isinstance(state, Uninitialized) or (isinstance(state, Sealed) and state.config != config):
            self.look()
        elif isinstance(state, Unsealed):
            if state.config != config:
                self.use_config(config)
            if self.wants_sealed(self._storage):
                self.seal()
            else:
                self.take_newer_keyring()

    def status(self) -> Answer:
        """Return how things stand, for whoever asks."""
        state = self._state
        config = None if isinstance(state, Uninitialized) else state.config
        attempt = state.attempt if isinstance(state, Sealed) else None
        document = {
            "type": config.type if config else SHAMIR,
            "initialized": config is not None,
            "sealed": not isinstance(state, Unsealed),
            "threshold": config.threshold if config else 0,
            "shares": config.shares if config else 0,
            "progress": attempt.progress if attempt else 0,
            "nonce": attempt.nonce if attempt else "",
        }
        if self._cluster is not None:
            document["cluster_name"] = self._cluster.name
            document["cluster_id"] = self._cluster.id
        return Answer(data=encode(document))
