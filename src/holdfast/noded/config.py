"""One complete configuration of a node: arguments first, then ``config.json``, then the environment."""

import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from holdfast.errors import InvalidInputError
from holdfast.node.cluster.cluster_records import SecurityStatus
from holdfast.node.cluster.membership import DEFAULT_LEASE_SECONDS
from holdfast.node.cluster.status_service import NodeIdentity
from holdfast.node.credentials.credential_check import EndpointRules
from holdfast.node.node import NodeSettings
from holdfast.node.tokens.token_service import TokenLimits
from holdfast.node.volume.host_paths import DEFAULT_ROOTS
from holdfast.noded.authentication import Authentication
from holdfast.noded.config_file import NodeConfigFile, read_config_file
from holdfast.noded.host_files import require_authorities, require_directories
from holdfast.noded.options import NodeOptions
from holdfast.noded.ownerless import read_ownerless
from holdfast.noded.state import StateSettings, check_name, read_options, read_state_settings
from holdfast.providers import ProviderSlot, plan_provider
from holdfast.providers.registry import SECRET_VARIABLES
from holdfast.storage.interface import Storage

DEFAULT_CLUSTER = "holdfast"
DEFAULT_STORAGE = "/var/lib/holdfast/node"
MIN_LEASE_SECONDS, MAX_LEASE_SECONDS = 2, 600
_URL = re.compile(r"https?://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+):[0-9]{1,5}")
GUEST_ACCESS = {"enabled": True, "disabled": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeConfig:
    """What a node needs to start.

    Attributes:
        settings: what the node's services are told.
        storage: directory of records, backing files and audit log.
        state: where the cluster's state is.
        pool: directory of backing files.
        pool_is_shared: whether other nodes may use the pool as well.
        lease_seconds: after which a node that is cut off lets go of volumes of a shared pool.
        security: whether tokens are looked at.
        advertise: by which address others reach this node; empty for the one it listens on.
        host: address to listen on.
        port: port to listen on; 0 picks a free one.
        grpc: the same two of gRPC; ``None`` for a node without.
        authentication: whose tokens are believed.
        provider: opens where keys come from; ``None`` without ``-secret_type``.
        former_provider: opens where they came from before; ``None`` unless they are to be moved.
        audit_log: file for decisions.
    """

    settings: NodeSettings
    storage: Path
    state: StateSettings
    pool: Path
    pool_is_shared: bool
    lease_seconds: float
    security: SecurityStatus
    advertise: str
    host: str
    port: int
    grpc: tuple[str, int] | None
    authentication: Authentication
    provider: Callable[[Storage], ProviderSlot] | None
    former_provider: Callable[[Storage], ProviderSlot] | None
    audit_log: Path


def read_config(options: NodeOptions, environment: Mapping[str, str]) -> NodeConfig:
    """Put the configuration together.

    Raises:
        InvalidInputError: a setting is missing or malformed; names it.
        UnsupportedError: something that is not built was asked for.
    """
    file = read_config_file(options.config)
    cluster_id = options.cluster_id or file.cluster_id or DEFAULT_CLUSTER
    host, port = _listen_address(options.listen, option="--listen", example="127.0.0.1:9021")
    if options.guest_access not in GUEST_ACCESS:
        raise InvalidInputError("--guest-access: expected enabled or disabled")
    require_directories("--mount-root", options.mount_roots)
    require_authorities("--pair-ca", options.pair_ca)
    storage = Path(options.storage or file.storage or DEFAULT_STORAGE).absolute()
    state = read_state_settings(
        options.kvdb or file.kvdb,
        {**(file.kvdb_options if file.kvdb else {}), **read_options(options.kvdb_options)},
        is_argument=bool(options.kvdb),
    )
    node_id = options.node_id or platform.node()
    if state.shared:
        check_name(cluster_id, option="-c")
        check_name(node_id, option="--node-id")
    secret_type = options.secret_type or file.secret_type
    provider_settings = {**file.settings_of(secret_type), **_pairs(options.provider_settings)}
    authentication = Authentication(options, environment, cluster_id=cluster_id)
    return NodeConfig(
        settings=NodeSettings(
            identity=NodeIdentity(cluster_id=cluster_id, node_id=node_id),
            configured_cluster_key=options.cluster_secret_key or file.cluster_secret_key,
            guest_access=GUEST_ACCESS[options.guest_access],
            ownerless_is_public=read_ownerless(options.ownerless_volumes),
            host_roots=options.mount_roots or DEFAULT_ROOTS,
            pair_ca_file=options.pair_ca,
            cloud_endpoints=EndpointRules.parse(options.cloud_endpoints, ca_cert=options.cloud_ca),
            token_limits=TokenLimits(
                max_lifetime_seconds=authentication.rules.max_lifetime_seconds,
                max_renewal_seconds=authentication.rules.max_renewal_seconds,
            ),
        ),
        storage=storage,
        state=state,
        pool=Path(options.pool).absolute() if options.pool else storage / "volumes",
        pool_is_shared=bool(options.pool) and state.shared,
        lease_seconds=_lease_seconds(options.attach_lease),
        security=_security(options),
        advertise=_advertised(options.advertise),
        host=host,
        port=port,
        grpc=_grpc_address(options.grpc_listen, host, port),
        authentication=authentication,
        provider=plan_provider(secret_type, provider_settings, environment=environment)
        if secret_type
        else None,
        former_provider=_former_provider(options, file, environment, present=secret_type),
        audit_log=Path(options.audit_log) if options.audit_log else storage / "audit.log",
    )


def _former_provider(
    options: NodeOptions, file: NodeConfigFile, environment: Mapping[str, str], *, present: str
) -> Callable[[Storage], ProviderSlot] | None:
    former = options.former_secret_type or file.former_secret_type
    if not former:
        return None
    if not present or former == present:
        raise InvalidInputError(
            "--former-secret-type: expected another type than -secret_type, which is needed as well"
        )
    given = _pairs(options.former_provider_settings, option="--former-env")
    return plan_provider(former, {**file.settings_of(former), **given}, environment=environment)


def _grpc_address(text: str, host: str, port: int) -> tuple[str, int] | None:
    if text == "off":
        return None
    if text:
        return _listen_address(text, option="--grpc-listen", example="127.0.0.1:9020, or off")
    return host, max(port - 1, 0)


def _listen_address(text: str, *, option: str, example: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:  # noqa: PLR2004
        raise InvalidInputError(f"{option}: expected host:port, such as {example}")
    return host, int(port)


def _lease_seconds(text: str) -> float:
    if not text:
        return DEFAULT_LEASE_SECONDS
    seconds = int(text) if text.isascii() and text.isdigit() else 0
    if not MIN_LEASE_SECONDS <= seconds <= MAX_LEASE_SECONDS:
        raise InvalidInputError(
            f"--attach-lease: expected a number of seconds from {MIN_LEASE_SECONDS} to {MAX_LEASE_SECONDS}"
        )
    return float(seconds)


def _security(options: NodeOptions) -> SecurityStatus:
    if options.security not in {"on", "off"}:
        raise InvalidInputError("--security: expected on or off")
    if options.security == "off":
        return SecurityStatus.UNSECURED
    if options.allow_security_removal:
        return SecurityStatus.SECURED_ALLOW_SECURITY_REMOVAL
    return SecurityStatus.SECURED


def _advertised(url: str) -> str:
    if url and not _URL.fullmatch(url):
        raise InvalidInputError("--advertise: expected http://host:port or https://host:port")
    return url


def _pairs(texts: tuple[str, ...], option: str = "-e") -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise InvalidInputError(f"{option}: expected NAME=VALUE")
        if name in SECRET_VARIABLES:
            raise InvalidInputError(
                f"{option} {name}: an argument is seen by every user of this host; set it in the "
                f"environment, or name a file with {name}_FILE"
            )
        pairs[name] = value
    return pairs
