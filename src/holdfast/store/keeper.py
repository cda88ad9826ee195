"""The keeper of the keys: the one writer of a node, and its seal state machine.

Exactly one keeper runs per node; with worker processes it lives in a process of its own. It

* initialises the store, in one transaction: afterwards there is nothing, or a complete store;
* collects shares and opens the keyring, or opens it with a private key; seals again, rotates the keyring;
* lets the holders of shares deal new ones, or make a root token;
* runs every change, many with one durable commit, and answers only after that commit;
* follows what other nodes do to a storage that they share.

Order of an unseal: keyring opened -> announced to and taken by every reader -> answer.
Order of a change: commit -> change counter moved -> answer. Order of a rotation: new keyring committed ->
taken by every reader -> first record written under it. A reader can therefore always open what this node
wrote, and whoever was told of a change cannot read what was there before. What another node wrote under a
newer key raises ``UnknownTermError`` here; then the keyring is read again, and the request served once more.
"""

import logging
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any, Protocol

from holdfast.barrier import (
    Keyring,
    PreparedShares,
    RotatedElsewhereError,
    Sealed,
    SealState,
    Uninitialized,
    UnknownTermError,
    Unsealed,
    current_state,
    parse_share,
    prepare_shares,
    reload_keyring,
    reserve_encryptions,
    rotate_keyring,
    unseal,
)
from holdfast.barrier.seal_config import (
    GPG,
    SHAMIR,
    TRANSIT,
    SealConfig,
    load_seal_config,
    save_seal_config,
)
from holdfast.barrier.seal_intent import Asked, load_seal_intent, record_wish
from holdfast.clock import Clock
from holdfast.errors import HoldfastError, InternalError, InvalidInputError, SealedError, UnavailableError
from holdfast.formats.strict_json import encode
from holdfast.iam.lockout import LoginGuard
from holdfast.model import SecretBytes
from holdfast.process.defect import describe_defect
from holdfast.storage.errors import StorageBrokenError, StorageUnavailableError
from holdfast.storage.interface import Storage, Transaction
from holdfast.store.audit.keys import ensure_audit_keys, load_audit_keys
from holdfast.store.ceremonies.commands import CeremonyCommand
from holdfast.store.ceremonies.desk import CeremonyDesk
from holdfast.store.changes import mark_change
from holdfast.store.cluster import Cluster, load_cluster
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
from holdfast.store.iam import first_superuser
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
from holdfast.store.key_rotation import load_rotation
from holdfast.store.layout import AUDIT, CONFIG, IAM, TOKENS, reading, writing
from holdfast.store.open_store import load_token_key
from holdfast.store.other_store import OtherStore
from holdfast.store.request import Answer
from holdfast.store.seal_settings import store_private_key
from holdfast.store.self_opening import require_superuser, unseal_key_from
from holdfast.store.tokens import records as token_records
from holdfast.store.tokens.records import TokenHasher
from holdfast.store.trouble import Trouble
from holdfast.store.upkeep import Upkeep
from holdfast.store.version_history import is_version_new, note_version

