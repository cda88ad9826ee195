"""A node's dealings with one namespace of a Vault-compatible store: its token, and which KV version is there.

What a 403 means is asked of the store itself: a token that can look itself up is alive, so its policies do
not allow the request, and no login would change that. A token that cannot is replaced, once.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from holdfast.client import KvMount, VaultClient
from holdfast.client.errors import (
    RemoteError,
    RemoteNotFoundError,
    RemotePermissionDeniedError,
    RemoteUnauthenticatedError,
)
from holdfast.clock import Clock
from holdfast.errors import HoldfastError
from holdfast.model import SecretBytes
from holdfast.providers.errors import (
    CredentialExpiredError,
    ProviderDeniedError,
    ProviderUnavailableError,
)
from holdfast.providers.grant import Grant, LiveGrant
from holdfast.providers.remote_words import in_node_words, vault_words
from holdfast.providers.vault_options import VaultOptions

RETRIES = 1  # of what only reads
FRESH_SECONDS = 60.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True, repr=False)
class Acting:
    """A token, and clients that act as it in the session's namespace and in the token's own."""

    client: VaultClient
    token: SecretBytes
    home: VaultClient


class VaultSession:
    """One namespace, with a token of its own.

    Args:
        options: where the store is, and how to log in.
        namespace: empty for the root.
        clock: the time.
        place: what errors call the mount; the KV mount unless it is another.
    """

    def __init__(self, options: VaultOptions, namespace: str, *, clock: Clock, place: str = "") -> None:
        self._options = options
        self._place = place or options.mount
        self._namespace = namespace
        self._clock = clock
        self._kv_version = options.kv_version
        self._cannot_look_itself_up = False
        self._client(None, namespace)  # a bad address shows now
        self.live = LiveGrant(
            self._log_in, clock=clock, renew=self._renew, longest_pause=options.longest_pause
        )

    def call(self, action: Callable[[KvMount], T]) -> T:
        """Do something with the KV mount, as a token that is alive; raises as ``ask``."""
        return self.ask(lambda client: self._act(client, action))

    def ask(self, action: Callable[[VaultClient], T]) -> T:
        """Ask the store something, as a token that is alive.

        Raises:
            CredentialExpiredError: the node cannot log in, or its token is dead and nobody gave it another.
            ProviderDeniedError: the token is good, and its policies do not allow this.
            RemoteError: what else the store says.
        """
        grant = self.live.current()
        try:
            return action(grant.client.client)
        except (RemotePermissionDeniedError, RemoteUnauthenticatedError) as error:
            if self._is_good(grant, error):
                raise self._denied(error) from None
        grant = self.live.replace(grant)
        try:
            return action(grant.client.client)
        except RemoteUnauthenticatedError as error:
            raise CredentialExpiredError(
                "the store does not accept the token", detail=error.message
            ) from None
        except RemotePermissionDeniedError as error:
            if not self._options.login.repeatable and not self._can_look_up(grant.client.token):
                raise CredentialExpiredError(
                    "the store does not accept VAULT_TOKEN (expired, revoked, or of another store); "
                    "give the node a new one",
                    detail=error.message,
                ) from None
            # The token is new, so it is good, be it allowed to look itself up or not.
            self._cannot_look_itself_up = not self._can_look_up(grant.client.token)
            raise self._denied(error) from None

    def check(self) -> bool:
        """Raise unless the token is good and the mount is found; return whether the mount keeps versions."""

        def look(mount: KvMount) -> bool:
            self._check_token()
            return mount.keeps_versions

        return self.call(look)

    def close(self) -> None:
        """Revoke the token if the node got it by logging in; wipe it."""
        grant = self.live.grant
        if grant is not None and self._options.login.repeatable:
            with suppress(HoldfastError):  # it ends by itself
                grant.client.home.revoke_self()
        self.live.close()

    def _act(self, client: VaultClient, action: Callable[[KvMount], T]) -> T:
        if self._kv_version is None:
            self._kv_version = self._find_version(client)
        return action(KvMount(client, self._options.mount, version=self._kv_version))

    def _find_version(self, client: VaultClient) -> int:
        """Ask the narrow question, which any token with rights below the mount may; then the wider ones.

        The policies of the original's users grant ``sys/mounts/*``: that is the mount itself, not the table.
        """
        path = self._options.mount
        try:
            return KvMount.detect(client, path).version
        except (RemotePermissionDeniedError, RemoteNotFoundError):
            pass
        try:
            return KvMount.detect_by_configuration(client, path).version
        except RemoteError:
            pass
        try:
            return KvMount.detect_by_table(client, path).version
        except RemoteNotFoundError as error:
            raise ProviderUnavailableError(f"VAULT_BACKEND_PATH: {error.message}") from None

    def _check_token(self) -> None:
        grant = self.live.current()
        if not self._cannot_look_itself_up and not self._can_look_up(grant.client.token):
            raise RemotePermissionDeniedError("permission denied")

    def _is_good(self, grant: Grant[Acting], error: RemoteError) -> bool:
        if isinstance(error, RemoteUnauthenticatedError):
            return False
        if self._cannot_look_itself_up:
            return self._clock.now() < grant.obtained_at + FRESH_SECONDS
        return self._can_look_up(grant.client.token)

    def _can_look_up(self, token: SecretBytes) -> bool:
        for home in self._homes():
            client = self._client(token, home)
            try:
                client.lookup_self()
            except (RemotePermissionDeniedError, RemoteUnauthenticatedError):
                continue
            finally:
                client.close()
            return True
        return False

    def _homes(self) -> list[str]:
        """Return in which namespaces the token may be at home, where alone it may look itself up."""
        options = self._options
        homes = [self._namespace if options.login_namespace is None else options.login_namespace]
        if not options.login.repeatable:  # a token that was given may have another home than here
            homes += [options.namespace, ""]
        return list(dict.fromkeys(homes))

    def _denied(self, error: RemoteError) -> ProviderDeniedError:
        where = f" of namespace {self._namespace}" if self._namespace else ""
        return ProviderDeniedError(
            f"the policies of the node's token do not allow this at {self._place}/{where}",
            detail=error.message,
        )

    def _log_in(self) -> Grant[Acting]:
        for home in self._homes():
            with in_node_words(vault_words(self._options.address, namespace=self._namespace)):
                given = self._options.login.log_in(partial(self._client, namespace=home))
            if given.seconds is not None:
                break  # the token knows its time here, so this is where it is renewed
        acting = Acting(
            self._client(given.token, self._namespace), given.token, self._client(given.token, home)
        )
        return Grant(
            acting,
            given.seconds,
            given.token.wipe,
            renewable=given.renewable,
        )

    def _renew(self, acting: Acting) -> float | None:
        try:
            auth = acting.home.request("POST", "auth/token/renew-self", {}).get("auth")
        except RemoteError as error:
            if self._options.login.repeatable:
                raise CredentialExpiredError("the token cannot be renewed", detail=error.message) from None
            raise ProviderUnavailableError(
                f"VAULT_TOKEN cannot be renewed: {error.message}", detail=error.message
            ) from None
        return float(auth.get("lease_duration") or 0) or None if isinstance(auth, dict) else None

    def _client(self, token: SecretBytes | None, namespace: str) -> VaultClient:
        return VaultClient(
            self._options.address,
            token,
            tls=self._options.tls,
            namespace=namespace,
            timeout_seconds=self._options.timeout_seconds,
            retries=RETRIES,
        )
