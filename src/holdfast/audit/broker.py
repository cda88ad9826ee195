"""Lines for every device, gathered and written together, with the rule that one must take them.

A worker handles many requests in one turn of its loop. Their lines are gathered here and reach each
device with one write in ``flush``, before any of the answers leaves. Nothing here is shared between
threads or processes: each worker has a broker of its own over the same places.

A device whose receiver is slow is waited for only where no other took the lines, and for no longer than the
device says; otherwise its lines wait in it, and the next flush or ``keep_up`` goes on with them.
"""

import select
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from holdfast.audit.device import AuditDevice
from holdfast.audit.entry import (
    AuditAuth,
    AuditEntry,
    AuditTarget,
    decision_member,
    error_member,
    further_members,
    peer_members,
)
from holdfast.audit.errors import AuditFailedError
from holdfast.audit.hasher import ClearValues, Shower
from holdfast.clock import rfc3339
from holdfast.errors import HoldfastError, InternalError, NotFoundError

_REQUEST = b'},"request":{"id":"'
_RESPONSE = b'},"response":{'
_IN_CLEAR = ClearValues()
_HANDLES = ("token", "accessor", "wrapped_accessor")


class AuditBroker:
    """The audit trail of one process.

    Args:
        devices: all configured devices; none means that auditing is off. To change them, make a new
            broker: parts rendered by one broker are refused by another.
        before: the broker that this one takes the place of. Requests that began there are finished here, on
            the devices that both have.
    """

    __slots__ = ("_devices", "_second", "_second_text", "_time", "_time_text", "lineage")

    def __init__(self, devices: Sequence[AuditDevice] = (), *, before: "AuditBroker | None" = None) -> None:
        self._devices = tuple(devices)
        self.lineage: object = object() if before is None else before.lineage
        self._second = -1
        self._second_text = b""
        self._time = -1.0
        self._time_text = b""

    @property
    def is_enabled(self) -> bool:
        """Whether any device is configured."""
        return bool(self._devices)

    @property
    def devices(self) -> tuple[AuditDevice, ...]:
        """The configured devices."""
        return self._devices

    def auth(self, *, client_token: str, accessor: str = "", **facts: Any) -> AuditAuth:
        """Render the bearer of a request; keep the result with the token's entry.

        Args:
            client_token: the token as sent, also when it is unknown; hashed at once, not kept.
            accessor: the token's accessor; hashed too.
            **facts: what else to show, in clear: ``display_name``, ``policies``, ``token_policies``,
                ``token_type``, ``entity_id``, ``metadata``, ``token_ttl``, ``token_issue_time``. Empty ones
                are left out.
        """
        rendered = {}
        for device in self._devices:
            token_hash = device.hasher.text(client_token) if client_token else ""
            accessor_shown = device.accessors.text(accessor) if accessor else ""
            in_auth = further_members(client_token=token_hash, accessor=accessor_shown, **facts)
            in_request = further_members(client_token=token_hash, client_token_accessor=accessor_shown)
            rendered[device] = (in_auth, in_request)
        return AuditAuth(self, rendered)

    def entry(
        self,
        request_id: bytes,
        auth: AuditAuth,
        target: AuditTarget,
        *,
        peer: str = "",
        allowed: bool = False,
        reason: str = "",
        headers: Sequence[tuple[str, str, bool]] = (),
    ) -> AuditEntry:
        """Begin the two lines of a request.

        Args:
            request_id: ASCII, the same that the answer carries.
            auth: the bearer, from this broker's ``auth``.
            target: what is asked for.
            peer: ``address:port`` of the client; empty for a Unix socket.
            allowed: the access decision; ``False`` also where a request did not get that far.
            reason: why, in words of ours; for the audit trail only.
            headers: of the request, what is to be shown: name, value, and whether that is hashed.
        """
        self._check_own(auth)
        decision = decision_member(allowed=allowed, reason=reason)
        what, where = target.members, peer_members(peer)
        return AuditEntry(
            self.lineage,
            target,
            [
                (
                    device,
                    b"".join(
                        (
                            *(b'"auth":{', decision, in_auth, _REQUEST, request_id, b'"', what, in_request),
                            where + _shown_headers(device, headers) if headers else where,
                        )
                    ),
                )
                for device, (in_auth, in_request) in auth.rendered.items()
            ],
        )

    def request(self, entry: AuditEntry, now: float, *, data: bytes | None = None, error: str = "") -> None:
        """Add the line that says what is about to happen.

        Args:
            entry: from this broker's ``entry``.
            now: Unix seconds.
            data: JSON text of the request's data; every text value in it is hashed.
            error: why the request is refused already; a text without submitted values.
        """
        at, failure = self._time_at(now), error_member(error) if error else b""
        clear = entry.target.clear_request
        for device, common in self._parts_of(entry):
            shown = b',"data":' + device.hasher.json(data, clear) if data else b""
            device.add(b'{"time":"', at, b'","type":"request",', common, shown, b"}", failure)

    def response(
        self,
        entry: AuditEntry,
        now: float,
        *,
        data: bytes | None = None,
        metadata: bytes | None = None,
        auth: AuditAuth | None = None,
        wrap_info: bytes | None = None,
        error: str = "",
    ) -> None:
        """Add the line that says what came of it.

        Args:
            entry: from this broker's ``entry``.
            now: Unix seconds.
            data: JSON text of the answer's data; every text value in it is hashed.
            metadata: JSON text to show in clear beside the data, as ``{"data": ..., "metadata": ...}``:
                times and numbers of a version, never anything that a client wrote.
            auth: a token that the answer hands out, from this broker's ``auth``.
            wrap_info: JSON text of what stands for an answer that waits; its token and accessors are hashed.
            error: the refusal, if it is one; a text without submitted values.
        """
        at, failure = self._time_at(now), error_member(error) if error else b""
        target = entry.target
        counted = _counted(data) if data and target.is_list else None
        for device, common in self._parts_of(entry):
            if counted is not None and device.elides_lists:
                shown = counted
            elif not data:
                shown = b""
            elif metadata:  # then the data are one member of what is shown
                shower = _IN_CLEAR if "data" in target.clear_response else device.hasher
                shown = shower.json(data)
            else:
                shown = device.hasher.json(data, target.clear_response)
            if metadata:
                shown = b"".join((b'"data":{"data":', shown or b"null", b',"metadata":', metadata, b"}"))
            elif shown:
                shown = b'"data":' + shown
            if auth is not None:
                self._check_own(auth)
                handed_out = b'"auth":{%b}' % auth.rendered[device][0].removeprefix(b",")
                shown = handed_out + b"," + shown if shown else handed_out
            if wrap_info is not None:
                stand_in = further_members(wrap_info=_shown_handles(device, wrap_info))
                shown = shown + stand_in if shown else stand_in.removeprefix(b",")
            device.add(b'{"time":"', at, b'","type":"response",', common, _RESPONSE, shown, b"}", failure)

    def flush(self) -> None:
        """Write the gathered lines to every device.

        Raises:
            AuditFailedError: there are devices and none took the lines; refuse every request they
                belong to.
        """
        devices = [device for device in self._devices if device.waiting]
        if not devices:
            return
        pending, accepted = [], False
        for device in devices:
            outcome = device.flush()
            if outcome is None:
                pending.append(device)
            accepted = accepted or bool(outcome)
        if not accepted and not _wait_for_one(pending):
            raise AuditFailedError(detail="; ".join(f"{d.name}: {d.last_failure}" for d in devices))

    def keep_up(self) -> None:
        """Go on with what waits in slow devices, and look for receivers that were away."""
        for device in self._devices:
            device.keep_up()

    def hash(self, device_name: str, text: str) -> str:
        """Return what stands for ``text`` in the lines of a device.

        Raises:
            NotFoundError: no such device.
        """
        for device in self._devices:
            if device.name == device_name:
                return device.hasher.text(text)
        raise NotFoundError("unknown audit backend")

    def reopen(self) -> None:
        """Open the files of all devices again, as after log rotation.

        Raises:
            AuditFailedError: a device could not; it goes on with the file it had.
        """
        failed = []
        for device in self._devices:
            try:
                device.reopen()
            except HoldfastError as error:
                device.failed(error)
                failed.append(f"{device.name}: {error.message}")
        if failed:
            raise AuditFailedError(detail="; ".join(failed))

    def close(self) -> None:
        """Close every device; nothing waiting is written any more."""
        for device in self._devices:
            device.close()

    def _check_own(self, part: AuditAuth) -> None:
        if part.owner is not self:
            raise InternalError("a part of another audit broker was used; please report this")

    def _parts_of(self, entry: AuditEntry) -> "list[tuple[AuditDevice, bytes]]":
        """Return where the lines of an entry go, and what they have in common there.

        Raises:
            AuditFailedError: every device that was there when it began is gone, and there are others.
        """
        if entry.lineage is not self.lineage:
            raise InternalError("a part of another audit broker was used; please report this")
        parts = entry.common
        for device, _ in parts:
            if device.is_closed:
                break
        else:
            return parts
        parts = [part for part in parts if not part[0].is_closed]
        if not parts and self._devices:
            raise AuditFailedError(detail="the audit devices were replaced meanwhile")
        return parts

    def _time_at(self, now: float) -> bytes:
        if now == self._time:  # both lines of a request that was answered at once
            return self._time_text
        second = int(now)
        if second != self._second:
            self._second_text = rfc3339(second)[:19].encode()
            self._second = second
        # A float of this size holds microseconds; the digits behind them would be noise.
        self._time_text = b"%b.%06d000Z" % (self._second_text, (now - second) * 1e6)
        self._time = now
        return self._time_text