START_WAIT_SECONDS = 6.0  # for another store that opens this one: more than one of its answers may take

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
        self._node_id = node_id
        self._state: SealState = current_state(storage, clock)
        self._hasher: TokenHasher | None = None
        self._cluster: Cluster | None = None
        self._storage_trouble = Trouble(log, "writing to storage")
        self._opening_trouble = Trouble(log, "opening by itself")
        self._login_guard = LoginGuard()
        self._version_is_noted = False
        self._upkeep = Upkeep(storage, clock, node_id)
        wrapper = self._furniture.seal.wrapper
        self._other_store = None if wrapper is None else OtherStore(wrapper, clock)
        self._ceremonies = CeremonyDesk(self, storage, clock, wrap=self._furniture.seal.wrap)

    def keyring_bytes(self) -> bytearray | None:
        """Return the keyring for a reader that starts later, ``None`` while sealed; the caller wipes it."""
        return self._state.keyring.to_bytes() if isinstance(self._state, Unsealed) else None

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
            state, hasher = self._state, self._hasher
            if not isinstance(state, Unsealed) or hasher is None:
                raise SealedError
            if self._storage.shared:
                if load_seal_intent(tx).wants_sealed(self._node_id):
                    raise SealedError
                if command.shared:
                    mark_change(tx)
            return command.run(Scope(tx, state.keyring, hasher, now, command.namespace or ""))

        self._reserve_if_due(self.require_unsealed())
        results = self._storage.write_all([partial(run, command) for command in changes])
        behind = [index for index, result in enumerate(results) if isinstance(result, UnknownTermError)]
        if behind and self._take_newer_keyring():
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
        return handler(command) or self._status()

    @cached_property
    def _handlers(self) -> dict[type[KeeperCommand], Callable[[Any], Answer | None]]:
        """What each command does; one that answers nothing of its own answers with the status."""
        return {
            InitializeStore: self._initialize,
            ReadInitialization: lambda _: self._describe_initialization(),
            DealShares: self._deal_shares,
            SubmitShare: self._submit,
            ResetUnsealing: lambda _: self._reset_unsealing(),
            AutoUnseal: self._auto_unseal,
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
        if isinstance(self._state, Uninitialized) and seal.type == GPG:
            log.info("a new store: making its keys, which takes some seconds")
            found_by_configuration(self._storage, self._furniture, now=self._clock.now())
            self._state = current_state(self._storage, self._clock)
            log.info("initialised, sealed for %s", ", ".join(self._config_of_state().fingerprints))
        self._open_by_itself(wait_seconds=START_WAIT_SECONDS)

    def _initialize(self, command: InitializeStore) -> Answer:
        document = found(self._storage, self._furniture, command, now=self._clock.now())
        self._state = current_state(self._storage, self._clock)
        log.info("initialised with %d shares, %d of them needed", command.shares, command.threshold)
        self._open_by_itself(wait_seconds=START_WAIT_SECONDS)
        return Answer(data=encode({"initialized": True, **document}))

    def _describe_initialization(self) -> Answer:
        config = None if isinstance(self._state, Uninitialized) else self._config_of_state()
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
        state = self.require_unsealed()

        def change(tx: Transaction) -> None:
            prepared.store(tx)
            store_private_key(tx, None)
            keep_token_message(tx, None)
            mark_change(tx)

        self._storage.write(change)
        config = prepared.dealt.config
        self._state = Unsealed(config, state.root_key, state.keyring)
        log.info("dealt %d new shares, %d of them needed", config.shares, config.threshold)

    def forget_encrypted_shares(self) -> None:
        """Keep the encrypted shares no longer, which their holders have."""
        state = self.require_unsealed()
        config = state.config.without_messages()

        def change(tx: Transaction) -> None:
            save_seal_config(tx, config)
            mark_change(tx)

        self._storage.write(change)
        self._state = Unsealed(config, state.root_key, state.keyring)

    def make_root_token(self) -> str:
        """Store a new root token and return it."""
        state, hasher, now = self.require_unsealed(), self._hasher, self._clock.now()
        if hasher is None:
            raise SealedError
        self._reserve_if_due(state)
        keyring, entry = self.require_unsealed().keyring, root_entry(now)

        def change(tx: Transaction) -> str:
            mark_change(tx)
            return token_records.create(writing(tx, keyring, TOKENS), hasher, entry).token

        return self._storage.write(change)

    def require_unsealed(self) -> Unsealed:
        """Return the open store.

        Raises:
            SealedError: it is sealed.
        """
        if not isinstance(self._state, Unsealed):
            raise SealedError
        return self._state

    # -- sealing and unsealing -----------------------------------------------------------------------------

    def _submit(self, command: SubmitShare) -> None:
        match self._state:
            case Uninitialized():
                raise InvalidInputError("the store is not initialised: initialise it first")
            case Sealed() as sealed:
                unseal_key = sealed.attempt.submit(parse_share(command.share))
                if unseal_key is not None:
                    self._open_by_hand(self._opened(sealed, unseal_key), this_node=command.this_node)
            case Unsealed():
                pass

    def _reset_unsealing(self) -> None:
        if isinstance(self._state, Unsealed):
            raise InvalidInputError("vault is unsealed")
        if isinstance(self._state, Sealed):
            self._state.attempt.reset()

    def _auto_unseal(self, command: AutoUnseal) -> None:
        sealed = self._state
        if isinstance(sealed, Uninitialized):
            raise InvalidInputError("the store is not initialised: initialise it first")
        if isinstance(sealed, Unsealed):
            return
        key = unseal_key_from(self._furniture.seal, self._storage, sealed.config, message=command.message)
        opened = self._opened(sealed, key)
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
        self._open_by_hand(opened, this_node=command.this_node)

    def _open_by_itself(self, *, wait_seconds: float = 0.0) -> None:
        """Open a store that can open itself, unless somebody sealed it by hand.

        Args:
            wait_seconds: for how long to wait for another store that is needed for it.
        """
        sealed = self._state
        if not isinstance(sealed, Sealed) or sealed.config.type == SHAMIR:
            return
        try:
            if load_seal_intent(self._storage).wants_sealed(self._node_id):
                self._opening_trouble.over()
                return
            key = self._own_unseal_key(sealed.config, wait_seconds)
            if key is None:
                return
            self._open(self._opened(sealed, key))
        except StorageBrokenError:
            raise
        except HoldfastError as error:
            self._opening_trouble.met(error)
        else:
            self._opening_trouble.over()

    def _own_unseal_key(self, config: SealConfig, wait_seconds: float) -> SecretBytes | None:
        """Return the unseal key that the store can get by itself, ``None`` while it waits for it."""
        if config.type == TRANSIT and self._other_store is not None:
            return self._other_store.ask(config.wrapped_key, wait_seconds=wait_seconds)
        return unseal_key_from(self._furniture.seal, self._storage, config)

    def _opened(self, sealed: Sealed, unseal_key: SecretBytes) -> Unsealed:
        with self._storage.snapshot() as snapshot:
            return unseal(snapshot, sealed, unseal_key)

    def _open_by_hand(self, unsealed: Unsealed, *, this_node: bool) -> None:
        """Open, and take back what was asked for before: somebody who holds the key wants it open."""
        try:
            intent = load_seal_intent(self._storage)
            if intent.sealed or intent.closed:
                self._record_wish(sealed=False, this_node=this_node)
        except BaseException:
            unsealed.seal(self._clock)
            raise
        self._open(unsealed)

    def _open(self, unsealed: Unsealed) -> None:
        keyring = unsealed.keyring
        try:
            self._ensure_audit_keys(unsealed)
            self._ensure_first_superuser(unsealed)
            self._hasher = TokenHasher(load_token_key(self._storage, keyring))
            self._cluster = load_cluster(reading(self._storage, keyring, CONFIG))
            self._announce(keyring)
        except BaseException:
            self._state = unsealed
            self.seal()
            raise
        self._state = unsealed
        log.info("unsealed")

    def _ensure_audit_keys(self, unsealed: Unsealed) -> None:
        """Give a key to a device that the configuration names for the first time."""
        devices = self._furniture.audit_devices
        if set(devices) <= set(load_audit_keys(reading(self._storage, unsealed.keyring, AUDIT))):
            return
        reserve_encryptions(self._storage, unsealed)

        def change(tx: Transaction) -> None:
            ensure_audit_keys(writing(tx, unsealed.keyring, AUDIT), devices)
            mark_change(tx)

        self._storage.write(change)

    def _ensure_first_superuser(self, unsealed: Unsealed) -> None:
        """Make the superuser that the configuration names, if that was never done."""
        settings = self._furniture.iam
        if not first_superuser.is_due(reading(self._storage, unsealed.keyring, IAM), settings):
            return
        user = first_superuser.prepare(settings, self._clock.now())
        if user is None:
            return
        reserve_encryptions(self._storage, unsealed)

        def change(tx: Transaction) -> None:
            first_superuser.store(writing(tx, unsealed.keyring, IAM), settings.superuser, user)
            mark_change(tx)

        self._storage.write(change)

    def _seal_by_hand(self, command: SealStore) -> Answer:
        """Seal at once, and remember that this was wanted; the first happens even if the second fails.

        A store that neither opens itself nor has other nodes needs no memory: it starts sealed anyhow. So it
        can be sealed with a full disk.
        """
        matters = self._storage.shared or (
            isinstance(self._state, Unsealed) and self._state.config.type != SHAMIR
        )
        try:
            if matters:
                self._record_wish(sealed=True, this_node=command.this_node)
        except StorageBrokenError:
            raise
        except HoldfastError as error:
            self.seal()
            raise UnavailableError(
                "sealed, but storage could not take note of it: a restart may open the store again",
                detail=error.message,
            ) from None
        self.seal()
        return Answer()

    def seal(self) -> None:
        """Drop the keys here and in every reader of this node."""
        self._ceremonies.close()
        if isinstance(self._state, Unsealed):
            self._state = self._state.seal(self._clock)
            self._hasher = self._cluster = None
            log.info("sealed")
        self._readers.close()

    def _record_wish(self, *, sealed: bool, this_node: bool) -> None:
        wish = Asked(sealed, self._node_id, this_node, self._clock.now())

        def change(tx: Transaction) -> None:
            record_wish(tx, wish)
            mark_change(tx)

        self._storage.write(change)

    # -- keys ----------------------------------------------------------------------------------------------

    def _announce(self, keyring: Keyring) -> None:
        buffer = keyring.to_bytes()
        try:
            self._readers.open(buffer)
        finally:
            buffer[:] = bytes(len(buffer))

    def _reserve_if_due(self, state: Unsealed) -> None:
        if not state.keyring.needs_reservation:
            return
        try:
            reserve_encryptions(self._storage, state)
        except RotatedElsewhereError:
            self._take_newer_keyring()
            if isinstance(self._state, Unsealed):
                reserve_encryptions(self._storage, self._state)

    def _rotate(self) -> Answer:
        state = self.require_unsealed()

        def change(tx: Transaction) -> Keyring:
            mark_change(tx)
            return rotate_keyring(tx, state, now=self._clock.now())

        self._use(self._storage.write(change))
        return Answer()

    def _take_newer_keyring(self) -> bool:
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

    # -- other nodes, and time -----------------------------------------------------------------------------

    def tick(self) -> bool:
        """Do what time asks for: follow other nodes, end tokens, rotate a keyring near its limit.

        Returns:
            Whether more is waiting than was done at once, so that the next tick should come soon.
        """
        if self._storage.shared:
            self._follow()
        if isinstance(self._state, Sealed):
            self._open_by_itself()
        elif self._other_store is not None:
            self._other_store.forget()
        if self._other_store is not None and not isinstance(self._state, Uninitialized):
            self._other_store.keep_up()
        if not isinstance(self._state, Unsealed) or self._hasher is None:
            return False
        if not self._upkeep.is_ours():
            return False
        self._do_upkeep()
        return isinstance(self._state, Unsealed) and self._upkeep.writes_for_tokens(self._state.keyring)

    def _do_upkeep(self) -> None:
        """Do every step, whatever became of those before it: trouble with tokens keeps no key from rotation.

        Raises:
            HoldfastError: what the first step that failed met.
        """
        first: HoldfastError | None = None
        for step in (
            self._tidy_users,
            self._tidy_tokens,
            self._clear_namespaces,
            self._purge_tokens,
            self._rotate_transit_keys,
            self._note_version,
            self._rotate_if_due,
        ):
            if not isinstance(self._state, Unsealed):
                break
            try:
                step(self._state)
            except StorageBrokenError:
                raise
            except HoldfastError as error:
                first = first or error
        if first is not None:
            raise first

    def _tidy_users(self, state: Unsealed) -> None:
        self._upkeep.tidy_users(state.keyring)

    def _tidy_tokens(self, state: Unsealed) -> None:
        if self._upkeep.writes_for_tokens(state.keyring):
            self._reserve_if_due(state)
        state, hasher = self.require_unsealed(), self._hasher
        if hasher is not None and self._upkeep.tidy(state.keyring, hasher):
            self._readers.changed()

    def _clear_namespaces(self, state: Unsealed) -> None:
        if self._hasher is not None and self._upkeep.clear_namespaces(state.keyring, self._hasher):
            self._readers.changed()

    def _purge_tokens(self, state: Unsealed) -> None:
        if self._hasher is not None:
            self._upkeep.purge(state.keyring, self._hasher)

    def _rotate_transit_keys(self, state: Unsealed) -> None:
        self._upkeep.rotate_keys(state.keyring)

    def _rotate_if_due(self, state: Unsealed) -> None:
        keyring = state.keyring
        if keyring.rotation_due:
            log.info("rotating: term %d is near the limit of encryptions", keyring.active_term)
            self._rotate()
        elif load_rotation(reading(self._storage, keyring, CONFIG)).wants(keyring, self._clock.now()):
            log.info("rotating: term %d has served its time", keyring.active_term)
            self._rotate()

    def _note_version(self, state: Unsealed) -> None:
        if self._version_is_noted:
            return
        if is_version_new(reading(self._storage, state.keyring, CONFIG)):
            self._reserve_if_due(state)
            now = self._clock.now()
            self._storage.write(lambda tx: note_version(writing(tx, state.keyring, CONFIG), now=now))
        self._version_is_noted = True

    def _follow_unless_away(self, command: KeeperCommand) -> None:
        try:
            self._follow()
        except StorageBrokenError:
            raise
        except StorageUnavailableError:
            # How things stood is answered even now; everything else needs the storage.
            if not isinstance(command, ReadSealStatus):
                raise

    def _follow(self) -> None:
        """Take note of what other nodes did: initialised, dealt new shares, sealed, rotated."""
        self._storage.catch_up()
        config = load_seal_config(self._storage)
        state = self._state
        if config is None:
            return
        if isinstance(state, Uninitialized) or (isinstance(state, Sealed) and state.config != config):
            self._state = current_state(self._storage, self._clock)
        elif isinstance(state, Unsealed):
            if state.config != config:
                self._state = Unsealed(config, state.root_key, state.keyring)
            if load_seal_intent(self._storage).wants_sealed(self._node_id):
                self.seal()
            else:
                self._take_newer_keyring()

    # -- status --------------------------------------------------------------------------------------------

    def _config_of_state(self) -> SealConfig:
        if isinstance(self._state, Uninitialized):
            raise InvalidInputError("the store is not initialised: initialise it first")
        return self._state.config

    def _status(self) -> Answer:
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


def is_initialized(storage: Storage) -> bool:
    """Whether somebody has initialised the store; the answer never changes back."""
    return load_seal_config(storage) is not None
