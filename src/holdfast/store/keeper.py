"""The keeper of the keys: the one writer of a node.

Exactly one keeper runs per node; with worker processes it lives in a process of its own. It

* initialises the store, in one transaction: afterwards there is nothing, or a complete store;
* holds the seal of the node, which opens and closes (see ``node_seal``, and ``opening`` for by whom);
* lets the holders of shares deal new ones, or make a root token;
* runs every change, many with one durable commit, and answers only after that commit;
* does what time asks for (see ``upkeep``).

Order of a change: commit -> change counter moved -> answer. Whoever was told of a change cannot read what was
there before. What another node wrote under a newer key raises ``UnknownTermError`` here; then the keyring is
read again, and the request served once more.
"""

import logging
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

from holdfast.barrier import (
    PreparedShares,
    Uninitialized,
    UnknownTermError,
    Unsealed,
    prepare_shares,
)
from holdfast.barrier.seal_config import (
    GPG,
    load_seal_config,
    save_seal_config,
)
from holdfast.clock import Clock
from holdfast.errors import HoldfastError, InternalError, SealedError
from holdfast.formats.strict_json import encode
from holdfast.iam.lockout import LoginGuard
from holdfast.process.defect import describe_defect
from holdfast.storage.errors import StorageBrokenError, StorageUnavailableError
from holdfast.storage.interface import Storage, Transaction
from holdfast.store.ceremonies.commands import CeremonyCommand
from holdfast.store.ceremonies.desk import CeremonyDesk
from holdfast.store.changes import mark_change
from holdfast.store.command import Command, Scope, encode_answer, encode_failure
from holdfast.store.command_types import decode_command
from holdfast.store.founding import (
    Furniture,
    describe_initialization,
    describe_shares,
    found,
    found_by_configuration,
    keep_token_message,
    read_recipients,
    root_entry,
)
from holdfast.store.furnishing import furnish
from holdfast.store.iam.login_commands import LoginCommand
from holdfast.store.keeper_commands import (
    AutoUnseal,
    DealShares,
    FollowStorage,
    InitializeStore,
    KeeperCommand,
    ReadInitialization,
    ReadSealStatus,
    ResetUnsealing,
    RotateKeyring,
    SealStore,
    SubmitShare,
)
from holdfast.store.layout import TOKENS, writing
from holdfast.store.node_seal import NodeSeal, Readers
from holdfast.store.opening import Opening
from holdfast.store.request import Answer
from holdfast.store.seal_settings import store_private_key
from holdfast.store.tokens import records as token_records
from holdfast.store.trouble import Trouble
from holdfast.store.upkeep import Upkeep

START_WAIT_SECONDS = 6.0  # for another store that opens this one: more than one of its answers may take

log = logging.getLogger(__name__)


