"""The security mode of a store: which connections may be in clear text.

The names are those of DC/OS clusters, the store works in all of them, and permissions are enforced in all of
them. A mode only ever refuses to start a configuration that says less than it; it changes no listener.

    security_mode = "strict"       nothing in clear: every TCP listener has TLS, so have peers and storage
    security_mode = "permissive"   clear text beside TLS, for clients that cannot do better yet
    security_mode = "disabled"     no TLS at all, and so on loopback only

Without the setting each listener stands for itself, and one in clear text beyond loopback is warned about.
Unix sockets cross no network and are fine in every mode.
"""

from collections.abc import Sequence
from enum import StrEnum

from holdfast.errors import InvalidInputError
from holdfast.http.listener import is_loopback
from holdfast.server.config import ListenerConfig, ServerConfig


class SecurityMode(StrEnum):
    """See the module."""

    STRICT = "strict"
    PERMISSIVE = "permissive"
    DISABLED = "disabled"


def parse_mode(value: object) -> SecurityMode:
    """Return the mode that a setting names.

    Raises:
        InvalidInputError: it names none.
    """
    try:
        return SecurityMode(str(value))
    except ValueError:
        raise InvalidInputError("security_mode: expected strict, permissive or disabled") from None


def require_mode(config: ServerConfig, mode: SecurityMode) -> None:
    """Refuse a configuration that is weaker than its mode.

    Raises:
        InvalidInputError: says which part, and what to do.
    """
    tcp = [listener for listener in config.listeners if not listener.unix_path]
    match mode:
        case SecurityMode.STRICT:
            _require_no_clear_text(config, tcp)
        case SecurityMode.PERMISSIVE:
            if tcp and all(listener.tls is None for listener in tcp):
                raise InvalidInputError(
                    "security_mode: permissive expects at least one listener with TLS, so that clients can "
                    "move to it; give one tls_cert_file and tls_key_file"
                )
        case SecurityMode.DISABLED:
            _require_loopback(tcp)


def _require_no_clear_text(config: ServerConfig, tcp: Sequence[ListenerConfig]) -> None:
    for listener in tcp:
        if listener.tls is None:
            raise InvalidInputError(
                f"security_mode: strict expects TLS on {listener.url}; give the listener tls_cert_file and "
                "tls_key_file, or make it a unix socket"
            )
    if any(peer.startswith("http:") for peer in config.cluster.peers):
        raise InvalidInputError("security_mode: strict expects https addresses in peers")
    if config.storage_kind == "zookeeper" and config.storage_options.get("tls_enabled") not in {True, "true"}:
        raise InvalidInputError(
            'security_mode: strict expects tls_enabled = true in the storage "zookeeper" stanza'
        )
    if config.storage_kind == "postgresql":
        _require_verified_postgresql(config)


def _require_verified_postgresql(config: ServerConfig) -> None:
    from holdfast.storage.postgresql import read_settings  # noqa: PLC0415 - few need it

    settings = read_settings(config.storage_options)
    if not settings.is_verified and not settings.is_socket:
        raise InvalidInputError(
            "security_mode: strict expects sslmode=verify-full or a unix socket as connection_url of the "
            'storage "postgresql" stanza'
        )


def _require_loopback(tcp: Sequence[ListenerConfig]) -> None:
    for listener in tcp:
        if not is_loopback(listener.host):
            raise InvalidInputError(
                f"security_mode: disabled is for loopback addresses only, not for {listener.url}"
            )
