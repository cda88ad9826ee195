"""Who opens a store, and who seals it: holders of shares, a private key that is at hand, another store.

A store that was sealed by hand is not opened by itself, not even by a restart, until somebody who holds the
key opens it.
"""

import logging

from holdfast.barrier import Sealed, Uninitialized, Unsealed, parse_share
from holdfast.barrier.seal_config import SHAMIR, TRANSIT, SealConfig
from holdfast.clock import Clock
from holdfast.errors import HoldfastError, InvalidInputError, UnavailableError
from holdfast.model import SecretBytes
from holdfast.storage.errors import StorageBrokenError
from holdfast.storage.interface import Storage
from holdfast.store.founding import Furniture
from holdfast.store.keeper_commands import AutoUnseal, SealStore, SubmitShare
from holdfast.store.node_seal import NOT_INITIALIZED, NodeSeal
from holdfast.store.other_store import OtherStore
from holdfast.store.self_opening import require_superuser, unseal_key_from
from holdfast.store.trouble import Trouble

log = logging.getLogger(__name__)


class Opening:
    """See the module.

    Args:
        seal: what is opened.
        storage: may hold the private key, and what operators wished.
        clock: tells when to ask another store again.
        furniture: how the store opens itself.
    """

    def __init__(self, seal: NodeSeal, storage: Storage, clock: Clock, furniture: Furniture) -> None:
        self._seal = seal
        self._storage = storage
        self._clock = clock
        self._furniture = furniture
        wrapper = furniture.seal.wrapper
        self._other_store = None if wrapper is None else OtherStore(wrapper, clock)
        self._trouble = Trouble(log, "opening by itself")

    def submit(self, command: SubmitShare) -> None:
        """Take a share; the last one that is needed opens the store."""
        match self._seal.state:
            case Uninitialized():
                raise InvalidInputError(NOT_INITIALIZED)
            case Sealed() as sealed:
                unseal_key = sealed.attempt.submit(parse_share(command.share))
                if unseal_key is not None:
                    opened = self._seal.opened(sealed, unseal_key)
                    self._seal.open_by_hand(opened, this_node=command.this_node)
            case Unsealed():
                pass

    def reset(self) -> None:
        """Forget the shares that were handed in."""
        match self._seal.state:
            case Unsealed():
                raise InvalidInputError("vault is unsealed")
            case Sealed() as sealed:
                sealed.attempt.reset()

    def unseal_for_superuser(self, command: AutoUnseal) -> None:
        """Open with a private key that is at hand, because somebody asks who may do everything.

        Raises:
            UnavailableError: there is none.
            UnauthenticatedError: no token of anybody.
            PermissionDeniedError: the token of somebody else.
        """
        sealed = self._seal.state
        if isinstance(sealed, Uninitialized):
            raise InvalidInputError(NOT_INITIALIZED)
        if isinstance(sealed, Unsealed):
            return
        key = unseal_key_from(self._furniture.seal, self._storage, sealed.config, message=command.message)
        opened = self._seal.opened(sealed, key)
        try:
            require_superuser(
                self._storage,
                opened.keyring,
                command.token,
                iam=self._furniture.iam,
                now=self._clock.now(),
            )
        except BaseException:
            opened.seal(self._clock)
            raise
        self._seal.open_by_hand(opened, this_node=command.this_node)

    def open_by_itself(self, *, wait_seconds: float = 0.0) -> None:
        """Open a store that can open itself, unless somebody sealed it by hand.

        Args:
            wait_seconds: for how long to wait for another store that is needed for it.
        """
        sealed = self._seal.state
        if not isinstance(sealed, Sealed) or sealed.config.type == SHAMIR:
            return
        try:
            if not self._seal.wants_sealed(self._storage):
                key = self._own_unseal_key(sealed.config, wait_seconds)
                if key is None:
                    return
                self._seal.open(self._seal.opened(sealed, key))
        except StorageBrokenError:
            raise
        except HoldfastError as error:
            self._trouble.met(error)
        else:
            self._trouble.over()

    def seal_by_hand(self, command: SealStore) -> None:
        """Seal at once, and remember that this was wanted; the first happens even if the second fails.

        A store that neither opens itself nor has other nodes needs no memory: it starts sealed anyhow. So it
        can be sealed with a full disk.
        """
        state = self._seal.state
        matters = self._storage.shared or (isinstance(state, Unsealed) and state.config.type != SHAMIR)
        try:
            if matters:
                self._seal.record_wish(sealed=True, this_node=command.this_node)
        except StorageBrokenError:
            raise
        except HoldfastError as error:
            self._seal.seal()
            raise UnavailableError(
                "sealed, but storage could not take note of it: a restart may open the store again",
                detail=error.message,
            ) from None
        self._seal.seal()

    def keep_up(self) -> None:
        """Do what time asks for: open by itself, look whether another store could still open this one."""
        state = self._seal.state
        if isinstance(state, Sealed):
            self.open_by_itself()
        elif self._other_store is not None:
            self._other_store.forget()
        if self._other_store is not None and not isinstance(state, Uninitialized):
            self._other_store.keep_up()

    def _own_unseal_key(self, config: SealConfig, wait_seconds: float) -> SecretBytes | None:
        """Return the unseal key that the store can get by itself, ``None`` while it waits for it."""
        if config.type == TRANSIT and self._other_store is not None:
            return self._other_store.ask(config.wrapped_key, wait_seconds=wait_seconds)
        return unseal_key_from(self._furniture.seal, self._storage, config)
