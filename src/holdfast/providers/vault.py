"""Keys from the KV engine of a Vault-compatible store, Holdfast's own or another.

Each namespace has a session of its own, so that two tenants never take each other's token away. Exact
versions are honoured on KV v2.
"""

import threading
from collections.abc import Callable
from typing import TypeVar

from holdfast.client import KvMount
from holdfast.client.errors import RemoteNotFoundError
from holdfast.clock import Clock, SystemClock
from holdfast.errors import HoldfastError, InvalidInputError
from holdfast.model import SecretBytes
from holdfast.providers.errors import SecretExistsError, SecretNotFoundError
from holdfast.providers.grant import Upkeep
from holdfast.providers.interface import ProviderStatus, Reason, Secret, SecretRef, trouble
from holdfast.providers.remote_words import Words, in_node_words, vault_words
from holdfast.providers.value import FIELD, only_value
from holdfast.providers.vault_options import VaultOptions
from holdfast.providers.vault_session import VaultSession

ROOT_NAMESPACE = "root"  # names the root where VAULT_NAMESPACE names another

T = TypeVar("T")


class VaultProvider:
    """Secrets in one KV mount of a Vault-compatible store.

    Args:
        options: where the store is, and how to log in.
        clock: the time.

    Raises:
        InvalidInputError: the address cannot be used.
    """

    kind = "vault"

    def __init__(self, options: VaultOptions, *, clock: Clock | None = None) -> None:
        self._options = options
        self._clock = clock or SystemClock()
        self._guard = threading.Lock()
        self._sessions: dict[str, VaultSession] = {}
        self._upkeep = Upkeep(clock=self._clock, name="vault-tokens")
        self._session("")  # so that a bad address is found at start, not at the first attach

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

    def versions(self, ref: SecretRef) -> tuple[int, ...]:
        """Return the versions that can be read; see ``SecretsProvider``."""
        try:
            return self._call(ref, lambda mount, name: mount.versions(name))
        except SecretNotFoundError:
            return ()

    def list(self, prefix: str = "", *, namespace: str = "") -> list[str]:
        """Return the names one level below ``prefix``; see ``SecretsProvider``."""
        where = "/".join(part for part in (self._options.base_path, prefix.strip("/")) if part)
        with in_node_words(self._words(namespace)):
            return self._session(namespace).call(lambda mount: mount.list(where))

    def status(self) -> ProviderStatus:
        """Try whether keys can be had now; see ``SecretsProvider``."""
        session = self._session("")
        versioned, problem, reason = None, "", Reason.NONE
        try:
            with in_node_words(self._words("")):
                versioned = session.check()
        except HoldfastError as error:
            problem, reason = trouble(error)
        # A token that counts for nothing was never renewed, whenever it was read.
        grant = session.live.grant if reason is not Reason.REFUSED else None
        return ProviderStatus(
            kind=self.kind,
            place=f"{self._options.address} mount {self._options.mount}/",
            usable=not problem,
            problem=problem,
            reason=reason,
            versioned=versioned,
            login=self._options.login.name,
            renewed_at=grant.obtained_at if grant is not None else None,
            expires_at=grant.expires_at if grant is not None else None,
            notes=self._notes(session),
        )

    def close(self) -> None:
        """Revoke the tokens that the node logged in for, and wipe them; see ``SecretsProvider``."""
        self._upkeep.close()
        with self._guard:
            sessions = list(self._sessions.values())
            self._sessions.clear()
        for session in sessions:
            session.close()

    def _call(self, ref: SecretRef, action: Callable[[KvMount, str], T]) -> T:
        name = f"{self._options.base_path}/{ref.name}" if self._options.base_path else ref.name
        with in_node_words(self._words(ref.namespace)):
            return self._session(ref.namespace).call(lambda mount: action(mount, name))

    def _words(self, namespace: str) -> Words:
        return vault_words(self._options.address, namespace=namespace or self._options.namespace)

    def _session(self, namespace: str) -> VaultSession:
        namespace = namespace.strip("/") or self._options.namespace
        if namespace == ROOT_NAMESPACE:
            namespace = ""
        with self._guard:
            if namespace not in self._sessions:
                session = VaultSession(self._options, namespace, clock=self._clock)
                self._upkeep.keep(session.live)
                self._sessions[namespace] = session
            return self._sessions[namespace]

    def _notes(self, session: VaultSession) -> tuple[str, ...]:
        notes = []
        if self._options.tls.unsafe_skip_verification:
            notes.append(
                "VAULT_SKIP_VERIFY is on: whoever is between the node and the store can read every key"
            )
        if session.live.problem:
            notes.append(f"the last login or renewal failed: {session.live.problem}")
        return tuple(notes)

    @staticmethod
    def _expect_v1(mount: KvMount, name: str, expected_version: int | None) -> None:
        if expected_version is None:
            return
        if expected_version:
            raise InvalidInputError("expected version: a KV version 1 mount keeps no versions")
        try:
            mount.get(name)
        except RemoteNotFoundError:
            return
        raise SecretExistsError
