"""The provider that a node uses, which somebody may log in to while the node runs.

    configured ──▶ open ──▶ used
    configured without a credential ──▶ every call is refused ──log in──▶ used, until the node stops
    what it needs to be opened is away ──▶ every call is refused ──it is back──▶ used

What a login gave is in memory only. It takes the place of the configured credential and of nothing else but
the settings it may name, and never sends the configured credential anywhere.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.providers.errors import (
    CredentialExpiredError,
    NoCredentialError,
    ProviderUnavailableError,
)
from holdfast.providers.interface import ProviderStatus, Reason, Secret, SecretRef, SecretsProvider, trouble

# What a login may say, by type of provider: no names of files, which only the node's operator chooses.
LOGIN_SETTINGS: Mapping[str, frozenset[str]] = {
    "vault": frozenset({"VAULT_ADDR", "VAULT_TOKEN", "VAULT_NAMESPACE", "VAULT_BACKEND_PATH"}),
    "vault-transit": frozenset({"VAULT_ADDR", "VAULT_TOKEN", "VAULT_NAMESPACE"}),
    "dcos": frozenset(
        {"DCOS_CLUSTER_URL", "DCOS_SECRETS_USERNAME", "DCOS_SECRETS_PASSWORD", "SECRETS_BASE_PATH"}
    ),
    "aws-kms": frozenset(
        {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_TOKEN_KEY", "AWS_CMK", "AWS_REGION"}
    ),
    "aws-secrets-manager": frozenset(
        {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_TOKEN_KEY", "AWS_REGION"}
    ),
    "k8s": frozenset(),
}

# What is configured and does not count for a login, lest it be sent to where the login points.
_OF_VAULT = frozenset({"VAULT_TOKEN", "VAULT_TOKEN_FILE", "VAULT_AUTH_METHOD"})
_OF_AWS = frozenset(
    {
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY_FILE"),
        *("AWS_SECRET_TOKEN_KEY", "AWS_SESSION_TOKEN"),
    }
)
CREDENTIALS: Mapping[str, frozenset[str]] = {
    "vault": _OF_VAULT,
    "vault-transit": _OF_VAULT,
    "aws-kms": _OF_AWS,
    "aws-secrets-manager": _OF_AWS,
    "dcos": frozenset(
        {
            *("DCOS_SECRETS_USERNAME", "DCOS_SECRETS_USERNAME_FILE"),
            *("DCOS_SECRETS_PASSWORD", "DCOS_SECRETS_PASSWORD_FILE", "DCOS_SERVICE_ACCOUNT_CREDENTIAL"),
        }
    ),
}

TRY_AGAIN_SECONDS = 5.0

Open = Callable[[Mapping[str, str]], SecretsProvider]


class ProviderSlot:
    """A provider, behind the interface of one.

    Args:
        kind: its type string.
        open_with: opens it with some settings put over the configured ones.

    Raises:
        InvalidInputError: a configured setting is malformed.
    """

    def __init__(self, kind: str, open_with: Open) -> None:
        self.kind = kind
        self._open_with = open_with
        self._guard = threading.Lock()
        self._retired: list[SecretsProvider] = []
        self._opening = threading.Lock()
        self._is_login = False
        self._is_closed = False
        self._try_again_at = 0.0
        self._provider: SecretsProvider | None = None
        self._refusal: ProviderUnavailableError = CredentialExpiredError("")
        self._open()

    def get(self, ref: SecretRef) -> Secret:
        """Return the value of a secret; see ``SecretsProvider``."""
        return self._usable().get(ref)

    def put(self, ref: SecretRef, value: SecretBytes, *, expected_version: int | None = None) -> int | None:
        """Store a value as the newest version; see ``SecretsProvider``."""
        return self._usable().put(ref, value, expected_version=expected_version)

    def destroy(self, ref: SecretRef) -> None:
        """Remove a version, or all; see ``SecretsProvider``."""
        self._usable().destroy(ref)

    def versions(self, ref: SecretRef) -> tuple[int, ...]:
        """Return the versions that can be read; see ``SecretsProvider``."""
        return self._usable().versions(ref)

    def list(self, prefix: str = "", *, namespace: str = "") -> list[str]:
        """Return the names one level below ``prefix``; see ``SecretsProvider``."""
        return self._usable().list(prefix, namespace=namespace)

    def status(self) -> ProviderStatus:
        """Try whether keys can be had now; see ``SecretsProvider``."""
        provider = self._opened()
        if provider is None:
            problem, reason = trouble(self._refusal)
            return ProviderStatus(kind=self.kind, place="", usable=False, problem=problem, reason=reason)
        status = provider.status()
        if not self._is_login:
            return status
        note = "logged in by command: the login ends with this node's process"
        return replace(status, notes=(*status.notes, note))

    def log_in(self, settings: Mapping[str, str]) -> ProviderStatus:
        """Use other credentials from now on, if they are good.

        Args:
            settings: those of ``LOGIN_SETTINGS`` that the caller gave.

        Raises:
            InvalidInputError: a setting that a login may not name, or one that is missing or malformed.
            CredentialExpiredError: the store does not accept them.
            ProviderUnavailableError: it cannot be tried now.
        """
        allowed = LOGIN_SETTINGS.get(self.kind, frozenset())
        if unknown := settings.keys() - allowed:
            names = ", ".join(sorted(allowed)) or "none"
            raise InvalidInputError(f"SecretConfig: {len(unknown)} unknown settings; expected of: {names}")
        masked = dict.fromkeys(CREDENTIALS.get(self.kind, ()), "")
        provider = self._open_with({**masked, **settings})
        status = provider.status()
        if not status.usable:
            provider.close()
            text = status.problem.removeprefix("Not authenticated with the secrets endpoint: ")
            refused = status.reason is Reason.REFUSED
            raise (CredentialExpiredError if refused else ProviderUnavailableError)(text)
        with self._guard:
            # Requests under way go on with the one before; it is let go of with the next change.
            gone, self._retired = self._retired, [self._provider] if self._provider is not None else []
            self._provider, self._is_login = provider, True
        for one in gone:
            one.close()
        return self.status()

    def close(self) -> None:
        """Let go of everything; see ``SecretsProvider``."""
        with self._guard:
            gone = [*self._retired, *([self._provider] if self._provider is not None else [])]
            self._retired, self._provider, self._is_closed = [], None, True
            self._refusal = ProviderUnavailableError("the node is stopping")
        for provider in gone:
            provider.close()

    def _usable(self) -> SecretsProvider:
        provider = self._opened()
        if provider is None:
            raise self._refusal.with_traceback(None)
        return provider

    def _opened(self) -> SecretsProvider | None:
        """Return the provider; looks now and then whether what was missing at the start is there by now."""
        if self._provider is None and not self._is_closed and self._opening.acquire(blocking=False):
            try:
                if self._provider is None and time.monotonic() >= self._try_again_at:
                    self._open()
            except InvalidInputError as error:
                self._refusal = CredentialExpiredError(error.message)
            finally:
                self._opening.release()
        return self._provider

    def _open(self) -> None:
        self._try_again_at = time.monotonic() + TRY_AGAIN_SECONDS
        try:
            provider = self._open_with({})
        except NoCredentialError as error:
            command = f"hfctl secrets {self.kind.partition('-')[0]} login"
            self._refusal = CredentialExpiredError(
                f"{error.message}; configure it, or log in with `{command}`"
            )
        except ProviderUnavailableError as error:
            self._refusal = error
        else:
            with self._guard:
                is_wanted = self._provider is None and not self._is_closed
                if is_wanted:
                    self._provider = provider
            if not is_wanted:
                provider.close()
