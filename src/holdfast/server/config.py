"""The store's configuration: files in HCL or JSON, read into one value that says everything.

The stanzas are those that Vault users write: ``storage "file" { path }``, ``listener "tcp" { address ... }``,
``audit "file" "<name>" { options { file_path } }`` and top-level settings. A file written for Vault starts
here unless it asks for something that is not offered, which is said by name and line.

What Vault leaves to chance is decided here: an unknown setting is refused where it could weaken the store
(inside ``listener``, ``storage``, ``seal`` and ``audit``), and only warned about at the top level.
"""

import logging
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from holdfast.errors import InvalidInputError
from holdfast.formats.hcl import Block, parse_document
from holdfast.http.limits import Limits
from holdfast.http.listener import is_loopback
from holdfast.http.tls import TlsSettings
from holdfast.model import parse_duration

log = logging.getLogger(__name__)

DEFAULT_ADDRESS = "127.0.0.1:8200"
DEFAULT_MAX_REQUEST_BYTES = 2 * 1024 * 1024
DEFAULT_MAX_SECRET_BYTES = 1024 * 1024
MAX_WORKERS = 64
MOST_DEFAULT_WORKERS = 4
MAX_PORT = 65_535
LARGEST_SECRET_LIMIT = 64 * 1024 * 1024
LARGEST_REQUEST_LIMIT = 128 * 1024 * 1024
MAX_CONFIG_BYTES = 1024 * 1024

