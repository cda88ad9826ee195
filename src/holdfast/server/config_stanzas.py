"""The stanzas of a configuration file: from a block of text to a value of ``config``.

An unknown setting in one of them is refused, because leaving out what somebody asked for could leave the
store weaker than they think.
"""

import re
from dataclasses import replace
from typing import Any

from holdfast.audit import DeviceSettings, read_options
from holdfast.errors import InvalidInputError
from holdfast.formats.hcl import Block
from holdfast.formats.strict_json import MAX_STRINGS, MAX_VALUES
from holdfast.http.limits import Limits
from holdfast.http.tls import TlsSettings
from holdfast.model import parse_duration
from holdfast.server.config import (
    DEFAULT_ADDRESS,
    LARGEST_REQUEST_LIMIT,
    ListenerConfig,
    split_address,
)
from holdfast.server.config_fields import boolean, integer, text

SMALLEST_REQUEST_LIMIT = 1024

_TLS_VERSIONS = {"tls12": "1.2", "tls13": "1.3"}
_LIMIT_OF_SETTING = {
    "max_request_duration": "request_seconds",
    "http_read_timeout": "body_seconds",
    "http_read_header_timeout": "head_seconds",
    "http_idle_timeout": "idle_seconds",
}
_JSON_STRINGS = "max_request_json_strings"
_NO_OPEN_REKEY = "disable_unauthed_rekey_endpoints"
_NO_OPEN_ROOT_GENERATION = "disable_unauthed_generate_root_endpoints"
_TELEMETRY = "telemetry"
_OPEN_METRICS = "unauthenticated_metrics_access"
_COMMON_SETTINGS = {
    "address",
    "max_request_size",
    "max_request_json_memory",  # a body is bounded by its size and by how much is in it
    _JSON_STRINGS,
    _NO_OPEN_REKEY,
    _NO_OPEN_ROOT_GENERATION,
    _TELEMETRY,
    *_LIMIT_OF_SETTING,
}
_UNIX_SETTINGS = _COMMON_SETTINGS | {"socket_mode"}
_TCP_SETTINGS = _COMMON_SETTINGS | {
    "tls_disable",
    "tls_cert_file",
    "tls_key_file",
    "tls_min_version",
    "tls_client_ca_file",
    "tls_require_and_verify_client_cert",
    "tls_disable_client_certs",
    "cluster_address",  # Vault's servers talk to each other there; it changes nothing here
}


def read_storage(block: Block) -> tuple[str, dict[str, Any]]:
    """Return the kind of storage and its options, which the engine itself checks."""
    return _one_label(block), _settings(block)


def read_audit_device(block: Block) -> DeviceSettings:
    """Return the audit device that ``audit "<type>" "<name>" { options { ... } }`` describes."""
    settings = _settings(block)
    _refuse_unknown(settings, {"options", "description", "local", "type", "path"})
    kind, *names = block.labels or (text("type", settings.get("type", "")),)
    options = settings.get("options", {})
    if not isinstance(options, dict):
        raise InvalidInputError("options: expected a stanza, such as options { file_path = ... }")
    device = DeviceSettings(
        name=(names[0] if names else text("path", settings.get("path", kind))).strip("/"),
        type=kind,
        options=read_options(options),
        description=text("description", settings["description"]) if "description" in settings else "",
        local=boolean("local", settings.get("local", False)),
    )
    device.check()
    return device


def read_listener(block: Block) -> ListenerConfig:
    """Return the listener that a ``tcp`` or ``unix`` stanza describes."""
    kind, settings = _one_label(block), _settings(block)
    if kind == "unix":
        _refuse_unknown(settings, _UNIX_SETTINGS)
        path = text("address", settings.get("address"))
        return ListenerConfig(unix_path=path, unix_mode=_socket_mode(settings), **_common(settings))
    if kind != "tcp":
        raise InvalidInputError("expected a listener of type tcp or unix")
    _refuse_unknown(settings, _TCP_SETTINGS)
    host, port = split_address(text("address", settings.get("address", DEFAULT_ADDRESS)))
    return ListenerConfig(host=host, port=port, tls=_tls(settings), **_common(settings))