def _wait_for_one(pending: list[AuditDevice]) -> bool:
    """Wait until one of several slow devices took its lines, or all have given up; whether one took them."""
    while pending:
        poll = select.poll()
        for device in pending:
            if device.fileno() >= 0:
                poll.register(device.fileno(), select.POLLOUT)
        patience = max(0.0, min(device.due for device in pending) - time.monotonic())
        poll.poll(patience * 1000 + 1)
        outcomes = [(device, device.push()) for device in pending]
        if any(outcome for _, outcome in outcomes):
            return True
        pending = [device for device, outcome in outcomes if outcome is None]
    return False


def _counted(data: bytes) -> bytes | None:
    """Return the answer to a list with numbers in the place of the lists, ``None`` if it has none."""
    document = msgspec.json.decode(data)
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        return None
    shown = {"keys": len(document["keys"])}
    if isinstance(document.get("key_info"), dict):
        shown["key_info"] = len(document["key_info"])
    return msgspec.json.encode(shown)


def _shown_headers(device: AuditDevice, headers: Sequence[tuple[str, str, bool]]) -> bytes:
    shown: dict[str, list[str]] = {}
    for name, value, is_hashed in headers:
        shown.setdefault(name, []).append(device.hasher.text(value) if is_hashed else value)
    return further_members(headers=shown)


def _shown_handles(device: AuditDevice, wrap_info: bytes) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.json.decode(wrap_info)
    for name in _HANDLES:
        if name in shown:
            by: Shower = device.hasher if name == "token" else device.accessors
            shown[name] = by.text(shown[name])
    return shown