class Keeper:
    """The one writer of a node.

    Args:
        storage: where records go; on this node nobody else writes to it.
        readers: the processes that read.
        clock: for token lifetimes and the expiry of half-done unsealing.
        furniture: what a new store is made with, and how it opens itself.
        node_id: the name of this node among those that share the storage.
    """

    def __init__(
        self,
        storage: Storage,
        readers: Readers,
        clock: Clock,
        *,
        furniture: Furniture | None = None,
        node_id: str = "",
    ) -> None:
        self._storage = storage
        self._readers = readers
        self._clock = clock
        self._furniture = furniture or Furniture()
        self._seal = NodeSeal(
            storage,
            readers,
            clock,
            node_id=node_id,
            furnish=partial(furnish, storage, self._furniture, clock),
            before_sealing=self._end_ceremonies,
        )
        self._opening = Opening(self._seal, storage, clock, self._furniture)
        self._ceremonies = CeremonyDesk(self, storage, clock, wrap=self._furniture.seal.wrap)
        self._upkeep = Upkeep(storage, clock, node_id, self._seal, announce=readers.changed)
        self._storage_trouble = Trouble(log, "writing to storage")
        self._login_guard = LoginGuard()

    def keyring_bytes(self) -> bytearray | None:
        """Return the keyring for a reader that starts later, ``None`` while sealed; the caller wipes it."""
        state = self._seal.state
        return state.keyring.to_bytes() if isinstance(state, Unsealed) else None

    def require_unsealed(self) -> Unsealed:
        """Return the open store.

        Raises:
            SealedError: it is sealed.
        """
        return self._seal.require_unsealed()

    def seal(self) -> None:
        """Drop the keys here and in every reader of this node."""
        self._seal.seal()

    # -- commands ------------------------------------------------------------------------------------------

    def apply(self, frames: Sequence[bytes]) -> list[bytes]:
        """Run commands in order and return their outcomes; changes that stand together share a commit."""
        outcomes: list[bytes] = []
        changes: list[Command] = []
        for frame in frames:
            command = decode_command(frame)
            if isinstance(command, KeeperCommand):
                outcomes.extend(self._commit(changes))
                changes = []
                outcomes.append(self._keep(command))
            else:
                changes.append(command)
        outcomes.extend(self._commit(changes))
        return outcomes

    def _commit(self, changes: Sequence[Command]) -> list[bytes]:
        if not changes:
            return []
        try:
            results = self._run_all(changes)
        except StorageBrokenError:
            raise  # nobody can tell what is stored: this process must end, and the store be opened anew
        except HoldfastError as error:
            if isinstance(error, StorageUnavailableError):
                self._storage_trouble.met(error)
            return [encode_failure(error)] * len(changes)
        self._storage_trouble.over()
        if any(command.shared for command in changes):
            self._readers.changed()
        return [
            encode_answer(result) if isinstance(result, Answer) else self._failed(result)
            for result in results
        ]

    def _run_all(self, changes: Sequence[Command]) -> list[Answer | Exception]:
        """Commit changes; those that meet a key of another node's run again with it."""
        now = self._clock.now()

        def run(command: Command, tx: Transaction) -> Answer:
            keyring, hasher = self._seal.require_unsealed().keyring, self._seal.require_hasher()
            if self._storage.shared:
                if self._seal.wants_sealed(tx):
                    raise SealedError
                if command.shared:
                    mark_change(tx)
            return command.run(Scope(tx, keyring, hasher, now, command.namespace or ""))

        self._seal.reserve_if_due()
        results = self._storage.write_all([partial(run, command) for command in changes])
        behind = [index for index, result in enumerate(results) if isinstance(result, UnknownTermError)]
        if behind and self._seal.take_newer_keyring():
            again = self._storage.write_all([partial(run, changes[index]) for index in behind])
            for index, result in zip(behind, again, strict=True):
                results[index] = result
        return results

    def _keep(self, command: KeeperCommand) -> bytes:
        try:
            return encode_answer(self._run_keeper_command(command))
        except StorageBrokenError:
            raise
        except Exception as error:  # noqa: BLE001 - the outcome crosses a process border as data
            return self._failed(error)

    def _run_keeper_command(self, command: KeeperCommand) -> Answer:
        if isinstance(command, LoginCommand):
            return command.ask(self._login_guard, self._clock.now())
        if self._storage.shared and not isinstance(command, SealStore):
            self._follow_unless_away(command)
        if isinstance(command, CeremonyCommand):
            return self._ceremonies.run(command)
        handler: Callable[[Any], Answer | None] = self._handlers[type(command)]
        return handler(command) or self._seal.status()

    @cached_property
    def _handlers(self) -> dict[type[KeeperCommand], Callable[[Any], Answer | None]]:
        """What each command does; one that answers nothing of its own answers with the status."""
        return {
            InitializeStore: self._initialize,
            ReadInitialization: lambda _: self._describe_initialization(),
            DealShares: self._deal_shares,
            SubmitShare: self._opening.submit,
            ResetUnsealing: lambda _: self._opening.reset(),
            AutoUnseal: self._opening.unseal_for_superuser,
            SealStore: self._seal_by_hand,
            RotateKeyring: lambda _: self._rotate(),
            ReadSealStatus: lambda _: None,
            FollowStorage: lambda _: None,
        }

    def _failed(self, error: Exception) -> bytes:
        if isinstance(error, InternalError) or not isinstance(error, HoldfastError):
            log.error("a command failed by a defect of ours: %s", describe_defect(error))
        return encode_failure(error)

    # -- initialising --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Do what the configuration wants done before the first request: initialise, open by itself.

        A store that cannot open itself now starts sealed, and the log says why.
        """
        seal = self._furniture.seal
        if isinstance(self._seal.state, Uninitialized) and seal.type == GPG:
            log.info("a new store: making its keys, which takes some seconds")
            found_by_configuration(self._storage, self._furniture, now=self._clock.now())
            self._seal.look()
            log.info("initialised, sealed for %s", ", ".join(self._seal.config.fingerprints))
        self._opening.open_by_itself(wait_seconds=START_WAIT_SECONDS)

    def _initialize(self, command: InitializeStore) -> Answer:
        document = found(self._storage, self._furniture, command, now=self._clock.now())
        self._seal.look()
        log.info("initialised with %d shares, %d of them needed", command.shares, command.threshold)
        self._opening.open_by_itself(wait_seconds=START_WAIT_SECONDS)
        return Answer(data=encode({"initialized": True, **document}))

    def _describe_initialization(self) -> Answer:
        config = None if isinstance(self._seal.state, Uninitialized) else self._seal.config
        return Answer(data=encode(describe_initialization(self._storage, config)))

    def _deal_shares(self, command: DealShares) -> Answer:
        """Wrap the root key for other people; the private key that was beside the data goes with the old."""
        prepared = prepare_shares(
            self.require_unsealed(),
            shares=command.shares,
            threshold=command.threshold,
            recipients=read_recipients(command.pgp_keys),
            wrap=self._furniture.seal.wrap,
        )
        self.adopt_shares(prepared)
        return Answer(data=encode({"initialized": True, **describe_shares(prepared.dealt)}))

    def adopt_shares(self, prepared: PreparedShares) -> None:
        """Store new shares; those given out before open nothing any more."""
        self._seal.require_unsealed()

        def change(tx: Transaction) -> None:
            prepared.store(tx)
            store_private_key(tx, None)
            keep_token_message(tx, None)
            mark_change(tx)

        self._storage.write(change)
        config = prepared.dealt.config
        self._seal.use_config(config)
        log.info("dealt %d new shares, %d of them needed", config.shares, config.threshold)

    def forget_encrypted_shares(self) -> None:
        """Keep the encrypted shares no longer, which their holders have."""
        config = self._seal.require_unsealed().config.without_messages()

        def change(tx: Transaction) -> None:
            save_seal_config(tx, config)
            mark_change(tx)

        self._storage.write(change)
        self._seal.use_config(config)

    def make_root_token(self) -> str:
        """Store a new root token and return it."""
        hasher, now = self._seal.require_hasher(), self._clock.now()
        self._seal.reserve_if_due()
        keyring, entry = self._seal.require_unsealed().keyring, root_entry(now)

        def change(tx: Transaction) -> str:
            mark_change(tx)
            return token_records.create(writing(tx, keyring, TOKENS), hasher, entry).token

        return self._storage.write(change)

    def _end_ceremonies(self) -> None:
        self._ceremonies.close()

    def _rotate(self) -> Answer:
        self._seal.rotate()
        return Answer()

    def _seal_by_hand(self, command: SealStore) -> Answer:
        self._opening.seal_by_hand(command)
        return Answer()

    # -- other nodes, and time -----------------------------------------------------------------------------

    def tick(self) -> bool:
        """Do what time asks for: follow other nodes, end tokens, rotate a keyring near its limit.

        Returns:
            Whether more is waiting than was done at once, so that the next tick should come soon.
        """
        if self._storage.shared:
            self._seal.follow()
        self._opening.keep_up()
        return self._upkeep.run()

    def _follow_unless_away(self, command: KeeperCommand) -> None:
        try:
            self._seal.follow()
        except StorageBrokenError:
            raise
        except StorageUnavailableError:
            # How things stood is answered even now; everything else needs the storage.
            if not isinstance(command, ReadSealStatus):
                raise


def is_initialized(storage: Storage) -> bool:
    """Whether somebody has initialised the store; the answer never changes back."""
    return load_seal_config(storage) is not None
