"""Lines for every device, gathered and written together, with the rule that one must take them.

A worker handles many requests in one turn of its loop. Their lines are gathered here and reach each
device with one write in ``flush``, before any of the answers leaves. Nothing here is shared between
threads or processes: each worker has a broker of its own over the same files.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from holdfast.audit.chain import Chain, chain_key
from holdfast.audit.entry import (
    AuditAuth,
    AuditEntry,
    AuditTarget,
    decision_member,
    error_member,
    further_members,
    peer_members,
)
from holdfast.audit.errors import AuditFailedError, AuditSinkError
from holdfast.audit.hasher import ValueHasher
from holdfast.audit.sink import AuditSink
from holdfast.clock import rfc3339
from holdfast.errors import HoldfastError, InternalError, NotFoundError

_REQUEST = b'},"request":{"id":"'
_RESPONSE = b'},"response":{'
_HANDLES = ("token", "accessor", "wrapped_accessor")


class AuditDevice:
    """A configured device: a name, a salt, a sink, the chain of its lines, and those that wait for it.

    Args:
        name: the path under which it is enabled, without a slash.
        salt: its own random key.
        sink: where its lines go; closed with the device.

    Attributes:
        failures: how many writes it did not take so far.
        last_failure: what the operator should know about the latest one; empty if none.
    """

    __slots__ = ("chain", "failures", "hasher", "last_failure", "name", "sink", "waiting")

    def __init__(self, name: str, salt: bytes, sink: AuditSink) -> None:
        self.name = name
        self.hasher = ValueHasher(salt)
        self.sink = sink
        self.chain = Chain(chain_key(salt))
        self.waiting: list[bytes] = []
        self.failures = 0
        self.last_failure = ""

    def add(self, *parts: bytes) -> None:
        """Let a line wait to be written.

        Args:
            *parts: of a JSON object without its closing brace; half of them were rendered long before.
        """
        self.waiting.append(self.chain.close(b"".join(parts)))

    def flush(self) -> bool:
        """Write what waits; whether the sink took it. What it refused is not kept."""
        lines = b"".join(self.waiting)
        self.waiting.clear()
        try:
            self.sink.write(lines)
        except AuditSinkError as error:
            self.failures += 1
            self.last_failure = f"{error.message}: {error.detail}" if error.detail else error.message
            self.chain.start_anew()  # nobody knows how much of it is there
            return False
        return True

    def reopen(self) -> None:
        """Let the sink open its place again, and begin a chain there; nothing may be waiting.

        Raises:
            AuditSinkError: it cannot be opened; the sink goes on with what it had.
        """
        self.chain.start_anew()
        self.sink.reopen()


class AuditBroker:
    """The audit trail of one process.

    Args:
        devices: all configured devices; none means that auditing is off. To change them, make a new
            broker: parts rendered by one broker are refused by another.
    """

    __slots__ = ("_devices", "_second", "_second_text", "_time", "_time_text")

    def __init__(self, devices: Sequence[AuditDevice] = ()) -> None:
        self._devices = tuple(devices)
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
        rendered = []
        for device in self._devices:
            token_hash = device.hasher.text(client_token) if client_token else ""
            accessor_hash = device.hasher.text(accessor) if accessor else ""
            in_auth = further_members(client_token=token_hash, accessor=accessor_hash, **facts)
            in_request = further_members(client_token=token_hash, client_token_accessor=accessor_hash)
            rendered.append((in_auth, in_request))
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
    ) -> AuditEntry:
        """Begin the two lines of a request.

        Args:
            request_id: ASCII, the same that the answer carries.
            auth: the bearer, from this broker's ``auth``.
            target: what is asked for.
            peer: ``address:port`` of the client; empty for a Unix socket.
            allowed: the access decision; ``False`` also where a request did not get that far.
            reason: why, in words of ours; for the audit trail only.
        """
        self._check_own(auth)
        decision = decision_member(allowed=allowed, reason=reason)
        what, where = target.members, peer_members(peer)
        return AuditEntry(
            self,
            [
                (b'"auth":{', decision, in_auth, _REQUEST, request_id, b'"', what, in_request, where)
                for in_auth, in_request in auth.rendered
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
        self._check_own(entry)
        time, failure = self._time_at(now), error_member(error) if error else b""
        for device, common in zip(self._devices, entry.common, strict=True):
            shown = b',"data":' + device.hasher.json(data) if data else b""
            device.add(b'{"time":"', time, b'","type":"request",', *common, shown, b"}", failure)

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
        self._check_own(entry)
        time, failure = self._time_at(now), error_member(error) if error else b""
        for index, (device, common) in enumerate(zip(self._devices, entry.common, strict=True)):
            shown = device.hasher.json(data) if data else b""
            if metadata:
                shown = b"".join((b'"data":{"data":', shown or b"null", b',"metadata":', metadata, b"}"))
            elif shown:
                shown = b'"data":' + shown
            if auth is not None:
                self._check_own(auth)
                handed_out = b'"auth":{%b}' % auth.rendered[index][0].removeprefix(b",")
                shown = handed_out + b"," + shown if shown else handed_out
            if wrap_info is not None:
                stand_in = further_members(wrap_info=_hashed_handles(device.hasher, wrap_info))
                shown = shown + stand_in if shown else stand_in.removeprefix(b",")
            device.add(b'{"time":"', time, b'","type":"response",', *common, _RESPONSE, shown, b"}", failure)

    def flush(self) -> None:
        """Write the gathered lines to every device.

        Raises:
            AuditFailedError: there are devices and none took the lines; refuse every request they
                belong to.
        """
        devices = self._devices
        if not devices or not devices[0].waiting:
            return
        accepted = [device.flush() for device in devices]
        if not any(accepted):
            raise AuditFailedError(detail="; ".join(f"{d.name}: {d.last_failure}" for d in devices))

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
                device.last_failure = error.message
                failed.append(f"{device.name}: {error.message}")
        if failed:
            raise AuditFailedError(detail="; ".join(failed))

    def close(self) -> None:
        """Close every device; nothing waiting is written any more."""
        for device in self._devices:
            device.waiting.clear()
            device.sink.close()

    def _check_own(self, part: AuditAuth | AuditEntry) -> None:
        if part.owner is not self:
            raise InternalError("a part of another audit broker was used; please report this")

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


def _hashed_handles(hasher: ValueHasher, wrap_info: bytes) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.json.decode(wrap_info)
    return shown | {name: hasher.text(shown[name]) for name in _HANDLES if name in shown}
