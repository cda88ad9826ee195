"""Where ceremonies take place: the keeper's, one of each kind at a time."""

import base64
import logging
from collections.abc import Callable
from typing import Any, Protocol

from holdfast.barrier import PreparedShares, Unsealed, is_unseal_key
from holdfast.barrier.seal import Wrap
from holdfast.barrier.seal_config import GPG
from holdfast.clock import Clock
from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode
from holdfast.model import SecretBytes
from holdfast.storage.interface import Reader
from holdfast.store.ceremonies import rekey, root_generation
from holdfast.store.ceremonies.commands import (
    CancelRekey,
    CancelRootGeneration,
    CeremonyCommand,
    DeleteShareBackup,
    ReadRekey,
    ReadRootGeneration,
    ReadShareBackup,
    ReadVerification,
    RestartVerification,
    StartRekey,
    StartRootGeneration,
    SubmitNewShare,
    SubmitOldShare,
    SubmitRootShare,
)
from holdfast.store.ceremonies.rekey import Rekey
from holdfast.store.ceremonies.root_generation import RootGeneration
from holdfast.store.request import Answer

log = logging.getLogger(__name__)

WRONG_KEYS = "the keys handed in do not open this store: start again"
NO_REKEY = "no rekey in progress"
NO_GENERATION = "no root generation in progress"


class OpenKeeper(Protocol):
    """What a ceremony needs of the keeper."""

    def require_unsealed(self) -> Unsealed:
        """Return the open store, or raise ``SealedError``."""
        ...

    def adopt_shares(self, prepared: PreparedShares) -> None:
        """Store new shares and go on with them."""
        ...

    def forget_encrypted_shares(self) -> None:
        """Keep them no longer."""
        ...

    def make_root_token(self) -> str:
        """Store a new root token and return it."""
        ...


class CeremonyDesk:
    """See the module.

    Args:
        keeper: carries out what the holders agreed on.
        storage: holds what right shares open.
        clock: see ``Gathering``.
        wrap: encrypts the unseal key for another store that opens this one; ``None`` without such.
    """

    def __init__(
        self, keeper: OpenKeeper, storage: Reader, clock: Clock, *, wrap: Wrap | None = None
    ) -> None:
        self._keeper = keeper
        self._storage = storage
        self._clock = clock
        self._wrap = wrap
        self._rekey: Rekey | None = None
        self._generation: RootGeneration | None = None
        self._handlers: dict[type[CeremonyCommand], Callable[[Any], dict[str, Any]]] = {
            ReadRekey: lambda _: self._rekey.describe() if self._rekey else self._idle(rekey.NOT_STARTED),
            StartRekey: self._start_rekey,
            CancelRekey: lambda _: self._end_rekey(),
            SubmitOldShare: self._submit_old_share,
            ReadVerification: lambda _: self._running_rekey().describe_verification(),
            SubmitNewShare: self._submit_new_share,
            RestartVerification: lambda _: self._running_rekey().restart_verification(),
            ReadShareBackup: lambda _: self._read_backup(),
            DeleteShareBackup: lambda _: self._delete_backup(),
            ReadRootGeneration: lambda _: self._describe_generation(),
            StartRootGeneration: self._start_generation,
            CancelRootGeneration: lambda _: self._end_generation(),
            SubmitRootShare: self._submit_root_share,
        }

    def run(self, command: CeremonyCommand) -> Answer:
        """Carry out what somebody says to a ceremony.

        Raises:
            SealedError: the store is sealed.
            InvalidInputError: it does not fit to what is going on.
        """
        self._keeper.require_unsealed()
        document = self._handlers[type(command)](command)
        return Answer(data=encode(document) if document else None, flat=True)

    def close(self) -> None:
        """Give up what is going on; the store is being sealed."""
        self._end_rekey()
        self._end_generation()

    def _idle(self, not_started: dict[str, Any]) -> dict[str, Any]:
        """Return what is said while nothing is going on: how many shares it would take."""
        return {**not_started, "required": self._keeper.require_unsealed().config.threshold}

    # -- new shares ----------------------------------------------------------------------------------------

    def _start_rekey(self, command: StartRekey) -> dict[str, Any]:
        if self._rekey is not None:
            raise InvalidInputError("rekey already in progress")
        self._rekey = Rekey(command, self._keeper.require_unsealed(), self._clock, wrap=self._wrap)
        log.warning("somebody begins to deal %d new shares", command.shares)
        return self._rekey.describe()

    def _end_rekey(self) -> dict[str, Any]:
        if self._rekey is not None:
            self._rekey.close()
            self._rekey = None
        return {}

    def _running_rekey(self) -> Rekey:
        if self._rekey is None:
            raise InvalidInputError(NO_REKEY)
        return self._rekey

    def _submit_old_share(self, command: SubmitOldShare) -> dict[str, Any]:
        running = self._running_rekey()
        key = running.submit_old(command.share, command.nonce)
        if key is None:
            return running.describe()
        self._require_unseal_key(key)
        document = running.give_out()
        if running.is_due:
            self._keeper.adopt_shares(running.prepared)
            self._end_rekey()
        return document

    def _submit_new_share(self, command: SubmitNewShare) -> dict[str, Any]:
        running = self._running_rekey()
        if not running.submit_new(command.share, command.nonce):
            return running.describe_verification()
        self._keeper.adopt_shares(running.prepared)
        self._end_rekey()
        return {"nonce": command.nonce, "complete": True}

    def _read_backup(self) -> dict[str, Any]:
        config = self._keeper.require_unsealed().config
        if not config.encrypted_shares:
            raise InvalidInputError("no backed-up keys found")
        keys: dict[str, list[str]] = {}
        for fingerprint, message in zip(config.fingerprints, config.encrypted_shares, strict=True):
            keys.setdefault(fingerprint, []).append(message)
        encoded = {
            name: [base64.b64encode(bytes.fromhex(one)).decode() for one in held]
            for name, held in keys.items()
        }
        return {"nonce": "", "keys": keys, "keys_base64": encoded}

    def _delete_backup(self) -> dict[str, Any]:
        if self._keeper.require_unsealed().config.type == GPG:
            raise InvalidInputError("backup: this store opens itself with its encrypted share, and keeps it")
        self._keeper.forget_encrypted_shares()
        return {}

    # -- a root token --------------------------------------------------------------------------------------

    def _describe_generation(self) -> dict[str, Any]:
        return self._generation.describe() if self._generation else self._idle(root_generation.NOT_STARTED)

    def _start_generation(self, command: StartRootGeneration) -> dict[str, Any]:
        if self._generation is not None:
            raise InvalidInputError("root generation already in progress")
        self._generation = RootGeneration(command, self._keeper.require_unsealed(), self._clock)
        log.warning("somebody begins to make a root token")
        return self._generation.describe(with_otp=True)

    def _end_generation(self) -> dict[str, Any]:
        if self._generation is not None:
            self._generation.close()
            self._generation = None
        return {}

    def _submit_root_share(self, command: SubmitRootShare) -> dict[str, Any]:
        running = self._generation
        if running is None:
            raise InvalidInputError(NO_GENERATION)
        key = running.submit(command.share, command.nonce)
        if key is None:
            return running.describe()
        self._require_unseal_key(key)
        document = running.finish(self._keeper.make_root_token())
        self._end_generation()
        log.warning("holders of shares made a root token")
        return document

    def _require_unseal_key(self, key: SecretBytes) -> None:
        with key:
            if not is_unseal_key(self._storage, key):
                raise InvalidInputError(WRONG_KEYS)