def _common(settings: dict[str, Any]) -> dict[str, Any]:
    """Return what listeners of both kinds may say."""
    return {
        "limits": _limits(settings),
        "own_request_size": "max_request_size" in settings,
        "max_json_strings": integer(
            _JSON_STRINGS, settings.get(_JSON_STRINGS, MAX_STRINGS), lowest=1, highest=MAX_VALUES
        ),
        "open_rekey": not boolean(_NO_OPEN_REKEY, settings.get(_NO_OPEN_REKEY, True)),
        "open_metrics": _open_metrics(settings.get(_TELEMETRY, {})),
        "open_root_generation": not boolean(
            _NO_OPEN_ROOT_GENERATION, settings.get(_NO_OPEN_ROOT_GENERATION, True)
        ),
    }


def _open_metrics(telemetry: Any) -> bool:
    if not isinstance(telemetry, dict):
        raise InvalidInputError(f"{_TELEMETRY}: expected a stanza with {_OPEN_METRICS}")
    _refuse_unknown(telemetry, {_OPEN_METRICS})
    return boolean(_OPEN_METRICS, telemetry.get(_OPEN_METRICS, False))


def _socket_mode(settings: dict[str, Any]) -> int:
    mode = text("socket_mode", settings.get("socket_mode", "0600"))
    if not re.fullmatch("0?[0-7]{3}", mode):
        raise InvalidInputError("socket_mode: expected an octal mode in quotes, such as 0600")
    return int(mode, 8)


def _tls(settings: dict[str, Any]) -> TlsSettings | None:
    if boolean("tls_disable", settings.get("tls_disable", False)):
        return None
    if not settings.get("tls_cert_file") or not settings.get("tls_key_file"):
        raise InvalidInputError("expected tls_cert_file and tls_key_file, or tls_disable = true on loopback")
    version = settings.get("tls_min_version", "tls12")
    if version not in _TLS_VERSIONS:
        raise InvalidInputError("tls_min_version: expected tls12 or tls13")
    client_ca = ""
    if "tls_client_ca_file" in settings and not boolean(
        "tls_disable_client_certs", settings.get("tls_disable_client_certs", False)
    ):
        client_ca = text("tls_client_ca_file", settings["tls_client_ca_file"])
    required = "tls_require_and_verify_client_cert"
    return TlsSettings(
        certificate_file=text("tls_cert_file", settings["tls_cert_file"]),
        key_file=text("tls_key_file", settings["tls_key_file"]),
        minimum_version=_TLS_VERSIONS[version],
        client_ca_file=client_ca,
        require_client_certificate=boolean(required, settings.get(required, False)),
    )


def _limits(settings: dict[str, Any]) -> Limits:
    changes: dict[str, Any] = {}
    for setting, name in _LIMIT_OF_SETTING.items():
        if setting in settings:
            changes[name] = float(_seconds(setting, settings[setting]))
    if "max_request_size" in settings:
        changes["body_bytes"] = integer(
            "max_request_size",
            settings["max_request_size"],
            lowest=SMALLEST_REQUEST_LIMIT,
            highest=LARGEST_REQUEST_LIMIT,
        )
    return replace(Limits(), **changes)


def _seconds(name: str, value: Any) -> int:
    """Return a time limit; 0 would refuse everything, and no limit at all is not offered."""
    seconds = parse_duration(value, field=name) if isinstance(value, str | int | float) else 0
    if seconds < 1:
        raise InvalidInputError(f'{name}: expected a duration of at least a second, such as "90s"')
    return seconds


def _settings(block: Block) -> dict[str, Any]:
    """Return all that a stanza says; a nested stanza counts as a setting, as it does in JSON."""
    settings: dict[str, Any] = dict(block.attributes)
    for inner in block.blocks:
        if inner.type in settings:
            raise InvalidInputError(f"{inner.type}: expected once")
        settings[inner.type] = dict(inner.attributes)
    return settings


def _one_label(block: Block) -> str:
    if len(block.labels) != 1:
        raise InvalidInputError(f'expected one type, as in {block.type} "<type>" {{}}')
    return block.labels[0]


def _refuse_unknown(settings: dict[str, Any], known: set[str]) -> None:
    unknown = sorted(settings.keys() - known)
    if unknown:
        raise InvalidInputError(f"unknown setting {unknown[0]}")