# Settings of Vault that are understood and change nothing here.
_IGNORED = frozenset(
    {
        "api_addr",
        "cluster_addr",
        "ui",
        "cache_size",
        "disable_cache",
        "plugin_directory",
        "disable_sealwrap",
        "raw_storage_endpoint",
        "introspection_endpoint",
        "telemetry",
        "log_format",
        "log_file",
        "default_lease_ttl",
        "max_lease_ttl",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerConfig:
    """One address to listen on.

    Attributes:
        host: address or name; empty for a Unix socket.
        port: TCP port, 0 for a free one.
        unix_path: path of a Unix socket, empty for TCP.
        unix_mode: permission bits of the socket.
        tls: certificate and versions; ``None`` for plain HTTP.
        limits: what a client may send.
    """

    host: str = ""
    port: int = 0
    unix_path: str = ""
    unix_mode: int = 0o600
    tls: TlsSettings | None = None
    limits: Limits = field(default_factory=Limits)

    @property
    def is_exposed(self) -> bool:
        """Whether tokens and secrets would travel in clear beyond this host."""
        return not self.unix_path and self.tls is None and not is_loopback(self.host)

    @property
    def url(self) -> str:
        """The address as clients write it."""
        if self.unix_path:
            return f"unix://{self.unix_path}"
        scheme = "http" if self.tls is None else "https"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFileConfig:
    """One audit file: the device's name, and the file in the audit directory."""

    name: str
    file_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """Everything a store process needs to know.

    Attributes:
        storage_kind: name of the storage engine.
        storage_options: its settings.
        listeners: at least one.
        audit_files: the audit devices.
        workers: processes that answer requests; 0 keeps everything in one process.
        lock_memory: keep keys out of swap.
        cluster_name: what a new store calls itself.
        log_level: for the operator's log.
        pid_file: where to write the process id, empty for nowhere.
        max_secret_bytes: the largest secret that may be written.
        dcos_stores: which mount backs which store of the DC/OS API.
    """

    storage_kind: str
    storage_options: dict[str, Any]
    listeners: tuple[ListenerConfig, ...]
    audit_files: tuple[AuditFileConfig, ...] = ()
    workers: int = 1
    lock_memory: bool = True
    cluster_name: str = "holdfast"
    log_level: str = "info"
    pid_file: str = ""
    max_secret_bytes: int = DEFAULT_MAX_SECRET_BYTES
    dcos_stores: dict[str, str] = field(default_factory=lambda: {"default": "secret/"})


def load_config(paths: Sequence[str]) -> ServerConfig:
    """Read configuration files; a directory stands for its ``*.hcl`` and ``*.json`` files in name order.

    Raises:
        InvalidInputError: a file cannot be read or says something that cannot be done; names file and line.
    """
    return _from_documents([parse_document(_read(path), source=path) for path in _files(paths)])


def dev_config(*, address: str = DEFAULT_ADDRESS) -> ServerConfig:
    """Return the configuration of a throw-away store: in memory, on loopback, in one process.

    Raises:
        InvalidInputError: ``address`` is not on loopback.
    """
    host, port = _split_address(address)
    if not is_loopback(host):
        raise InvalidInputError("-dev-listen-address: expected a loopback address; a dev store has no TLS")
    return ServerConfig(
        storage_kind="inmem",
        storage_options={},
        listeners=(ListenerConfig(host=host, port=port),),
        workers=0,
        lock_memory=False,
    )


def _files(paths: Sequence[str]) -> Iterable[str]:
    if not paths:
        raise InvalidInputError("-config: expected at least one file (or -dev for a throw-away store)")
    for path in paths:
        if not Path(path).is_dir():
            yield path
            continue
        found = sorted(str(entry) for entry in Path(path).iterdir() if entry.suffix in {".hcl", ".json"})
        if not found:
            raise InvalidInputError(f"{path}: expected a directory with .hcl or .json files")
        yield from found


def _read(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            raw = file.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read: {error.strerror}") from None
    if len(raw) > MAX_CONFIG_BYTES:
        raise InvalidInputError(f"{path}: expected at most {MAX_CONFIG_BYTES} bytes")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInputError(f"{path}: expected UTF-8") from None


def _from_documents(documents: Sequence[Block]) -> ServerConfig:
    stanzas: dict[str, list[Block]] = {"storage": [], "listener": [], "audit": [], "seal": []}
    settings: dict[str, Any] = {}
    for document in documents:
        settings.update(document.attributes)
        for block in document.blocks:
            _sort_stanza(block, stanzas)
    if len(stanzas["storage"]) != 1:
        raise InvalidInputError("storage: expected exactly one storage stanza")
    if not stanzas["listener"]:
        raise InvalidInputError('listener: expected at least one stanza such as listener "tcp" {}')
    for block in stanzas["seal"]:
        _check_seal(block)
    kind, options = _storage(stanzas["storage"][0])
    config = ServerConfig(
        storage_kind=kind,
        storage_options=options,
        listeners=tuple(_listener(block) for block in stanzas["listener"]),
        audit_files=tuple(_audit_file(block) for block in stanzas["audit"]),
        workers=0 if kind == "inmem" else min(os.cpu_count() or 1, MOST_DEFAULT_WORKERS),
    )
    return _with_settings(config, settings)


def _sort_stanza(block: Block, stanzas: dict[str, list[Block]]) -> None:
    kind = "storage" if block.type == "backend" else block.type
    if kind in stanzas:
        stanzas[kind].append(block)
    elif kind == "ha_storage":
        raise InvalidInputError("ha_storage: several nodes are not offered by this version")
    elif kind not in _IGNORED:
        log.warning("configuration: the stanza %s is not known and was ignored", kind)


def _with_settings(config: ServerConfig, settings: dict[str, Any]) -> ServerConfig:
    changes: dict[str, Any] = {}
    for name, value in settings.items():
        if name == "disable_mlock":
            changes["lock_memory"] = not _boolean(name, value)
        elif name in {"cluster_name", "log_level", "pid_file"}:
            changes[name] = _text(name, value)
        elif name == "workers":
            changes["workers"] = _integer(
                name, value, 0 if config.storage_kind == "inmem" else 1, MAX_WORKERS
            )
        elif name == "max_secret_size":
            changes["max_secret_bytes"] = _integer(name, value, 1, LARGEST_SECRET_LIMIT)
        elif name not in _IGNORED:
            log.warning("configuration: the setting %s is not known and was ignored", name)
    if config.storage_kind == "inmem" and changes.get("workers", 0):
        raise InvalidInputError('workers: expected 0 with storage "inmem", which one process keeps to itself')
    return replace(config, **changes)


def _check_seal(block: Block) -> None:
    if block.labels != ("shamir",):
        raise InvalidInputError(f"{_where(block)}: expected the seal type shamir; others are not offered")


def _storage(block: Block) -> tuple[str, dict[str, Any]]:
    return _one_label(block), dict(block.attributes)


def _audit_file(block: Block) -> AuditFileConfig:
    kind, *names = block.labels or ("",)
    if kind != "file":
        raise InvalidInputError(f"{_where(block)}: expected the audit type file; others are not offered")
    options: dict[str, Any] = {}
    for inner in block.blocks:
        if inner.type == "options":
            options.update(inner.attributes)
    written_out = block.attributes.get("options")
    if isinstance(written_out, dict):
        options.update(written_out)
    _refuse_unknown(block, options, {"file_path"})
    path = options.get("file_path")
    if not isinstance(path, str) or not Path(path).is_absolute():
        raise InvalidInputError(f"{_where(block)}: file_path: expected an absolute path")
    return AuditFileConfig(name=(names[0] if names else "file").strip("/"), file_path=path)


_TCP_SETTINGS = {
    "address",
    "tls_disable",
    "tls_cert_file",
    "tls_key_file",
    "tls_min_version",
    "tls_client_ca_file",
    "tls_require_and_verify_client_cert",
    "tls_disable_client_certs",
    "max_request_size",
    "max_request_duration",
    "http_read_timeout",
    "http_read_header_timeout",
    "http_idle_timeout",
    "cluster_address",
}
_UNIX_SETTINGS = {"address", "socket_mode", "max_request_size", "max_request_duration"}


def _listener(block: Block) -> ListenerConfig:
    kind, values = _one_label(block), dict(block.attributes)
    limits = _limits(values)
    if kind == "unix":
        _refuse_unknown(block, values, _UNIX_SETTINGS)
        mode = int(_text("socket_mode", values.get("socket_mode", "0600")), 8)
        return ListenerConfig(
            unix_path=_text("address", values.get("address")), unix_mode=mode, limits=limits
        )
    if kind != "tcp":
        raise InvalidInputError(f"{_where(block)}: expected a listener of type tcp or unix")
    _refuse_unknown(block, values, _TCP_SETTINGS)
    host, port = _split_address(_text("address", values.get("address", DEFAULT_ADDRESS)))
    return ListenerConfig(host=host, port=port, tls=_tls(block, values), limits=limits)


def _mode(block: Block, values: dict[str, Any]) -> int:
    text = _text("socket_mode", values.get("socket_mode", "0600"))
    if not re.fullmatch("0?[0-7]{3}", text):
        raise InvalidInputError(f"{_where(block)}: socket_mode: expected an octal mode such as 0600")
    return int(text, 8)


def _tls(block: Block, values: dict[str, Any]) -> TlsSettings | None:
    if _boolean("tls_disable", values.get("tls_disable", False)):
        return None
    certificate, key = values.get("tls_cert_file"), values.get("tls_key_file")
    if not certificate or not key:
        raise InvalidInputError(
            f"{_where(block)}: expected tls_cert_file and tls_key_file, or tls_disable = true on loopback"
        )
    client_ca = ""
    if not _boolean("tls_disable_client_certs", values.get("tls_disable_client_certs", False)):
        client_ca = _text("tls_client_ca_file", values.get("tls_client_ca_file", ""))
    version = _text("tls_min_version", values.get("tls_min_version", "tls12"))
    versions = {"tls12": "1.2", "tls13": "1.3"}
    if version not in versions:
        raise InvalidInputError(f"{_where(block)}: tls_min_version: expected tls12 or tls13")
    required = "tls_require_and_verify_client_cert"
    return TlsSettings(
        certificate_file=_text("tls_cert_file", certificate),
        key_file=_text("tls_key_file", key),
        minimum_version=versions[version],
        client_ca_file=client_ca,
        require_client_certificate=_boolean(required, values.get(required, False)),
    )


def _limits(values: dict[str, Any]) -> Limits:
    limits = Limits()
    seconds = {
        "max_request_duration": "request_seconds",
        "http_read_timeout": "body_seconds",
        "http_read_header_timeout": "head_seconds",
        "http_idle_timeout": "idle_seconds",
    }
    changes: dict[str, Any] = {
        name: float(parse_duration(values[setting], field=setting))
        for setting, name in seconds.items()
        if setting in values
    }
    if "max_request_size" in values:
        changes["body_bytes"] = _integer(
            "max_request_size", values["max_request_size"], 1024, 128 * 1024 * 1024
        )
    return replace(limits, **changes)


def _one_label(block: Block) -> str:
    if len(block.labels) != 1:
        raise InvalidInputError(f'{_where(block)}: expected one type, as in {block.type} "<type>" {{}}')
    return block.labels[0]


def _refuse_unknown(block: Block, values: dict[str, Any], known: set[str]) -> None:
    unknown = sorted(set(values) - known)
    if unknown:
        raise InvalidInputError(f"{_where(block)}: unknown setting {unknown[0]}")


def _where(block: Block) -> str:
    return f"{block.type}, line {block.line}"


def _split_address(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and int(port[:6]) <= MAX_PORT):
        raise InvalidInputError("address: expected host:port, such as 127.0.0.1:8200")
    return host.strip("[]"), int(port)


def _boolean(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if word in {"1", "true"}:
        return True
    if word in {"0", "false", ""}:
        return False
    raise InvalidInputError(f"{name}: expected true or false")


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidInputError(f"{name}: expected text in quotes")
    return value


def _integer(name: str, value: Any, lowest: int, highest: int) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:12])
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise InvalidInputError(f"{name}: expected a number between {lowest} and {highest}")
    return value
