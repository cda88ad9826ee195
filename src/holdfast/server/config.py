"""What a store process needs to know, as values: where it listens, where it keeps data, what it writes down.

``config_file`` reads them from files; ``dev_config`` makes up those of a throw-away store.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Any

from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import MAX_STRINGS
from holdfast.http.limits import Limits
from holdfast.http.listener import is_loopback
from holdfast.http.tls import TlsSettings
from holdfast.iam.settings import IamSettings
from holdfast.server.config_cluster import ClusterSettings
from holdfast.store.audit.rules import AuditRules
from holdfast.store.core import DEFAULT_MAX_SECRET_BYTES
from holdfast.store.seal_settings import SealSettings

DEFAULT_ADDRESS = "127.0.0.1:8200"
MAX_PORT = 65_535
LARGEST_REQUEST_LIMIT = 128 * 1024 * 1024
REQUEST_BYTES_PER_SECRET_BYTE = 3  # clients that write JSON in ASCII need six bytes for the two of an umlaut
REQUEST_BYTES_AROUND_A_SECRET = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerConfig:
    """One address to listen on.

    Attributes:
        host: address or name; empty for a Unix socket.
        port: TCP port, 0 for a free one.
        unix_path: path of a Unix socket, empty for TCP.
        unix_mode: permission bits of the socket.
        tls: certificate and versions; ``None`` for plain HTTP.
        limits: what a client may send; ``ServerConfig.limits_of`` says what counts.
        own_request_size: whether the operator decided on the size of a request.
        open_rekey: whether share holders without a token may deal new shares here.
        open_root_generation: whether they may make a root token here.
        open_metrics: whether anybody may read metrics here.
        max_json_strings: how many strings, names and values together, one body of the Vault API may hold.
    """

    host: str = ""
    port: int = 0
    unix_path: str = ""
    unix_mode: int = 0o600
    tls: TlsSettings | None = None
    limits: Limits = field(default_factory=Limits)
    own_request_size: bool = False
    open_rekey: bool = False
    open_root_generation: bool = False
    open_metrics: bool = False
    max_json_strings: int = MAX_STRINGS

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
class ServerConfig:
    """Everything a store process needs to know.

    Attributes:
        storage_kind: name of the storage engine.
        storage_options: its settings.
        listeners: at least one.
        audit: the audit devices, and what the API may add.
        workers: processes that answer requests; 0 keeps everything in one process.
        lock_memory: keep keys out of swap.
        cluster_name: what a new store calls itself.
        log_level: for the operator's log.
        pid_file: where to write the process id, empty for nowhere.
        max_secret_bytes: the largest secret that may be written.
        dcos_stores: which mount backs which store of the DC/OS API.
        iam: what the operator decided about users.
        seal: how a new store is sealed, and how it opens itself.
        cluster: this node among others over the same storage.
        ui: offer the web page on every listener, or on none; undecided, on those of loopback.
    """

    storage_kind: str
    storage_options: dict[str, Any]
    listeners: tuple[ListenerConfig, ...]
    audit: AuditRules = field(default_factory=AuditRules)
    workers: int = 1
    lock_memory: bool = True
    cluster_name: str = "holdfast"
    log_level: str = "info"
    pid_file: str = ""
    max_secret_bytes: int = DEFAULT_MAX_SECRET_BYTES
    dcos_stores: dict[str, str] = field(default_factory=lambda: {"default": "secret/"})
    iam: IamSettings = field(default_factory=IamSettings)
    seal: SealSettings = field(default_factory=SealSettings)
    cluster: ClusterSettings = field(default_factory=ClusterSettings)
    ui: bool | None = None

    def limits_of(self, listener: ListenerConfig) -> Limits:
        """Return what a client may send to a listener: the largest secret too, unless told otherwise."""
        limits = listener.limits
        if listener.own_request_size:
            return limits
        room = REQUEST_BYTES_PER_SECRET_BYTE * self.max_secret_bytes + REQUEST_BYTES_AROUND_A_SECRET
        return replace(limits, body_bytes=min(max(limits.body_bytes, room), LARGEST_REQUEST_LIMIT))

    @property
    def data_directory(self) -> str:
        """Directory of an embedded storage, empty for other kinds."""
        return self.storage_options.get("path", "") if self.storage_kind in {"file", "lmdb"} else ""

    def offers_pages(self, listener: ListenerConfig) -> bool:
        """Whether a listener answers requests for the web page, too."""
        return is_loopback(listener.host) if self.ui is None else self.ui


def dev_config(*, address: str = DEFAULT_ADDRESS) -> ServerConfig:
    """Return the configuration of a throw-away store: in memory, on loopback, in one process.

    Raises:
        InvalidInputError: ``address`` is not on loopback.
    """
    host, port = split_address(address)
    if not is_loopback(host):
        raise InvalidInputError("-dev-listen-address: expected a loopback address; a dev store has no TLS")
    return ServerConfig(
        storage_kind="inmem",
        storage_options={},
        listeners=(ListenerConfig(host=host, port=port),),
        workers=0,
        lock_memory=False,
    )


def split_address(address: str) -> tuple[str, int]:
    """Return host and port of ``host:port`` or ``[host]:port``.

    Raises:
        InvalidInputError: it is neither.
    """
    host, _, port = address.rpartition(":")
    if not host or not re.fullmatch("[0-9]{1,5}", port) or int(port) > MAX_PORT:
        raise InvalidInputError("address: expected host:port, such as 127.0.0.1:8200")
    return host.strip("[]"), int(port)
