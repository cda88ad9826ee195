"""One request through the store: the only place that fixes the order of events.

    sealed?  ->  who?  ->  may they?  ->  audit  ->  act  ->  audit  ->  answer

Every dialect comes through here. Nothing about a path is said, not even whether something is mounted
there, before the caller was found to be allowed to ask.

A read ends in the same call. A change goes to the keeper as a command, and its answer arrives later;
whatever the caller's rights depend on in the store is decided again there.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from time import perf_counter
from types import MappingProxyType
from typing import Protocol

from holdfast.audit import AuditEntry
from holdfast.barrier import Keyring, UnknownTermError
from holdfast.barrier.seal_intent import load_seal_intent
from holdfast.clock import Clock
from holdfast.errors import (
    HoldfastError,
    InvalidInputError,
    SealedError,
    UnauthenticatedError,
)
from holdfast.iam.settings import IamSettings
from holdfast.storage.errors import OvertakenError, StorageUnavailableError
from holdfast.storage.interface import Storage
from holdfast.store.audit.trail import AuditTrail, OpenDevices, Schedule, call_at_once
from holdfast.store.auth.desk import MethodDesk
from holdfast.store.auth.mounts import PREFIX as AUTH_PREFIX
from holdfast.store.authorization import authorise, caller_of
from holdfast.store.bundle import Bundle
from holdfast.store.bundle_reader import BundleReader
from holdfast.store.caller import Caller
from holdfast.store.changes import Counter
from holdfast.store.cluster import Cluster
from holdfast.store.command import Command, decode_outcome, encode_command
from holdfast.store.facts import Facts
from holdfast.store.freshness import Freshness
from holdfast.store.iam.login import LoginAttempt, LoginDesk
from holdfast.store.iam.user_callers import LOGIN_PATH
from holdfast.store.keeper import is_initialized
from holdfast.store.keeper_commands import FollowStorage, KeeperCommand, ResetUnsealing, SubmitShare
from holdfast.store.layout import IAM
from holdfast.store.login_steps import Offload, run_here
from holdfast.store.metrics.routes import show_metrics
from holdfast.store.namespaces.arrival import namespace_of
from holdfast.store.networks import check_network
from holdfast.store.open_store import OpenStore
from holdfast.store.quotas.buckets import Buckets
from holdfast.store.quotas.errors import QuotaExceededError
from holdfast.store.quotas.gate import Gate
from holdfast.store.refusal import refusal_of
from holdfast.store.request import Answer, Done, Operation, StoreRequest
from holdfast.store.route import Deferred, Stepwise
from holdfast.store.tokens.commands import UseToken
from holdfast.store.wrapping.conclude import Conclusion
from holdfast.store.wrapping.records import NOT_VALID
from holdfast.store.wrapping.routes import UNWRAP, carry_own_token

DEFAULT_MAX_SECRET_BYTES = 1024 * 1024
MAX_REPEATS = 5

DEFAULT_SECRET_MOUNTS: Mapping[str, str] = MappingProxyType({"default": "secret/"})


class Writer(Protocol):
    """The way to the keeper."""

    def submit(self, frame: bytes, done: Callable[[bytes], None]) -> None:
        """Send a command; ``done`` gets its outcome once it is durable, or failed."""
        ...


class Peers(Protocol):
    """The way to the other nodes."""

    def pass_on(self, command: SubmitShare | ResetUnsealing) -> list[str]:
        """Give the same to all other nodes, which takes time; return the addresses where it failed."""
        ...


class Store:
    """The store as one process serves it.

    Args:
        storage: read directly.
        writer: the way to the keeper, which makes every change.
        counter: moved by every change that other processes must notice.
        clock: for token lifetimes.
        open_audit_devices: opens the audit devices once the store is open.
        schedule: how answers wait for the audit lines of a turn of the event loop.
        offload: runs what is too slow for the event loop.
        outside: runs what waits for other machines.
        max_secret_bytes: the largest secret that may be written.
        iam: what the operator decided about users.
        secret_mounts: which mount holds the secrets of which store of the DC/OS API.
        node_id: the name of this node among those that share the storage.
        peers: the way to these, if there is one.
        facts: what is known of the server around it.
        rates: where requests are counted for quotas; shared with the other processes of the node.
    """

    def __init__(
        self,
        storage: Storage,
        writer: Writer,
        counter: Counter,
        clock: Clock,
        *,
        open_audit_devices: OpenDevices,
        schedule: Schedule = call_at_once,
        offload: Offload = run_here,
        outside: Offload = run_here,
        max_secret_bytes: int = DEFAULT_MAX_SECRET_BYTES,
        iam: IamSettings | None = None,
        secret_mounts: Mapping[str, str] = DEFAULT_SECRET_MOUNTS,
        node_id: str = "",
        peers: Peers | None = None,
        facts: Facts | None = None,
        rates: Buckets | None = None,
    ) -> None:
        self._facts = facts or Facts()
        self._storage = storage
        self._writer = writer
        self._counter = counter
        self._clock = clock
        self._audit = AuditTrail(open_audit_devices, clock, schedule, health=self._facts.audit_health)
        self._conclude = Conclusion(self.submit, self._audit, clock).give
        self._schedule = schedule
        self._offload = offload
        self._gate = Gate(rates)
        self._bundles = BundleReader(self._audit, self._gate, max_secret_bytes=max_secret_bytes)
        self._outside = outside
        self._max_secret_bytes = max_secret_bytes
        self._iam = iam or IamSettings()
        self._secret_mounts = secret_mounts
        self._node_id = node_id
        self._peers = peers
        self._freshness = Freshness(storage, schedule) if storage.shared else None
        self._login_desk = LoginDesk(self, self._audit, clock, offload)
        self._method_desk = MethodDesk(self, self._audit, clock, offload=offload, outside=outside)
        self._open: OpenStore | None = None
        self._initialized = False

    @property
    def is_sealed(self) -> bool:
        """Whether this process holds no keys."""
        return self._open is None

    @property
    def opened(self) -> OpenStore | None:
        """What this process holds while the store is open; ``None`` while it is sealed."""
        return self._open

    @property
    def cluster(self) -> Cluster | None:
        """What the store calls itself; ``None`` while it is sealed."""
        return self._open.cluster if self._open else None

    @property
    def storage_name(self) -> str:
        """The name of the storage engine."""
        return self._storage.name

    def is_initialized(self) -> bool:
        """Whether somebody has initialised the store."""
        if not self._initialized:
            if self._freshness is not None:
                with suppress(StorageUnavailableError):
                    self._freshness.ensure()  # another node may have done it
            self._initialized = self._open is not None or is_initialized(self._storage)
        return self._initialized

    def secret_stores(self) -> Mapping[str, str]:
        """Return which mount holds the secrets of which store of the DC/OS API.

        These are the configured ones, and while the store is open every other versioned mount under its name.
        """
        opened, configured = self._open, self._secret_mounts
        if opened is None:
            return configured
        mounts = opened.stores_by_mount
        others = {name: mount for name, mount in mounts.items() if mount not in configured.values()}
        return {**others, **configured}

    def mount_of_store(self, name: str, token: str) -> str | None:
        """Return the mount that holds the secrets of a store; ``None`` for no such store.

        The configured ones are known to everybody. Others are known to those who reach into them: to anybody
        else they look like none.

        Raises:
            UnauthenticatedError: the store is not a configured one, and the token is nobody's.
            StorageUnavailableError: it cannot be told whether another node has made it.
        """
        configured, opened = self._secret_mounts.get(name), self._open
        if configured is not None or opened is None or not token:
            return configured
        self.follow_nodes()
        opened.refresh()
        caller = opened.authenticate(token, self._clock.now())
        mount = self.secret_stores().get(name)
        return mount if mount is not None and caller.acl.may_touch_below(mount) else None

    def open(self, keyring: bytearray) -> None:
        """Take the keyring (``Keyring.to_bytes``) and serve requests with it; the caller wipes the buffer."""
        previous = self._open
        opened = OpenStore(
            self._storage,
            Keyring.from_bytes(keyring),
            self._counter,
            iam=self._iam,
            secret_mounts=self.secret_stores,
            facts=self._facts,
        )
        if previous is None:
            self._audit.open(opened)
        else:
            self._audit.follow(opened)
        self._open = opened
        if previous is not None:
            previous.keyring.wipe()

    def close(self) -> None:
        """Drop the keyring and everything read with it."""
        opened, self._open = self._open, None
        self._audit.close()
        if opened is not None:
            opened.keyring.wipe()

    def reopen_audit_files(self) -> None:
        """Open the files of the audit devices again, as after log rotation."""
        self._audit.reopen()

    def keep_audit_up(self) -> None:
        """Go on with what slow audit devices still have to take; to be called now and then."""
        self._audit.keep_up()

    def control(self, command: KeeperCommand, done: Done) -> None:
        """Have the keeper initialise, unseal or tell its state; needs no token and works while sealed.

        What people hand in to unseal is passed on to the other nodes, once this one has taken it.
        """
        if self._peers is None or not isinstance(command, SubmitShare | ResetUnsealing) or command.this_node:
            self.submit(command, done)
        else:
            self.submit(command, partial(self._pass_on, self._peers, command, done))

    def _pass_on(
        self,
        peers: Peers,
        command: SubmitShare | ResetUnsealing,
        done: Done,
        outcome: Answer | HoldfastError,
    ) -> None:
        if isinstance(outcome, HoldfastError):
            done(outcome)
            return

        def passed(missed: list[str] | Exception) -> None:
            if missed:
                outcome.warnings = (
                    *outcome.warnings,
                    "not passed on to every node: hand the key in at those that are still sealed",
                )
            done(outcome)

        self._offload(partial(peers.pass_on, command), passed)

    def log_in(self, attempt: LoginAttempt, done: Done) -> None:
        """Let a user log in; needs no token. ``done`` gets the token, or why there is none."""
        try:
            self.follow_nodes()
            if self._open is not None:
                self._gate.check(self._open.quotas, LOGIN_PATH, attempt.peer, self._clock.now())
        except HoldfastError as error:
            done(error)
            return
        self._login_desk.log_in(attempt, done)

    def token_keys(self) -> list[dict[str, str]]:
        """Return the public keys that users' tokens can be verified with; needs no token.

        Raises:
            SealedError: the store is sealed.
        """
        opened = self._open
        if opened is None:
            raise SealedError
        self.follow_nodes()
        opened.refresh()
        return opened.users.keys.jwks(opened.view(IAM), self._clock.now())

    def serve(self, request: StoreRequest, done: Done) -> None:
        """Serve one request; ``done`` is called exactly once, now or after a commit."""
        done = partial(self._tell, request.operation, perf_counter(), done)
        if self._freshness is not None:
            try:
                self.follow_nodes()
            except HoldfastError as error:
                done(error)
                return
        self._serve(request, done)

    def metrics(self, form: str) -> Answer:
        """Return what was counted, for a listener that shows it to anybody.

        Raises:
            InvalidInputError: ``form`` is none that there is.
        """
        return show_metrics(self._facts.tally, self._open, form)

    def _tell(
        self, operation: Operation, started: float, done: Done, outcome: Answer | HoldfastError
    ) -> None:
        self._facts.tally.count(operation, outcome, perf_counter() - started)
        done(outcome)

    def follow_nodes(self) -> None:
        """Be as new as the request demands, and as sealed as operators want, on storage that nodes share.

        Raises:
            SealedError: the store was sealed at another node.
            StorageUnavailableError: it cannot be told how new the state is.
        """
        if self._freshness is None:
            return
        self._freshness.ensure()
        if load_seal_intent(self._storage).wants_sealed(self._node_id):
            raise SealedError

    def _serve_again(self, request: StoreRequest, error: Exception, done: Done) -> bool:
        """Serve a request anew if another node was in its way; ``False`` if the error is of another kind.

        That is a record under a key that is newer than ours, or a change of what was being read.
        """
        if (
            not isinstance(error, UnknownTermError | OvertakenError)
            or self._freshness is None
            or request.repeats >= MAX_REPEATS
        ):
            return False
        request.repeats += 1

        def followed(outcome: Answer | HoldfastError) -> None:
            if isinstance(outcome, HoldfastError):
                done(outcome)
            else:
                self._serve(request, done)

        self.submit(FollowStorage(), followed)
        return True

    def _serve(self, request: StoreRequest, done: Done) -> None:
        opened = self._open
        if opened is None:
            done(SealedError())
            return
        now = self._clock.now()  # one reading decides what has expired, and stamps both audit lines
        try:
            opened.refresh()
            here = self._let_in(opened, request, now)
            if request.path.startswith(AUTH_PREFIX) and self._method_desk.takes(
                request, lambda error: self._serve_again(request, error, done), done
            ):
                return
            if request.path == UNWRAP:
                carry_own_token(request)
            caller = caller_of(here, request, now)
            if caller.entry.bound_cidrs:
                check_network(caller.entry.bound_cidrs, request.peer)
        except QuotaExceededError as error:
            if opened.quotas.audits:
                self._audit.refused(request, None, error, done)
            else:
                done(error)
            return
        except Exception as error:  # noqa: BLE001 - fail closed, whatever it was
            if not self._serve_again(request, error, done):
                self._audit.refused(request, None, _refusal_of_nobody(request, error), done)
            return
        if caller.entry.uses_left:
            # A use is counted before anything else happens, so that a crash never gives one back.
            self.submit(UseToken(token_hash=caller.token_hash), partial(self._counted, caller, request, done))
        else:
            self._admit(here, caller, request, now, done)

    def _let_in(self, opened: OpenStore, request: StoreRequest, now: float) -> OpenStore:
        """Count a request for quotas; return what is open for the namespace that it is for."""
        asked = request.namespace + request.path
        self._gate.check(opened.quotas, asked, request.peer, now)
        here = namespace_of(opened, request)
        if here is not opened:
            self._gate.check_where_it_leads(opened.quotas, asked, request, now)
        return here

    def _counted(
        self, caller: Caller, request: StoreRequest, done: Done, outcome: Answer | HoldfastError
    ) -> None:
        opened = self._open  # sealed, or its keyring rotated, since the use was sent?
        if isinstance(outcome, HoldfastError):
            self._audit.refused(request, caller, outcome, done)
        elif opened is None:
            done(SealedError())
        else:
            try:
                here = opened.namespaces.at(request.namespace)
            except HoldfastError as error:
                self._audit.refused(request, caller, error, done)
            else:
                self._admit(here, caller, request, self._clock.now(), done)

    def _admit(
        self, opened: OpenStore, caller: Caller, request: StoreRequest, now: float, done: Done
    ) -> None:
        try:
            act, warnings = authorise(opened, caller, request, now, max_secret_bytes=self._max_secret_bytes)
        except Exception as error:  # noqa: BLE001 - fail closed, whatever it was
            if not self._serve_again(request, error, done):
                self._audit.refused(request, caller, refusal_of(request.id, error), done)
            return
        entry = self._audit.asked(request, caller, now)
        try:
            outcome = act()
            if isinstance(outcome, Bundle):
                outcome = self._bundles.read(opened, caller, outcome, now)
            elif isinstance(outcome, Stepwise):
                self._step(self._open, request, entry, outcome, done)
                return
        except Exception as error:  # noqa: BLE001 - fail closed, whatever it was
            if not self._serve_again(request, error, done):
                self._audit.failed(entry, refusal_of(request.id, error), now, done)
            return
        if isinstance(outcome, Answer):
            self._conclude(request, entry, outcome, now, done)
            return
        if isinstance(outcome, Deferred):
            run = self._outside if outcome.outside else self._offload
            run(outcome.work, partial(self._worked, request, entry, warnings, done))
        else:
            self._announce(outcome, request, entry, warnings, done)

    def _step(
        self, root: OpenStore | None, request: StoreRequest, entry: AuditEntry, reading: Stepwise, done: Done
    ) -> None:
        """Go on with what is read in steps, and let others have their turn after each."""
        while self._open is root:
            try:
                next(reading.steps)
            except StopIteration as end:
                self._conclude(request, entry, end.value, self._clock.now(), done)
                return
            except Exception as error:  # noqa: BLE001 - fail closed, whatever it was
                if not self._serve_again(request, error, done):
                    self._audit.failed(entry, refusal_of(request.id, error), self._clock.now(), done)
                return
            if self._schedule is not call_at_once:
                self._schedule(partial(self._step, root, request, entry, reading, done))
                return
        if self._open is None or request.repeats >= MAX_REPEATS:
            self._audit.failed(entry, SealedError(), self._clock.now(), done)
        else:  # its keyring was replaced
            request.repeats += 1
            self._serve(request, done)

    def _worked(
        self,
        request: StoreRequest,
        entry: AuditEntry,
        warnings: list[str],
        done: Done,
        result: Answer | Command | Exception,
    ) -> None:
        if isinstance(result, Exception):
            self._audit.failed(entry, refusal_of(request.id, result), self._clock.now(), done)
        elif isinstance(result, Answer):
            self._conclude(request, entry, result, self._clock.now(), done)
        else:
            self._announce(result, request, entry, warnings, done)

    def _announce(
        self, command: Command, request: StoreRequest, entry: AuditEntry, warnings: list[str], done: Done
    ) -> None:
        """Send a change once the line that announces it is taken."""
        finish = partial(self._committed, request, entry, warnings, done)
        self._audit.announced(partial(self.submit, _within(command, request), finish), done)

    def submit(self, command: Command, done: Done) -> None:
        """Hand a command to the keeper; ``done`` gets its outcome, or why the keeper cannot be reached."""
        try:
            self._writer.submit(encode_command(command), partial(self._answered, done))
        except HoldfastError as error:
            done(error)

    def _answered(self, done: Done, frame: bytes) -> None:
        if self._freshness is not None:
            self._freshness.expire()  # whoever goes on from here has to see what he has changed
        done(decode_outcome(frame))

    def _committed(
        self,
        request: StoreRequest,
        entry: AuditEntry,
        warnings: list[str],
        done: Done,
        outcome: Answer | HoldfastError,
    ) -> None:
        if isinstance(outcome, HoldfastError):
            self._audit.failed(entry, outcome, self._clock.now(), done)
            return
        if warnings:
            outcome.warnings = (*warnings, *outcome.warnings)
        self._conclude(request, entry, outcome, self._clock.now(), done)


def _within(command: Command, request: StoreRequest) -> Command:
    return command.within(request.within.uuid) if request.namespace else command


def _refusal_of_nobody(request: StoreRequest, error: Exception) -> HoldfastError:
    """Return what somebody is told whose token is none; clients look for the words on one-time tokens."""
    if request.path == UNWRAP and request.token and isinstance(error, UnauthenticatedError):
        return InvalidInputError(NOT_VALID)
    return refusal_of(request.id, error)
