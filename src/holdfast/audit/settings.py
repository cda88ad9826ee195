"""What an audit device is told, by the configuration or through the API: checked, and told apart by its type.

All values are texts, as clients of Vault send them.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from holdfast.audit.device import AuditDevice, LineSettings
from holdfast.audit.errors import AuditConfigurationError
from holdfast.audit.file_sink import FILE_MODE, FileSink
from holdfast.audit.place import SocketPlace
from holdfast.audit.sink import AuditSink
from holdfast.audit.socket_sink import DEFAULT_WRITE_TIMEOUT_SECONDS, SocketSink
from holdfast.audit.standard_sinks import DiscardSink, StandardOutput
from holdfast.audit.syslog import RFC_3164, RFC_5424, check_tag, facility_of, framer
from holdfast.model import parse_duration

FILE, SYSLOG, SOCKET = "file", "syslog", "socket"
STDOUT, DISCARD = "stdout", "discard"
MAX_PREFIX = 256
MIN_WRITE_TIMEOUT_SECONDS, MAX_WRITE_TIMEOUT_SECONDS = 0.01, 30.0
DEFAULT_SYSLOG = "/dev/log"
_LOOPBACK = re.compile(r"(127(\.[0-9]{1,3}){3}|localhost|\[::1\]):[0-9]+")

_COMMON = {"hmac_accessor", "log_raw", "elide_list_responses", "prefix", "format"}
_OPTIONS = {
    FILE: {"file_path", "path", "mode"},
    SYSLOG: {"facility", "tag", "address", "syslog_format", "write_timeout"},
    SOCKET: {"address", "socket_type", "write_timeout"},
}
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_SWITCH = {"true": True, "1": True, "false": False, "0": False, "": False}


class DeviceSettings(msgspec.Struct, array_like=True, frozen=True):
    """One device, as it was asked for. Fields are only ever appended: their order is a record format.

    Attributes:
        name: under which it is known, without slashes.
        type: ``file``, ``syslog`` or ``socket``.
        options: for its type.
        description: for people.
        local: kept for clients that compare what they wrote; no device is handed to other clusters.
    """

    name: str
    type: str
    options: dict[str, str]
    description: str = ""
    local: bool = False

    @property
    def lines(self) -> LineSettings:
        """What its lines look like."""
        return LineSettings(
            hmac_accessor=self._switch("hmac_accessor", default=True),
            log_raw=self._switch("log_raw"),
            elide_list_responses=self._switch("elide_list_responses"),
            prefix=self.options.get("prefix", ""),
            xml=self.options.get("format", "json") == "jsonx",
        )

    @property
    def file_path(self) -> str:
        """Where a file device writes."""
        return self.options.get("file_path", "") or self.options.get("path", "")

    @property
    def place(self) -> SocketPlace:
        """Where a device that is no file sends to."""
        address = self.options.get("address", "")
        if self.type == SOCKET:
            return SocketPlace(self.options.get("socket_type", "tcp"), address)
        address = address or DEFAULT_SYSLOG
        kind, _, rest = address.partition("://")
        return SocketPlace(kind, rest) if rest else SocketPlace("unixgram", address)

    @property
    def target(self) -> str:
        """What tells it from another device: no two may share it."""
        return self.file_path if self.type == FILE else f"{self.place.kind}:{self.place.address}"

    @property
    def write_timeout(self) -> float:
        """For how many seconds a line may wait."""
        text = self.options.get("write_timeout", "")
        if not text:
            return DEFAULT_WRITE_TIMEOUT_SECONDS
        if re.fullmatch(r"[0-9]{1,4}ms", text):
            return int(text.removesuffix("ms")) / 1000
        return float(parse_duration(text, field="write_timeout"))

    def check(self) -> None:
        """Make sure that it is a device.

        Raises:
            InvalidInputError: it is none; names the option.
        """
        if not _NAME.fullmatch(self.name):
            raise AuditConfigurationError("path: expected a name of letters, digits, and any of _ . -")
        known = _OPTIONS.get(self.type)
        if known is None:
            raise AuditConfigurationError("type: expected file, syslog or socket")
        if self.options.keys() - known - _COMMON:
            offered = ", ".join(sorted(known | _COMMON))
            raise AuditConfigurationError(f"options: one is none of a {self.type} device; expected {offered}")
        self._check_lines()
        if self.type == FILE:
            self._check_file()
        else:
            self._check_place()

    def open(self, key: bytes, *, directory: str | None = None) -> AuditDevice:
        """Return the device, opened as far as that does not need a receiver.

        Args:
            key: its own.
            directory: the only one that its file may lie in; ``None`` for any.

        Raises:
            InvalidInputError: it is none.
            AuditSinkError: its file cannot be opened.
        """
        self.check()
        sink = self._file_sink(directory) if self.type == FILE else self._socket_sink()
        lines = self.lines
        if self.type == SYSLOG:  # there the prefix stands inside the message
            lines = LineSettings(
                hmac_accessor=lines.hmac_accessor,
                log_raw=lines.log_raw,
                elide_list_responses=lines.elide_list_responses,
                xml=lines.xml,
            )
        return AuditDevice(self.name, key, sink, lines)

    def _check_lines(self) -> None:
        for name in ("hmac_accessor", "log_raw", "elide_list_responses"):
            self._switch(name)
        if self.options.get("format", "json") not in {"json", "jsonx"}:
            raise AuditConfigurationError("format: expected json or jsonx")
        prefix = self.options.get("prefix", "")
        if len(prefix) > MAX_PREFIX or not prefix.isprintable():
            raise AuditConfigurationError(f"prefix: expected at most {MAX_PREFIX} printable characters")

    def _check_file(self) -> None:
        if self.file_path in {STDOUT, DISCARD}:
            return
        if not Path(self.file_path).is_absolute():
            raise AuditConfigurationError("file_path: expected an absolute path")
        self._mode()

    def _check_place(self) -> None:
        place = self.place
        if not MIN_WRITE_TIMEOUT_SECONDS <= self.write_timeout <= MAX_WRITE_TIMEOUT_SECONDS:
            raise AuditConfigurationError(
                f'write_timeout: expected at most {MAX_WRITE_TIMEOUT_SECONDS:.0f}s, such as "2s" or "500ms"'
            )
        if self.type == SOCKET:
            if place.kind not in {"tcp", "udp", "unix"}:
                raise AuditConfigurationError("socket_type: expected tcp, udp or unix")
            if not place.address:
                raise AuditConfigurationError("address: expected a value, but it is missing or empty")
            place.check()
            return
        if place.kind not in {"tcp", "udp", "unix", "unixgram"}:
            raise AuditConfigurationError(
                "address: expected the path of a socket, or udp:// or tcp:// and an address on loopback"
            )
        place.check()
        if not place.is_unix and not _LOOPBACK.fullmatch(place.address):
            raise AuditConfigurationError(
                "address: expected one on loopback, because syslog is in clear; use a relay on this host"
            )
        facility_of(self.options.get("facility", "AUTH"))
        check_tag(self.options.get("tag", "holdfast"))
        if self._syslog_format() not in {RFC_3164, RFC_5424}:
            raise AuditConfigurationError("syslog_format: expected rfc3164 or rfc5424")

    def _syslog_format(self) -> str:
        return self.options.get("syslog_format", "") or (RFC_3164 if self.place.is_unix else RFC_5424)

    def _mode(self) -> int | None:
        text = self.options.get("mode", "")
        if not text:
            return FILE_MODE
        if not re.fullmatch("0?[0-7]{3}", text) or int(text, 8) & 0o133:
            raise AuditConfigurationError(
                "mode: expected an octal mode in quotes, such as 0600 or 0640, that lets only the owner write"
            )
        mode = int(text, 8)
        if mode and not mode & 0o200:
            raise AuditConfigurationError("mode: expected one that lets the owner write, or 0000 to leave it")
        return mode or None

    def _file_sink(self, directory: str | None) -> AuditSink:
        if self.file_path == STDOUT:
            return StandardOutput()
        if self.file_path == DISCARD:
            return DiscardSink()
        path = Path(self.file_path)
        return FileSink(path.parent if directory is None else directory, str(path), mode=self._mode())

    def _socket_sink(self) -> SocketSink:
        place, frame = self.place, None
        if self.type == SYSLOG:
            frame = framer(
                self._syslog_format(),
                facility=facility_of(self.options.get("facility", "AUTH")),
                tag=check_tag(self.options.get("tag", "holdfast")),
                prefix=self.options.get("prefix", "").encode(),
                with_host=not place.is_unix,
                is_stream=place.is_stream,
            )
        return SocketSink(place, write_timeout=self.write_timeout, frame=frame)

    def _switch(self, name: str, *, default: bool = False) -> bool:
        text = self.options.get(name)
        if text is None:
            return default
        if text.lower() not in _SWITCH:
            raise AuditConfigurationError(f"{name}: expected true or false")
        return _SWITCH[text.lower()]


def read_options(options: Mapping[str, object]) -> dict[str, str]:
    """Return options as texts.

    Raises:
        AuditConfigurationError: one of them is no single value.
    """
    read = {}
    for name, value in options.items():
        if isinstance(value, bool):
            read[name] = "true" if value else "false"
        elif isinstance(value, str | int | float):
            read[name] = str(value)
        else:
            raise AuditConfigurationError("options: expected an object of texts")
    return read
