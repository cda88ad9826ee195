"""Puts every request and its outcome on record, and lets no answer leave before its lines are taken.

Lines of all requests in one turn of the event loop are written together: an answer waits in a queue until
the flush at the end of the turn. A change is handed to the keeper only after the line that announces it was
taken. Where no device takes the lines, every answer and every change that waits for them is refused.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from holdfast.audit import (
    AuditAuth,
    AuditBroker,
    AuditDevice,
    AuditEntry,
    AuditFailedError,
    AuditTarget,
    DeviceSettings,
)
from holdfast.clock import Clock
from holdfast.errors import (
    HoldfastError,
    InternalError,
    NotFoundError,
    PermissionDeniedError,
    SealedError,
    UnavailableError,
)
from holdfast.process.defect import describe_defect
from holdfast.store.audit.health import AuditHealth
from holdfast.store.caller import Caller
from holdfast.store.destination import Destination
from holdfast.store.open_store import OpenStore
from holdfast.store.request import Answer, Done, Operation, StoreRequest
from holdfast.store.trouble import Trouble

log = logging.getLogger(__name__)

# No text can look like this member: quotes inside a JSON string are escaped.
_NO_NOTES = b'"custom_metadata":null'

OpenDevices = Callable[[Mapping[str, bytes]], AuditBroker]
"""Opens the configured audit devices, given the key of each by its name."""

Schedule = Callable[[Callable[[], None]], object]
"""Calls back at the end of the event loop's turn; ``loop.call_soon`` is one."""


def call_at_once(callback: Callable[[], None]) -> None:
    """Flush after every request; for a store without an event loop."""
    callback()


@dataclass(frozen=True, slots=True)
class _Added:
    """A device that the API added, and as what."""

    settings: DeviceSettings
    device: AuditDevice


