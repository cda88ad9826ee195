"""The store's configuration files, in HCL or JSON, read into one ``ServerConfig``.

The stanzas are those that Vault users write: ``storage "file" { path }``, ``listener "tcp" { address ... }``,
``audit "file" "<name>" { options { file_path } }`` and top-level settings. A file written for Vault starts
here unless it asks for something that is not offered, which is said by file, line and name.

What Vault leaves to chance is decided here: an unknown stanza, and an unknown setting inside one, are
refused, because either could be the misspelt one that was to protect the store. An unknown setting at the
top level is only warned about.
"""

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from holdfast.audit import DeviceSettings
from holdfast.errors import InvalidInputError
from holdfast.formats.hcl import Block, parse_document
from holdfast.iam.settings import IamSettings
from holdfast.server.config import ListenerConfig, ServerConfig
from holdfast.server.config_audit import AUDIT_SETTINGS, audit_change
from holdfast.server.config_cluster import ClusterSettings, read_cluster
from holdfast.server.config_fields import boolean, integer, text
from holdfast.server.config_iam import read_iam
from holdfast.server.config_seal import read_seal
from holdfast.server.config_stanzas import read_audit_device, read_listener, read_storage
from holdfast.server.security_mode import parse_mode, require_mode
from holdfast.store.audit.rules import AuditRules
from holdfast.store.seal_settings import SealSettings

log = logging.getLogger("holdfast.server")

MAX_WORKERS = 64
MOST_DEFAULT_WORKERS = 4
LARGEST_SECRET_LIMIT = 64 * 1024 * 1024
MAX_CONFIG_BYTES = 1024 * 1024

# What Vault knows and changes nothing here.
_IGNORED = frozenset(
    {
        "api_addr",
        "cluster_addr",
        "cache_size",
        "disable_cache",
        "plugin_directory",
        "disable_sealwrap",
        "telemetry",
    }
)
# What Vault knows, too, and somebody may rely on; it is warned about.
_WITHOUT_EFFECT = {
    "raw_storage_endpoint": "storage is shown to nobody",
    "introspection_endpoint": "memory is shown to nobody",
    "user_lockout": "guesses are slowed down by rules of our own",
    "service_registration": "the store tells nobody where it is",
    "log_format": "the log has one form",
    "log_file": "the log goes to standard error",
    "default_lease_ttl": "it is 768h, unless a mount or a role says less",
    "max_lease_ttl": "it is 768h, unless a mount or a role says less",
}
_ALIASES = {"backend": "storage"}
_STANZAS = ("storage", "listener", "audit", "seal", "iam", "cluster")
T = TypeVar("T")


def load_config(paths: Sequence[str]) -> ServerConfig:
    """Read configuration files; a directory stands for its ``*.hcl`` and ``*.json`` files in name order.

    Raises:
        InvalidInputError: a file cannot be read or says something that cannot be done; names file and line.
    """
    stanzas: dict[str, list[tuple[str, Block]]] = {name: [] for name in _STANZAS}
    settings: dict[str, tuple[str, Any]] = {}
    for path in _files(paths):
        document = parse_document(_read(path), source=path)
        settings |= {name: (path, value) for name, value in document.attributes.items()}
        for block in document.blocks:
            _sort_stanza(path, block, stanzas)
    return _with_settings(_from_stanzas(stanzas), settings)


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


def _sort_stanza(path: str, block: Block, stanzas: dict[str, list[tuple[str, Block]]]) -> None:
    kind = _ALIASES.get(block.type, block.type)
    if kind in stanzas:
        stanzas[kind].append((path, block))
    elif kind in _WITHOUT_EFFECT:
        _warn_of_no_effect(kind)
    elif kind not in _IGNORED:
        expected = "this stanza is not known"
        if kind == "ha_storage":
            expected = "every node serves, so the storage of all of them belongs into the storage stanza"
        raise InvalidInputError(f"{_place(path, block)}: {expected}")


def _from_stanzas(stanzas: dict[str, list[tuple[str, Block]]]) -> ServerConfig:
    if len(stanzas["storage"]) != 1:
        raise InvalidInputError("storage: expected exactly one storage stanza")
    if not stanzas["listener"]:
        raise InvalidInputError('listener: expected at least one stanza such as listener "tcp" {}')
    [(kind, options)] = _read_all(stanzas["storage"], read_storage)
    listeners = _read_all(stanzas["listener"], read_listener)
    audit_devices = _read_all(stanzas["audit"], read_audit_device)
    _refuse_doubles(listeners, audit_devices)
    _warn_of_raw_lines(audit_devices)
    return ServerConfig(
        storage_kind=kind,
        storage_options=options,
        listeners=tuple(listeners),
        audit=AuditRules(configured=tuple(audit_devices)),
        iam=_only_one("iam", stanzas["iam"], read_iam, IamSettings()),
        seal=_only_one("seal", stanzas["seal"], read_seal, SealSettings()),
        cluster=_only_one("cluster", stanzas["cluster"], read_cluster, ClusterSettings()),
        workers=0 if kind == "inmem" else min(os.cpu_count() or 1, MOST_DEFAULT_WORKERS),
    )


