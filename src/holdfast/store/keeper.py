"""The keeper of the keys: the one writer of a store, and its seal state machine.

Exactly one keeper runs per node; with worker processes it lives in a process of its own. It

* initialises the store, in one transaction: afterwards there is nothing, or a complete store;
* collects shares and opens the keyring, seals again, rotates the keyring;
* runs every change, many with one durable commit, and answers only after that commit.

Order of an unseal: keyring opened -> announced to and taken by every reader -> answer.
Order of a change: commit -> change counter moved -> answer. Order of a rotation: new keyring committed ->
taken by every reader -> first record written under it. A reader can therefore always open what it finds,
and whoever was told of a change cannot read what was there before.
"""

import logging
from collections.abc import Sequence
from functools import partial
from secrets import token_bytes
from typing import Protocol

from holdfast.barrier import (
    Keyring,
    Sealed,
    SealState,
    Uninitialized,
    Unsealed,
    current_state,
    initialize,
    parse_share,
    reserve_encryptions,
    rotate_keyring,
    unseal,
)
from holdfast.barrier.seal_config import SHAMIR, load_seal_config
from holdfast.clock import Clock
from holdfast.crypto.identifiers import new_uuid
from holdfast.errors import HoldfastError, InternalError, InvalidInputError, SealedError
from holdfast.formats.strict_json import encode
from holdfast.iam.lockout import LoginGuard
from holdfast.iam.settings import IamSettings
from holdfast.process.defect import describe_defect
from holdfast.storage.errors import StorageBrokenError
from holdfast.storage.interface import Storage, Transaction
from holdfast.store import token_records
from holdfast.store.audit_keys import ensure_audit_keys, load_audit_keys
from holdfast.store.cluster import Cluster, load_cluster, save_cluster
from holdfast.store.command import Command, Scope, encode_answer, encode_failure
from holdfast.store.command_types import decode_command
from holdfast.store.iam import first_superuser
from holdfast.store.iam.login_commands import LoginCommand
from holdfast.store.iam.upkeep import tidy_users_tokens
from holdfast.store.keeper_commands import (
    InitializeStore,
    KeeperCommand,
    ReadSealStatus,
    ResetUnsealing,
    RotateKeyring,
    SealStore,
    SubmitShare,
)
from holdfast.store.layout import AUDIT, CONFIG, IAM, MOUNTS, POLICIES, TOKENS, reading, writing
from holdfast.store.mounts import MountTable, kv_mount, save_mounts, system_mount
from holdfast.store.open_store import TOKEN_KEY, load_token_key
from holdfast.store.policy_records import save_builtin_policies
from holdfast.store.request import Answer
from holdfast.store.token_records import TokenEntry, TokenHasher
from holdfast.store.trouble import Trouble

log = logging.getLogger(__name__)


DEFAULT_MOUNT = "secret/"
ROOT_TOKEN_PATH = "auth/token/root"  # noqa: S105 - a path, not a token