class AuditTrail:
    """The audit trail of one process.

    Args:
        open_devices: opens the configured devices.
        clock: stamps the lines.
        schedule: when to flush.
        health: where other processes see how the devices fare.
    """

    def __init__(
        self,
        open_devices: OpenDevices,
        clock: Clock,
        schedule: Schedule,
        *,
        health: AuditHealth | None = None,
    ) -> None:
        self._open_devices = open_devices
        self._clock = clock
        self._schedule = schedule
        self._health = health or AuditHealth()
        self._failing: set[AuditDevice] = set()
        self._opened: OpenStore | None = None
        self._configured: tuple[AuditDevice, ...] = ()
        self._settings: tuple[DeviceSettings, ...] = ()
        self._added: tuple[_Added, ...] = ()
        self._broker = AuditBroker()
        self._nobody = self._broker.auth(client_token="")
        self._destination: Callable[[Operation, str], Destination] = _nowhere
        self._waiting: list[tuple[Done, Callable[..., None], tuple[object, ...]]] = []
        self._trouble = Trouble(log, "the audit trail")

    def open(self, opened: OpenStore) -> None:
        """Open the devices with the keys that the store keeps for them.

        Raises:
            AuditSinkError: a device cannot be opened; the store must not be served.
        """
        broker = self._open_devices(opened.audit_keys())
        self.close()
        self._broker, self._configured = broker, broker.devices
        self._nobody = broker.auth(client_token="")
        self._opened, self._destination = opened, opened.destination
        for device in broker.devices:
            device.watch = self._watch
        self._follow_devices()

    def follow(self, opened: OpenStore) -> None:
        """Go on with the same devices for a store whose keyring was replaced."""
        self._opened, self._destination = opened, opened.destination

    def keep_up(self) -> None:
        """Go on with what waits for slow devices, and look for those that are away."""
        self._broker.keep_up()

    def close(self) -> None:
        """Write what waits and close the devices."""
        self._flush()
        self._broker.close()
        self._broker = AuditBroker()
        self._opened, self._destination = None, _nowhere
        self._configured, self._settings, self._added = (), (), ()
        self._failing.clear()
        self._health.forget()

    def reopen(self) -> None:
        """Write what waits and open the files again, as after log rotation."""
        self._flush()
        self._broker.reopen()

    def asked(self, request: StoreRequest, caller: Caller, now: float) -> AuditEntry:
        """Record what is about to be done at ``now`` for somebody who may have it done."""
        self._follow_devices()
        entry = self._entry(request, self._auth_of(request, caller), allowed=True)
        body = request.body.raw if request.body.values else None
        self._broker.request(entry, now, data=body)
        return entry

    def knocked(self, request: StoreRequest, display_name: str, now: float) -> AuditEntry:
        """Record that somebody without a token asks for one.

        Args:
            request: what to show of it; nothing that he proves himself with.
            display_name: who he says he is, in clear; empty where it could be anything.
            now: Unix seconds.
        """
        self._follow_devices()
        auth = self._broker.auth(client_token="", display_name=display_name)
        entry = self._entry(request, auth, allowed=True)
        self._broker.request(entry, now, data=request.body.raw)
        return entry

    def part(
        self, request: StoreRequest, caller: Caller, outcome: Answer | HoldfastError, now: float
    ) -> None:
        """Record one of several reads that are answered together; its lines go with those of the whole."""
        refused = isinstance(outcome, PermissionDeniedError | NotFoundError | UnavailableError)
        error = "" if isinstance(outcome, Answer) else outcome.message
        entry = self._entry(request, self._auth_of(request, caller), allowed=not refused)
        self._broker.request(entry, now, error=error if refused else "")
        if isinstance(outcome, Answer):
            self._record(entry, outcome, now)
        else:
            self._broker.response(entry, now, error=error)

    def refused(self, request: StoreRequest, caller: Caller | None, error: HoldfastError, done: Done) -> None:
        """Record a request that is refused before anything is done, then answer it."""
        self._follow_devices()
        if caller is None:
            auth = self._broker.auth(client_token=request.token) if request.token else self._nobody
        else:
            auth = self._auth_of(request, caller)
        now = self._clock.now()
        entry = self._entry(request, auth, allowed=False)
        self._broker.request(entry, now, error=error.message)
        self._broker.response(entry, now, error=error.message)
        self._after_flush(done, done, error)

    def announced(self, proceed: Callable[[], None], done: Done) -> None:
        """Call ``proceed`` once the lines so far are taken; refuse through ``done`` if they are not."""
        self._after_flush(done, proceed)

    def failed(
        self, entry: AuditEntry, error: HoldfastError, now: float, done: Done, *, remark: str = ""
    ) -> None:
        """Record that a request failed, then answer it; ``remark`` is for the record alone."""
        if entry.lineage is self._broker.lineage:
            told = f"{error.message} ({remark})" if remark else error.message
            try:
                self._broker.response(entry, now, error=told)
            except AuditFailedError as failure:
                error = failure
        self._after_flush(done, done, error)

    def answered(self, entry: AuditEntry, answer: Answer, now: float, done: Done) -> None:
        """Record the answer, then send it."""
        if entry.lineage is not self._broker.lineage:
            # The store was sealed while the change was on its way: its announcement is on record, and an
            # answer without content may leave. One with content may not.
            secret = (answer.data, answer.auth, answer.wrapped)
            done(answer if all(part is None for part in secret) else SealedError())
            return
        try:
            self._record(entry, answer, now)
        except AuditFailedError as error:
            done(error)
            return
        self._after_flush(done, done, answer)

    def _record(self, entry: AuditEntry, answer: Answer, now: float) -> None:
        data, metadata = answer.data, answer.metadata
        if metadata is not None and _NO_NOTES not in metadata:
            data, metadata = answer.document(), None  # notes are a client's words: hashed like data
        auth = None if answer.auth is None else self._auth_of_answer(answer.auth)
        self._broker.response(entry, now, data=data, metadata=metadata, auth=auth, wrap_info=answer.wrapped)

    def _follow_devices(self) -> None:
        """Have the devices that the API added by now, and none that it removed.

        Requests that are on their way finish on those devices that stay.
        """
        opened = self._opened
        if opened is None or opened.audit_devices is self._settings:
            return
        self._flush()
        wanted = [one for one in opened.audit_devices if all(one.name != d.name for d in self._configured)]
        kept = [one for one in self._added if one.settings in wanted]
        keys, names = opened.audit_keys(), {one.settings.name for one in kept}
        fresh = [
            _Added(settings, self._opened_device(opened, settings, keys))
            for settings in wanted
            if settings.name not in names
        ]
        gone = [one for one in self._added if one not in kept]
        added = (*kept, *fresh)
        before, self._settings, self._added = self._broker, opened.audit_devices, added
        self._broker = AuditBroker((*self._configured, *(one.device for one in added)), before=before)
        self._nobody = self._broker.auth(client_token="")
        for one in gone:
            one.device.close()
            self._failing.discard(one.device)

    def _opened_device(
        self, opened: OpenStore, settings: DeviceSettings, keys: Mapping[str, bytes]
    ) -> AuditDevice:
        device = opened.facts.audit.open(settings, keys[settings.name])
        device.watch = self._watch
        if device.is_failing:
            self._watch(device)
        return device

    def _watch(self, device: AuditDevice) -> None:
        """Let everybody know how a device fares; the log, when that changes."""
        self._health.note(device, self._clock.now())
        if device.is_failing and device not in self._failing:
            self._failing.add(device)
            log.error("the audit device %s fails: %s", device.name, device.last_failure)
        elif not device.is_failing and device in self._failing:
            self._failing.discard(device)
            log.info("the audit device %s works again", device.name)

    def _entry(self, request: StoreRequest, auth: AuditAuth, *, allowed: bool) -> AuditEntry:
        operation, path = request.operation, request.path
        if request.namespace and self._opened is not None:
            target = self._opened.destination_in(request.namespace, operation, path).target
        else:
            target = self._destination(operation, path).target
        return self._broker.entry(
            request.id.encode(),
            auth,
            target,
            peer=request.peer,
            allowed=allowed,
            headers=self._headers_of(request),
        )

    def _headers_of(self, request: StoreRequest) -> Sequence[tuple[str, str, bool]]:
        """Return those headers of a request that operators want to see."""
        wanted = self._opened.audit_headers if self._opened is not None else None
        if not wanted:
            return ()
        sent = ((name, is_hashed, request.headers.get(name.encode())) for name, is_hashed in wanted.items())
        return [
            (name, value.decode("utf-8", "replace"), is_hashed)
            for name, is_hashed, value in sent
            if value is not None
        ]

    def _auth_of(self, request: StoreRequest, caller: Caller) -> AuditAuth:
        auth = caller.audit_auth
        if auth is None or auth.owner is not self._broker:
            entry, known = caller.entry, caller.known
            auth = caller.audit_auth = self._broker.auth(
                client_token=request.token,
                accessor=entry.accessor,
                display_name=entry.display_name,
                policies=known.all_policies(entry.policies),
                token_policies=entry.policies,
                identity_policies=known.policies,
                entity_id=known.entity_id,
                token_type=entry.type,
                metadata=entry.meta,
                token_ttl=entry.ttl_seconds,
            )
        return auth

    def _auth_of_answer(self, auth: bytes) -> AuditAuth:
        shown = msgspec.json.decode(auth)
        return self._broker.auth(
            client_token=shown["client_token"],
            accessor=shown["accessor"],
            policies=shown["policies"],
            token_policies=shown["token_policies"],
            identity_policies=shown.get("identity_policies"),
            entity_id=shown["entity_id"],
            token_type=shown["token_type"],
            token_ttl=shown["lease_duration"],
        )

    def _after_flush(self, done: Done, proceed: Callable[..., None], *arguments: object) -> None:
        """Call ``proceed`` with its arguments once the lines are taken, or ``done`` with why they are not."""
        if not self._broker.is_enabled:
            proceed(*arguments)
            return
        self._waiting.append((done, proceed, arguments))
        if len(self._waiting) == 1:
            self._schedule(self._flush)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            self._broker.flush()
        except AuditFailedError as error:
            self._trouble.met(error)
            for done, _, _ in waiting:
                done(error)
            return
        self._trouble.over()
        for done, proceed, arguments in waiting:
            try:
                proceed(*arguments)
            except Exception as error:  # noqa: BLE001 - one defect must not leave the others unanswered
                log.error("an answer failed: %s", describe_defect(error))  # noqa: TRY400 - without values
                done(InternalError("internal error; the server's log says more"))


def _nowhere(operation: Operation, path: str) -> Destination:
    return Destination(AuditTarget(operation, path))