def _only_one(name: str, stanzas: Sequence[tuple[str, Block]], read: Callable[[Block], T], default: T) -> T:
    """Read a stanza that may be there once."""
    if len(stanzas) > 1:
        raise InvalidInputError(f"{name}: expected at most one {name} stanza")
    return _read_all(stanzas, read)[0] if stanzas else default


def _read_all(stanzas: Iterable[tuple[str, Block]], read: Callable[[Block], T]) -> list[T]:
    """Read stanzas of one kind; what is wrong with one is said together with its place."""
    values = []
    for path, block in stanzas:
        try:
            values.append(read(block))
        except InvalidInputError as error:
            raise InvalidInputError(f"{_place(path, block)}: {error.message}") from None
    return values


def _refuse_doubles(listeners: Iterable[ListenerConfig], devices: Sequence[DeviceSettings]) -> None:
    """Refuse two that would get in each other's way; the kernel would let workers share even a port."""
    addresses = [listener.url for listener in listeners if listener.unix_path or listener.port]
    if len(set(addresses)) < len(addresses):
        raise InvalidInputError("listener: expected a different address in each stanza")
    names, places = {device.name for device in devices}, {device.target for device in devices}
    if len(names) < len(devices) or len(places) < len(devices):
        raise InvalidInputError("audit: expected a different name and file_path or address in each stanza")


def _warn_of_raw_lines(devices: Iterable[DeviceSettings]) -> None:
    for device in devices:
        if device.lines.log_raw:
            log.warning(
                "audit %s: log_raw writes every token and every secret in clear text to where this device "
                "writes; whoever reads that can do everything; use it on a test system only",
                device.name,
            )
        if device.file_path == "discard":
            log.warning("audit %s: discard keeps no line; nobody will know who read what", device.name)


def _with_settings(config: ServerConfig, settings: dict[str, tuple[str, Any]]) -> ServerConfig:
    changes: dict[str, Any] = {}
    audit = config.audit
    for name, (path, value) in settings.items():
        try:
            if name in AUDIT_SETTINGS:
                audit = replace(audit, **audit_change(name, value))
            else:
                changes |= _change(config, name, value)
        except InvalidInputError as error:
            raise InvalidInputError(f"{path}: {error.message}") from None
    return replace(config, audit=audit, **changes)


def _change(config: ServerConfig, name: str, value: Any) -> dict[str, Any]:
    """Return what a top-level setting changes."""
    change: dict[str, Any] = {}
    match name:
        case "disable_mlock":
            change = {"lock_memory": not boolean(name, value)}
        case "cluster_name" | "log_level" | "pid_file":
            change = {name: text(name, value)}
        case "ui":
            change = {name: boolean(name, value)}
        case "max_secret_size":
            change = {"max_secret_bytes": integer(name, value, lowest=1, highest=LARGEST_SECRET_LIMIT)}
        case "workers" if config.storage_kind == "inmem":
            # One process keeps that storage to itself.
            change = {name: integer('workers with storage "inmem"', value, lowest=0, highest=0)}
        case "workers":
            change = {name: integer(name, value, lowest=1, highest=MAX_WORKERS)}
        case "security_mode":
            require_mode(config, parse_mode(value))
        case "storage" | "backend" | "listener" | "audit" | "seal" | "iam" | "cluster" | "ha_storage":
            raise InvalidInputError(f"{name}: expected a stanza, not a value")
        case _:
            _warn_unless_harmless(name)
    return change


def _warn_unless_harmless(name: str) -> None:
    if name in _WITHOUT_EFFECT:
        _warn_of_no_effect(name)
    elif name not in _IGNORED:
        log.warning("configuration: the setting %s is not known and was ignored", name)


def _warn_of_no_effect(name: str) -> None:
    log.warning("configuration: %s has no effect: %s", name, _WITHOUT_EFFECT[name])


def _place(path: str, block: Block) -> str:
    """Return where a stanza is; JSON keeps no lines."""
    return f"{path}:{block.line}: {block.type}" if block.line else f"{path}: {block.type}"
