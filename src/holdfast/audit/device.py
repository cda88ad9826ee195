"""One audit device: how it shows values, the chain of its lines, the sink they go to, and how that fares."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from holdfast.audit import jsonx
from holdfast.audit.chain import JSON, JSONX, Chain, chain_key
from holdfast.audit.errors import AuditSinkError
from holdfast.audit.hasher import ClearValues, Shower, ValueHasher
from holdfast.audit.sink import AuditSink, PatientSink
from holdfast.errors import HoldfastError


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSettings:
    """What the lines of a device look like.

    Attributes:
        hmac_accessor: whether accessors are hashed.
        log_raw: whether nothing is hashed at all.
        elide_list_responses: whether the answers to lists only say how much there was.
        prefix: what stands before each line.
        xml: whether they are XML rather than JSON.
    """

    hmac_accessor: bool = True
    log_raw: bool = False
    elide_list_responses: bool = False
    prefix: str = ""
    xml: bool = False


class AuditDevice:
    """A configured device: a name, a salt, a sink, the chain of its lines, and those that wait for it.

    Args:
        name: the path under which it is enabled, without a slash.
        salt: its own random key.
        sink: where its lines go; closed with the device.
        lines: what they look like.

    Attributes:
        accessors: how accessors are shown.
        elides_lists: whether the answers to lists only say how much there was.
        failures: how many writes it did not take so far.
        last_failure: what the operator should know about the latest one; empty if none.
        is_failing: whether the latest one failed.
        is_closed: whether it is one no more.
        watch: told of the device when it failed and when it works again.
    """

    __slots__ = (
        "_breaks",
        "_patient",
        "_prefix",
        "_xml",
        "accessors",
        "chain",
        "elides_lists",
        "failures",
        "hasher",
        "is_closed",
        "is_failing",
        "last_failure",
        "name",
        "sink",
        "waiting",
        "watch",
    )

    def __init__(self, name: str, salt: bytes, sink: AuditSink, lines: LineSettings | None = None) -> None:
        lines = lines or LineSettings()
        self.name = name
        self.hasher: Shower = ClearValues() if lines.log_raw else ValueHasher(salt)
        self.accessors: Shower = self.hasher if lines.hmac_accessor else ClearValues()
        self.elides_lists = lines.elide_list_responses
        self.sink = sink
        self._patient = sink if isinstance(sink, PatientSink) else None
        self._breaks = 0
        self._prefix = lines.prefix.encode()
        self._xml = lines.xml
        self.chain = Chain(chain_key(salt), JSONX if lines.xml else JSON)
        self.waiting: list[bytes] = []
        self.failures = 0
        self.last_failure = ""
        self.is_failing = self.is_closed = False
        self.watch: Callable[[AuditDevice], None] | None = None

    @property
    def due(self) -> float:
        """Until when the oldest line that waits in the sink may wait, on the monotonic clock."""
        return inf if self._patient is None else self._patient.due

    def fileno(self) -> int:
        """Return what can be polled for room in the sink; negative if nothing can."""
        return -1 if self._patient is None else self._patient.fileno()

    def add(self, *parts: bytes) -> None:
        """Let a line wait to be written.

        Args:
            *parts: of a JSON object without its closing brace; half of them were rendered long before.
        """
        line = b"".join(parts)
        if self._xml:
            line = jsonx.open_element(line)
        self.waiting.append(self.chain.close(self._prefix + line if self._prefix else line))

    def flush(self) -> bool | None:
        """Write what waits; whether the sink took it: ``None`` if it waits in there now.

        What it refused is not kept.
        """
        lines = b"".join(self.waiting)
        self.waiting.clear()
        try:
            waits = self.sink.write(lines)
        except AuditSinkError as error:
            self.failed(error)
            return False
        return self._went(is_taken=not (waits and self._patient))

    def push(self) -> bool | None:
        """Go on with lines that wait in the sink; whether all are taken: ``None`` if some still wait."""
        if self._patient is None:
            return not self.is_failing
        try:
            waits = self._patient.push()
        except AuditSinkError as error:
            self.failed(error)
            return False
        return self._went(is_taken=not waits)

    def keep_up(self) -> None:
        """Go on with what waits, or look for a receiver that was away."""
        if self._patient is None:
            return
        if self._patient.due < inf:
            self.push()
        elif self._patient.keep_up():
            self._went(is_taken=True)

    def failed(self, error: HoldfastError) -> None:
        """Take note that lines were not taken."""
        self.failures += 1
        self.last_failure = f"{error.message}: {error.detail}" if error.detail else error.message
        self.chain.start_anew()  # nobody knows how much of it is there
        self.is_failing = True
        if self.watch is not None:
            self.watch(self)

    def reopen(self) -> None:
        """Let the sink open its place again, and begin a chain there; nothing may be waiting.

        Raises:
            AuditSinkError: it cannot be opened; the sink goes on with what it had.
        """
        self.chain.start_anew()
        self.sink.reopen()

    def close(self) -> None:
        """Let go of the sink; nothing waiting is written any more."""
        self.is_closed = True
        self.waiting.clear()
        self.sink.close()

    def _went(self, *, is_taken: bool) -> bool | None:
        if is_taken:
            self.chain.taken()
        if self._patient is not None and self._patient.breaks != self._breaks:
            self._breaks = self._patient.breaks
            self.chain.start_anew()  # what was on its way when the connection broke may be missing
        if is_taken and self.is_failing:
            self.is_failing = False
            if self.watch is not None:
                self.watch(self)
        return is_taken or None