class Readers(Protocol):
    """All processes that read with the keyring."""

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
    """The one writer of a store.

    Args:
        storage: where records go; nobody else writes to it.
        readers: the processes that read.
        clock: for token lifetimes and the expiry of half-done unsealing.
        audit_devices: names of the configured audit devices, which each get a key.
        cluster_name: what a new store calls itself.
        iam: what the operator decided about users.
    """

    def __init__(
        self,
        storage: Storage,
        readers: Readers,
        clock: Clock,
        *,
        audit_devices: Sequence[str] = (),
        cluster_name: str = "holdfast",
        iam: IamSettings | None = None,
    ) -> None:
        self._storage = storage
        self._readers = readers
        self._clock = clock
        self._audit_devices = tuple(audit_devices)
        self._cluster_name = cluster_name
        self._iam = iam or IamSettings()
        self._state: SealState = current_state(storage, clock)
        self._hasher: TokenHasher | None = None
        self._cluster: Cluster | None = None
        self._login_guard = LoginGuard()
        self._storage_trouble = Trouble(log, "writing to storage")

    def keyring_bytes(self) -> bytearray | None:
        """Return the keyring for a reader that starts later, ``None`` while sealed; the caller wipes it."""
        return self._state.keyring.to_bytes() if isinstance(self._state, Unsealed) else None

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

    def tick(self) -> None:
        """Do what time asks for: revoke tokens that have run out, rotate a keyring near its limit."""
        if not isinstance(self._state, Unsealed) or self._hasher is None:
            return
        keyring, hasher = self._state.keyring, self._hasher
        now = self._clock.now()

        def tidy(tx: Transaction) -> int:
            tidy_users_tokens(writing(tx, keyring, IAM), now=now)
            return token_records.tidy(writing(tx, keyring, TOKENS), hasher, now=now)

        due = self._storage.write(tidy)
        if due:
            self._readers.changed()
        if keyring.rotation_due:
            log.info("rotating the keyring: term %d is near the limit of encryptions", keyring.active_term)
            self._rotate()

    def _commit(self, changes: Sequence[Command]) -> list[bytes]:
        if not changes:
            return []
        state, hasher = self._state, self._hasher
        if not isinstance(state, Unsealed) or hasher is None:
            return [encode_failure(SealedError())] * len(changes)
        now = self._clock.now()

        def run(command: Command, tx: Transaction) -> Answer:
            return command.run(Scope(tx, state.keyring, hasher, now))

        try:
            if state.keyring.needs_reservation:
                reserve_encryptions(self._storage, state)
            results = self._storage.write_all([partial(run, command) for command in changes])
        except StorageBrokenError:
            raise  # nobody can tell what is stored: this process must end, and the store be opened anew
        except HoldfastError as error:
            self._storage_trouble.met(error)
            return [encode_failure(error)] * len(changes)
        self._storage_trouble.over()
        if any(command.shared for command in changes):
            self._readers.changed()
        return [
            encode_answer(result) if isinstance(result, Answer) else self._failed(result)
            for result in results
        ]

    def _keep(self, command: KeeperCommand) -> bytes:
        try:
            return encode_answer(self._run_keeper_command(command))
        except StorageBrokenError:
            raise
        except Exception as error:  # noqa: BLE001 - the outcome crosses a process border as data
            return self._failed(error)

    def _run_keeper_command(self, command: KeeperCommand) -> Answer:
        match command:
            case InitializeStore():
                return self._initialize(command)
            case SubmitShare():
                return self._submit(command.share)
            case ResetUnsealing():
                if isinstance(self._state, Unsealed):
                    raise InvalidInputError("vault is unsealed")
                if isinstance(self._state, Sealed):
                    self._state.attempt.reset()
            case SealStore():
                self.seal()
                return Answer()
            case RotateKeyring():
                self._rotate()
                return Answer()
            case LoginCommand():
                return command.ask(self._login_guard, self._clock.now())
            case ReadSealStatus():
                pass
            case _:
                raise InvalidInputError("command: not one that a keeper runs")
        return self._status()

    def _initialize(self, command: InitializeStore) -> Answer:
        now = self._clock.now()

        def create(tx: Transaction) -> bytes:
            keys = initialize(tx, shares=command.shares, threshold=command.threshold, now=now)
            token = self._furnish(tx, keys.keyring, now)
            keys.keyring.wipe()
            shares = [share.reveal() for share in keys.shares]
            return encode(
                {"keys": [share.hex() for share in shares], "keys_base64": shares, "root_token": token}
            )

        answer = Answer(data=self._storage.write(create))
        self._state = current_state(self._storage, self._clock)
        log.info("initialised with %d shares, %d of them needed", command.shares, command.threshold)
        return answer

    def _furnish(self, tx: Transaction, keyring: Keyring, now: float) -> str:
        """Store what every new store has; return its first root token."""
        key = token_bytes(32)
        writing(tx, keyring, CONFIG).put(TOKEN_KEY, key)
        save_cluster(writing(tx, keyring, CONFIG), Cluster(self._cluster_name, new_uuid()))
        mounts = MountTable(()).with_mount(
            kv_mount(DEFAULT_MOUNT, version="2", description="key/value secret storage")
        )
        save_mounts(writing(tx, keyring, MOUNTS), MountTable((*mounts.mounts, system_mount())))
        save_builtin_policies(writing(tx, keyring, POLICIES))
        ensure_audit_keys(writing(tx, keyring, AUDIT), self._audit_devices)
        root = TokenEntry("", ("root",), ROOT_TOKEN_PATH, "root", {}, now)
        return token_records.create(writing(tx, keyring, TOKENS), TokenHasher(key), root).token

    def _submit(self, share: str) -> Answer:
        match self._state:
            case Uninitialized():
                raise InvalidInputError("the store is not initialised: initialise it first")
            case Sealed() as sealed:
                unseal_key = sealed.attempt.submit(parse_share(share))
                if unseal_key is not None:
                    with self._storage.snapshot() as snapshot:
                        self._open(unseal(snapshot, sealed, unseal_key))
            case Unsealed():
                pass
        return self._status()

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
        if set(self._audit_devices) <= set(load_audit_keys(reading(self._storage, unsealed.keyring, AUDIT))):
            return
        reserve_encryptions(self._storage, unsealed)
        self._storage.write(
            lambda tx: ensure_audit_keys(writing(tx, unsealed.keyring, AUDIT), self._audit_devices)
        )

    def _ensure_first_superuser(self, unsealed: Unsealed) -> None:
        """Make the superuser that the configuration names, if that was never done."""
        if not first_superuser.is_due(reading(self._storage, unsealed.keyring, IAM), self._iam):
            return
        uid, user = self._iam.superuser, first_superuser.prepare(self._iam, self._clock.now())
        if user is not None:
            reserve_encryptions(self._storage, unsealed)
            self._storage.write(
                lambda tx: first_superuser.store(writing(tx, unsealed.keyring, IAM), uid, user)
            )

    def _announce(self, keyring: Keyring) -> None:
        buffer = keyring.to_bytes()
        try:
            self._readers.open(buffer)
        finally:
            buffer[:] = bytes(len(buffer))

    def seal(self) -> None:
        """Drop the keys here and in every reader."""
        if isinstance(self._state, Unsealed):
            self._state = self._state.seal(self._clock)
            self._hasher = self._cluster = None
            log.info("sealed")
        self._readers.close()

    def _rotate(self) -> None:
        state = self._state
        if not isinstance(state, Unsealed):
            raise SealedError
        keyring = self._storage.write(partial(rotate_keyring, unsealed=state, now=self._clock.now()))
        try:
            self._announce(keyring)
        except BaseException:
            keyring.wipe()
            self.seal()
            raise
        self._state = state.with_keyring(keyring)
        log.info("rotated the keyring to term %d", keyring.active_term)

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

    def _failed(self, error: Exception) -> bytes:
        if isinstance(error, InternalError) or not isinstance(error, HoldfastError):
            log.error("a command failed by a defect of ours: %s", describe_defect(error))
        return encode_failure(error)


def is_initialized(storage: Storage) -> bool:
    """Whether somebody has initialised the store; the answer never changes back."""
    return load_seal_config(storage) is not None
