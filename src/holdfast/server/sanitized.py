"""What a server was started with, as it is shown at ``sys/config/state/sanitized``.

Only what is named here is shown. Settings of storage and seals can hold passwords, so of these only the kind.
"""

from typing import Any

from holdfast.audit import DeviceSettings
from holdfast.server.config import ListenerConfig, ServerConfig


def sanitized(config: ServerConfig) -> dict[str, Any]:
    """Return the configuration without anything that is secret."""
    return {
        "listeners": [_listener(listener) for listener in config.listeners],
        "storage": {"type": config.storage_kind},
        "seals": [{"type": config.seal.type}],
        "audit": [
            {"type": device.type, "name": device.name, **_place_of(device)}
            for device in config.audit.configured
        ],
        "cluster_name": config.cluster_name,
        "log_level": config.log_level,
        "pid_file": config.pid_file,
        "disable_mlock": not config.lock_memory,
        "workers": config.workers,
        "max_secret_size": config.max_secret_bytes,
        "ui": config.ui,
    }


def _place_of(device: DeviceSettings) -> dict[str, str]:
    return {"file_path": device.file_path} if device.type == "file" else {"address": device.place.address}


def _listener(listener: ListenerConfig) -> dict[str, Any]:
    return {
        "type": "unix" if listener.unix_path else "tcp",
        "config": {
            "address": listener.unix_path or f"{listener.host}:{listener.port}",
            "tls_disable": listener.tls is None,
            "unauthenticated_metrics_access": listener.open_metrics,
            "disable_unauthed_rekey_endpoints": not listener.open_rekey,
            "disable_unauthed_generate_root_endpoints": not listener.open_root_generation,
        },
    }
