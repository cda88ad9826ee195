"""One request through the store: the only place that fixes the order of events.

    sealed?  ->  who?  ->  may they?  ->  audit  ->  act  ->  audit  ->  answer

Every dialect comes through here. Nothing about a path is said, not even whether something is mounted
there, before the caller was found to be allowed to ask.

A read ends in the same call. A change goes to the keeper as a command, and its answer arrives later;
whatever the caller's rights depend on in the store is decided again there.
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Protocol

from holdfast.audit import AuditEntry
from holdfast.barrier import Keyring
from holdfast.clock import Clock
from holdfast.errors import (
    HoldfastError,
    NotFoundError,
    PermissionDeniedError,
    SealedError,
)
from holdfast.iam.settings import IamSettings
from holdfast.policy.acl import Capability
from holdfast.storage.interface import Storage
from holdfast.store.audit_trail import AuditTrail, OpenDevices, Schedule, call_at_once
from holdfast.store.caller import Caller
from holdfast.store.cluster import Cluster
from holdfast.store.command import Command, decode_outcome, encode_command
from holdfast.store.iam.login import LoginAttempt, LoginDesk, Offload, run_here
from holdfast.store.iam.routes import IAM_ROUTES
from holdfast.store.keeper import is_initialized
from holdfast.store.keeper_commands import KeeperCommand
from holdfast.store.kv_commands import Permit
from holdfast.store.kv_routes import KvVisit, serve_kv
from holdfast.store.layout import IAM
from holdfast.store.open_store import Counter, OpenStore
from holdfast.store.refusal import refusal_of
from holdfast.store.request import Answer, Done, Operation, StoreRequest
from holdfast.store.route import Deferred, RouteTable
from holdfast.store.system_routes import SELF_GUARDED, SYSTEM_ROUTES
from holdfast.store.token_commands import UseToken
from holdfast.store.token_routes import TOKEN_ROUTES
from holdfast.store.visit import Visit

DENIED = "permission denied"
DEFAULT_MAX_SECRET_BYTES = 1024 * 1024

# What is needed for an operation that carries no body.
_CAPABILITY = {
    Operation.READ: Capability.READ,
    Operation.LIST: Capability.LIST,
    Operation.SCAN: Capability.LIST,
    Operation.DELETE: Capability.DELETE,
}
_OWN_PATHS: dict[str, RouteTable] = {
    "sys/": SYSTEM_ROUTES,
    "auth/token/": TOKEN_ROUTES,
    "acs/": IAM_ROUTES,
}
_OWN_PREFIXES = tuple(_OWN_PATHS)

DEFAULT_SECRET_MOUNTS: Mapping[str, str] = MappingProxyType({"default": "secret/"})

Plan = tuple[Callable[[], Answer | Command | Deferred], list[str]]
"""What to do once the request is on record, and warnings that go with its answer."""


class Writer(Protocol):
    """The way to the keeper."""

    def submit(self, frame: bytes, done: Callable[[bytes], None]) -> None:
        """Send a command; ``done`` gets its outcome once it is durable, or failed."""
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
        max_secret_bytes: the largest secret that may be written.
        iam: what the operator decided about users.
        secret_mounts: which mount holds the secrets of which store of the DC/OS API.
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
        max_secret_bytes: int = DEFAULT_MAX_SECRET_BYTES,
        iam: IamSettings | None = None,
        secret_mounts: Mapping[str, str] = DEFAULT_SECRET_MOUNTS,
    ) -> None:
        self._storage = storage
        self._writer = writer
        self._counter = counter
        self._clock = clock
        self._audit = AuditTrail(open_audit_devices, clock, schedule)
        self._offload = offload
        self._max_secret_bytes = max_secret_bytes
        self._iam = iam or IamSettings()
        self._secret_mounts = secret_mounts
        self._login_desk = LoginDesk(self, self._audit, clock, offload)
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
            self._initialized = is_initialized(self._storage)
        return self._initialized

    def open(self, keyring: bytearray) -> None:
        """Take the keyring (``Keyring.to_bytes``) and serve requests with it; the caller wipes the buffer."""
        previous = self._open
        opened = OpenStore(
            self._storage,
            Keyring.from_bytes(keyring),
            self._counter,
            iam=self._iam,
            secret_mounts=lambda: self._secret_mounts,
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

    def control(self, command: KeeperCommand, done: Done) -> None:
        """Have the keeper initialise, unseal or tell its state; needs no token and works while sealed."""
        self.submit(command, done)

    def log_in(self, attempt: LoginAttempt, done: Done) -> None:
        """Let a user log in; needs no token. ``done`` gets the token, or why there is none."""
        self._login_desk.log_in(attempt, done)

    def token_keys(self) -> list[dict[str, str]]:
        """Return the public keys that users' tokens can be verified with; needs no token.

        Raises:
            SealedError: the store is sealed.
        """
        opened = self._open
        if opened is None:
            raise SealedError
        opened.refresh()
        return opened.users.keys.jwks(opened.view(IAM), self._clock.now())

    def serve(self, request: StoreRequest, done: Done) -> None:
        """Serve one request; ``done`` is called exactly once, now or after a commit."""
        opened = self._open
        if opened is None:
            done(SealedError())
            return
        now = self._clock.now()  # one reading decides what has expired, and stamps both audit lines
        try:
            opened.refresh()
            caller = opened.authenticate(request.token, now)
        except Exception as error:  # noqa: BLE001 - fail closed, whatever it was
            self._audit.refused(request, None, refusal_of(request.id, error), done)
            return
        if caller.entry.uses_left:
            # A use is counted before anything else happens, so that a crash never gives one back.
            self.submit(UseToken(token_hash=caller.token_hash), partial(self._counted, caller, request, done))
        else:
            self._admit(opened, caller, request, now, done)

    def _counted(
        self, caller: Caller, request: StoreRequest, done: Done, outcome: Answer | HoldfastError
    ) -> None:
        opened = self._open  # sealed, or its keyring rotated, since the use was sent?
        if isinstance(outcome, HoldfastError):
            self._audit.refused(request, caller, outcome, done)
        elif opened is None:
            done(SealedError())
        else:
            self._admit(opened, caller, request, self._clock.now(), done)

    def _admit(
        self, opened: OpenStore, caller: Caller, request: StoreRequest, now: float, done: Done
    ) -> None:
        try:
            act, warnings = self._authorise(opened, caller, request, now)
        except Exception as error:  # noqa: BLE001 - fail closed, whatever it was
            self._audit.refused(request, caller, refusal_of(request.id, error), done)
            return
        entry = self._audit.asked(request, caller, now)
        try:
            outcome = act()
        except Exception as error:  # noqa: BLE001 - fail closed, whatever it was
            self._audit.failed(entry, refusal_of(request.id, error), now, done)
            return
        if isinstance(outcome, Answer):
            self._audit.answered(entry, outcome, now, done)
            return
        if isinstance(outcome, Deferred):
            self._offload(outcome.work, partial(self._worked, request, entry, warnings, done))
        else:
            self._announce(outcome, entry, warnings, done)

    def _worked(
        self,
        request: StoreRequest,
        entry: AuditEntry,
        warnings: list[str],
        done: Done,
        result: Command | Exception,
    ) -> None:
        if isinstance(result, Exception):
            self._audit.failed(entry, refusal_of(request.id, result), self._clock.now(), done)
        else:
            self._announce(result, entry, warnings, done)

    def _announce(self, command: Command, entry: AuditEntry, warnings: list[str], done: Done) -> None:
        """Send a change once the line that announces it is taken."""
        finish = partial(self._committed, entry, warnings, done)
        self._audit.announced(partial(self.submit, command, finish), done)

    def submit(self, command: Command, done: Done) -> None:
        """Hand a command to the keeper; ``done`` gets its outcome, or why the keeper cannot be reached."""
        try:
            self._writer.submit(encode_command(command), lambda frame: done(decode_outcome(frame)))
        except HoldfastError as error:
            done(error)

    def _committed(
        self, entry: AuditEntry, warnings: list[str], done: Done, outcome: Answer | HoldfastError
    ) -> None:
        if isinstance(outcome, HoldfastError):
            self._audit.failed(entry, outcome, self._clock.now(), done)
            return
        if warnings:
            outcome.warnings = (*warnings, *outcome.warnings)
        self._audit.answered(entry, outcome, self._clock.now(), done)

    def _authorise(self, opened: OpenStore, caller: Caller, request: StoreRequest, now: float) -> Plan:
        """Return what to do for the caller; raise if he may not have it done."""
        if request.path.startswith(_OWN_PREFIXES):
            return self._own_path(opened, caller, request, now)
        permit = self._permit(caller, request)
        mounted = opened.destination(request.operation, request.path).mounted
        if mounted is None or mounted.mount.type != "kv":
            raise NotFoundError("no handler for route: nothing is mounted at this path")
        visit = KvVisit(request, mounted, caller, permit, opened, now, self._max_secret_bytes)
        return partial(serve_kv, visit), []

    def _own_path(self, opened: OpenStore, caller: Caller, request: StoreRequest, now: float) -> Plan:
        if not _guards_itself(request):
            self._permit(caller, request, may_create=False)
        table = next(table for prefix, table in _OWN_PATHS.items() if request.path.startswith(prefix))
        found = table.find(request.path, request.operation)
        if found is None:
            raise NotFoundError("unsupported path")
        route, argument = found
        if route.superuser and not caller.acl.is_root:
            raise PermissionDeniedError(DENIED)
        if route.sudo and not caller.decide(request.path, Capability.SUDO):
            raise PermissionDeniedError(DENIED)
        visit = Visit(request, argument, caller=caller, store=opened, now=now)
        return partial(route.handler, visit), visit.warnings

    def _permit(self, caller: Caller, request: StoreRequest, *, may_create: bool = True) -> Permit:
        """Return which writes the caller may do; raise if he may not do what he asks at all."""
        path, permit = request.path, _NO_WRITE
        capability = _CAPABILITY.get(request.operation)
        if capability is not None:
            if request.query:
                allowed = bool(caller.acl.decide(path, capability, parameters=dict(request.query)))
            else:
                allowed = bool(caller.decide(path, capability))
        elif request.operation is Operation.PATCH:
            allowed = bool(caller.acl.decide(path, Capability.PATCH, parameters=request.body.values))
        else:
            decide, fields = caller.acl.decide, request.body.values
            permit = Permit(
                create=bool(may_create and decide(path, Capability.CREATE, parameters=fields)),
                update=bool(decide(path, Capability.UPDATE, parameters=fields)),
            )
            allowed = permit.create or permit.update
        if not allowed:
            raise PermissionDeniedError(DENIED)
        return permit


_NO_WRITE = Permit(create=False, update=False)


def _guards_itself(request: StoreRequest) -> bool:
    return request.operation is Operation.READ and (
        request.path in SELF_GUARDED or request.path.startswith("sys/internal/ui/mounts/")
    )
