"""Keys from the KV engine of a Vault-compatible store, Holdfast's own or another, with a static token.

The KV version of the mount is found through ``sys/internal/ui/mounts/<mount>``, which any token with
rights below the mount may ask, and through ``sys/mounts`` where an older policy grants only that. Exact
versions are honoured on KV v2.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from holdfast.client import KvMount, TlsSettings, VaultClient
from holdfast.client.errors import (
    RemoteConflictError,
    RemoteError,
    RemoteNotFoundError,
    RemotePermissionDeniedError,
    RemoteSealedError,
    RemoteUnauthenticatedError,
)
from holdfast.errors import HoldfastError, InvalidInputError
from holdfast.model import SecretBytes
from holdfast.providers.errors import (
    ProviderRefusedError,
    ProviderUnavailableError,
    SecretExistsError,
    SecretNotFoundError,
)
from holdfast.providers.interface import ProviderStatus, Secret, SecretRef
from holdfast.providers.value import FIELD, only_value

TIMEOUT_SECONDS = 10.0  # an attach waits for this; a store that needs longer is as good as away
KV_VERSIONS = {"kv": 1, "kv-v2": 2}
GO_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
GO_FALSE = frozenset({"", "0", "f", "F", "false", "FALSE", "False"})

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultOptions:
    """Where the store is and how to talk to it.

    Attributes:
        address: ``VAULT_ADDR``.
        token: ``VAULT_TOKEN``.
        mount: ``VAULT_BACKEND_PATH``, the KV mount.
        kv_version: from ``VAULT_BACKEND``; ``None`` to find out.
        namespace: ``VAULT_NAMESPACE``, for references that name none.
        base_path: ``VAULT_BASE_PATH``, put in front of every secret's name.
        tls: from ``VAULT_CACERT``, ``VAULT_CAPATH`` and the like.
    """

    address: str
    token: SecretBytes = field(repr=False)
    mount: str = "secret"
    kv_version: int | None = None
    namespace: str = ""
    base_path: str = ""
    tls: TlsSettings = field(default_factory=TlsSettings)


def read_options(options: Mapping[str, str], environment: Mapping[str, str]) -> VaultOptions:
    """Read the ``VAULT_*`` settings.

    Args:
        options: the configuration's; an entry here wins, even an empty one.
        environment: used for what ``options`` does not mention.

    Raises:
        InvalidInputError: a setting is missing or malformed.
    """

    def setting(name: str) -> str:
        return options.get(name, environment.get(name, "")).strip()

    if not setting("VAULT_ADDR"):
        raise InvalidInputError("VAULT_ADDR not set")
    skip = setting("VAULT_SKIP_VERIFY")
    if skip not in GO_TRUE | GO_FALSE:
        raise InvalidInputError("VAULT_SKIP_VERIFY is invalid: expected true or false")
    return VaultOptions(
        address=setting("VAULT_ADDR"),
        token=_read_token(setting("VAULT_TOKEN"), setting("VAULT_TOKEN_FILE")),
        mount=setting("VAULT_BACKEND_PATH").strip("/") or "secret",
        kv_version=KV_VERSIONS.get(setting("VAULT_BACKEND")),
        namespace=setting("VAULT_NAMESPACE"),
        base_path=setting("VAULT_BASE_PATH").strip("/"),
        tls=TlsSettings(
            ca_cert=setting("VAULT_CACERT"),
            ca_path=setting("VAULT_CAPATH"),
            client_cert=setting("VAULT_CLIENT_CERT"),
            client_key=setting("VAULT_CLIENT_KEY"),
            server_name=setting("VAULT_TLS_SERVER_NAME"),
            unsafe_skip_verification=skip in GO_TRUE,
        ),
    )


def _read_token(token: str, token_file: str) -> SecretBytes:
    if not token and token_file:
        try:
            token = Path(token_file).read_text().strip()
        except (OSError, UnicodeDecodeError):
            raise InvalidInputError("VAULT_TOKEN_FILE: expected a readable file with a token in it") from None
    if not token:
        raise InvalidInputError("VAULT_TOKEN or VAULT_AUTH_METHOD not set")
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise InvalidInputError("VAULT_TOKEN: expected printable ASCII without blanks")
    return SecretBytes(token.encode())


class VaultProvider:
    """Secrets in one KV mount of a Vault-compatible store.

    Raises:
        InvalidInputError: the address cannot be used.
    """

    kind = "vault"

    def __init__(self, options: VaultOptions) -> None:
        self._options = options
        self._guard = threading.Lock()
        self._clients: dict[str, VaultClient] = {}
        self._mounts: dict[str, KvMount] = {}
        self._client(options.namespace)  # so that a bad address is found at start, not at the first attach

    def get(self, ref: SecretRef) -> Secret:
        """Return the value of a secret; see ``SecretsProvider``."""
        entry = self._call(ref, lambda mount, name: mount.get(name, version=ref.version))
        return Secret(only_value(entry.data), entry.version)

    def put(self, ref: SecretRef, value: SecretBytes, *, expected_version: int | None = None) -> int | None:
        """Store a value as the newest version; see ``SecretsProvider``.

        A KV v1 mount cannot check and write in one step; there, 0 is checked just before the write.
        """
        data = {FIELD: value.reveal().decode()}

        def write(mount: KvMount, name: str) -> int | None:
            if not mount.keeps_versions:
                self._expect_v1(mount, name, expected_version)
                return mount.put(name, data)
            return mount.put(name, data, cas=expected_version)

        return self._call(ref, write)

    def destroy(self, ref: SecretRef) -> None:
        """Remove a version, or all; see ``SecretsProvider``."""

        def remove(mount: KvMount, name: str) -> None:
            if ref.version is not None:
                mount.destroy_versions(name, [ref.version])
            else:
                mount.destroy(name)

        try:
            self._call(ref, remove)
        except SecretNotFoundError:
            return

    def list(self, prefix: str = "", *, namespace: str = "") -> list[str]:
        """Return the names one level below ``prefix``; see ``SecretsProvider``."""
        where = "/".join(part for part in (self._options.base_path, prefix.strip("/")) if part)
        with _in_node_words(self._options.address):
            return self._mount(namespace).list(where)

    def status(self) -> ProviderStatus:
        """Try whether keys can be had now; see ``SecretsProvider``."""
        place = f"{self._options.address} mount {self._options.mount}/"
        versioned = None
        try:
            with _in_node_words(self._options.address):
                self._client(self._options.namespace).lookup_self()
                versioned = self._mount("").keeps_versions
        except HoldfastError as error:
            return ProviderStatus(kind=self.kind, place=place, usable=False, problem=error.message)
        return ProviderStatus(kind=self.kind, place=place, usable=True, versioned=versioned)

    def _call(self, ref: SecretRef, action: Callable[[KvMount, str], T]) -> T:
        name = f"{self._options.base_path}/{ref.name}" if self._options.base_path else ref.name
        with _in_node_words(self._options.address):
            return action(self._mount(ref.namespace), name)

    def _client(self, namespace: str) -> VaultClient:
        with self._guard:
            if namespace not in self._clients:
                self._clients[namespace] = VaultClient(
                    self._options.address,
                    self._options.token,
                    tls=self._options.tls,
                    namespace=namespace,
                    timeout_seconds=TIMEOUT_SECONDS,
                )
            return self._clients[namespace]

    def _mount(self, namespace: str) -> KvMount:
        namespace = namespace or self._options.namespace
        mount = self._mounts.get(namespace)
        if mount is None:
            mount = self._mounts[namespace] = self._find_mount(self._client(namespace))
        return mount

    def _find_mount(self, client: VaultClient) -> KvMount:
        if self._options.kv_version is not None:
            return KvMount(client, self._options.mount, version=self._options.kv_version)
        try:
            return KvMount.detect(client, self._options.mount)
        except (RemotePermissionDeniedError, RemoteNotFoundError):
            pass
        try:
            return KvMount.detect_by_table(client, self._options.mount)
        except RemoteNotFoundError as error:
            raise ProviderUnavailableError(f"VAULT_BACKEND_PATH: {error.message}") from None

    def _expect_v1(self, mount: KvMount, name: str, expected_version: int | None) -> None:
        if expected_version is None:
            return
        if expected_version:
            raise InvalidInputError("expected version: a KV version 1 mount keeps no versions")
        try:
            mount.get(name)
        except RemoteNotFoundError:
            return
        raise SecretExistsError


@contextmanager
def _in_node_words(address: str) -> Iterator[None]:
    """Turn what the store said to the node into what the node says to its user."""
    store = f"the secrets provider (vault at {address})"
    try:
        yield
    except RemoteSealedError:
        raise ProviderUnavailableError(f"{store} is sealed; unseal it and try again") from None
    except (RemoteUnauthenticatedError, RemotePermissionDeniedError) as error:
        raise ProviderRefusedError(
            f"{store} refuses the node's token (expired, revoked, or without a policy for this path)",
            detail=error.message,
        ) from None
    except RemoteNotFoundError as error:
        raise SecretNotFoundError(detail=error.message) from None
    except RemoteConflictError as error:
        raise SecretExistsError(detail=error.message) from None
    except RemoteError as error:
        raise ProviderUnavailableError(f"{store} cannot be used: {error.message}") from None
