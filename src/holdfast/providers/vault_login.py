"""How a node gets a token of a Vault-compatible store: one given, a Kubernetes service account, or AppRole.

Whatever proves who the node is (the token file, the service account's token, the secret id) is read anew at
each login, because all of them are replaced while a node runs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from holdfast.client import VaultClient
from holdfast.client.errors import (
    RemotePermissionDeniedError,
    RemoteUnauthenticatedError,
)
from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.providers.errors import CredentialExpiredError, NoCredentialError, ProviderUnavailableError
from holdfast.providers.remote_words import REFUSED_LOGIN
from holdfast.providers.settings import Settings, secret_word_of_file

SERVICE_ACCOUNT_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105 - a path


@dataclass(frozen=True, slots=True, repr=False)
class VaultToken:
    """A token, and how long it lasts.

    Attributes:
        token: the token.
        seconds: from now on; ``None`` if it has no end, or none that it may look up.
        renewable: whether it can be prolonged.
    """

    token: SecretBytes
    seconds: float | None
    renewable: bool


class VaultLogin(Protocol):
    """One way to get a token."""

    name: str

    repeatable: bool
    """Whether what comes of it is the node's own, to be revoked when it is not needed any more."""

    def log_in(self, client_of: Callable[[SecretBytes | None], VaultClient]) -> VaultToken:
        """Get a token.

        Args:
            client_of: makes a client of the store that acts as a token, or as nobody.

        Raises:
            CredentialExpiredError: the store does not accept what the node shows.
            HoldfastError: the store cannot be used now.
        """
        ...


class GivenToken:
    """A token that somebody gives the node, and replaces when it has run out.

    Args:
        source: reads it.
    """

    name = "token"
    repeatable = False

    def __init__(self, source: Callable[[], SecretBytes]) -> None:
        self._source = source

    def log_in(self, client_of: Callable[[SecretBytes | None], VaultClient]) -> VaultToken:
        """Read the token, and ask the store how long it lasts; see ``VaultLogin``."""
        token = self._source()
        client = client_of(token)
        try:
            known = client.lookup_self()
        except RemoteUnauthenticatedError:
            raise self._dead() from None
        except RemotePermissionDeniedError:
            # Dead, or alive without the right to look itself up: its first use will show.
            return VaultToken(token, None, renewable=False)
        finally:
            client.close()
        seconds = float(known.get("ttl") or 0)
        return VaultToken(token, seconds or None, renewable=bool(known.get("renewable")))

    @staticmethod
    def _dead() -> CredentialExpiredError:
        return CredentialExpiredError(
            "VAULT_TOKEN: the store does not accept it (expired or revoked); give the node a new one"
        )


class KubernetesLogin:
    """The node's service account.

    Args:
        role: of the store's mount.
        token_path: file with the account's token, which Kubernetes replaces every hour or so.
        mount: path of the auth method.
    """

    name = "kubernetes"
    repeatable = True

    def __init__(self, role: str, *, token_path: str, mount: str) -> None:
        self._role = role
        self._token_path = token_path
        self._mount = mount

    def log_in(self, client_of: Callable[[SecretBytes | None], VaultClient]) -> VaultToken:
        """Show the account's token; see ``VaultLogin``."""
        try:
            account = secret_word_of_file(self._token_path, field="VAULT_AUTH_KUBERNETES_TOKEN_PATH")
        except InvalidInputError as error:
            raise ProviderUnavailableError(error.message) from None
        with account:
            shown = {"role": self._role, "jwt": account.reveal().decode()}
            return _log_in(client_of, self._mount, shown, "the role, or what it says of service accounts")


class AppRoleLogin:
    """A role id and a secret id.

    Args:
        role_id: of the role.
        secret_id: reads the secret id.
        mount: path of the auth method.
    """

    name = "approle"
    repeatable = True

    def __init__(self, role_id: str, *, secret_id: Callable[[], SecretBytes], mount: str) -> None:
        self._role_id = role_id
        self._secret_id = secret_id
        self._mount = mount

    def log_in(self, client_of: Callable[[SecretBytes | None], VaultClient]) -> VaultToken:
        """Show both ids; see ``VaultLogin``."""
        shown = {"role_id": self._role_id, "secret_id": self._secret_id().reveal().decode()}
        return _log_in(client_of, self._mount, shown, "the role id and the secret id, which may have run out")


def _log_in(
    client_of: Callable[[SecretBytes | None], VaultClient], mount: str, shown: Mapping[str, Any], check: str
) -> VaultToken:
    client = client_of(None)
    try:
        auth = client.request("POST", f"auth/{mount}/login", shown).get("auth")
    except REFUSED_LOGIN as error:
        raise CredentialExpiredError(
            f"the store refuses the login at auth/{mount}; check {check}", detail=error.message
        ) from None
    finally:
        client.close()
    if not isinstance(auth, dict) or not isinstance(auth.get("client_token"), str):
        raise ProviderUnavailableError("the store's answer to the login has no token")
    return VaultToken(
        SecretBytes(auth["client_token"].encode()),
        float(auth.get("lease_duration") or 0) or None,
        renewable=bool(auth.get("renewable")),
    )


def read_login(settings: Settings) -> VaultLogin:
    """Return the login that the settings ask for; a given token wins over a method.

    Raises:
        InvalidInputError: none is asked for, or something that it needs is missing.
    """
    if settings.text("VAULT_TOKEN") or settings.text("VAULT_TOKEN_FILE"):
        _secret(settings, "VAULT_TOKEN")()  # what is malformed shows at start
        return GivenToken(_secret(settings, "VAULT_TOKEN"))
    method = settings.text("VAULT_AUTH_METHOD").lower()
    if not method:
        raise NoCredentialError("VAULT_TOKEN or VAULT_AUTH_METHOD not set")
    if method == "kubernetes":
        return KubernetesLogin(
            settings.required("VAULT_AUTH_KUBERNETES_ROLE"),
            token_path=settings.text("VAULT_AUTH_KUBERNETES_TOKEN_PATH", default=SERVICE_ACCOUNT_TOKEN),
            mount=settings.text("VAULT_AUTH_MOUNT_PATH", default="kubernetes").strip("/"),
        )
    if method == "approle":
        missing = "VAULT_APPROLE_ROLE_ID or VAULT_APPROLE_SECRET_ID not set"
        if settings.secret("VAULT_APPROLE_SECRET_ID") is None:
            raise InvalidInputError(missing)
        return AppRoleLogin(
            settings.required("VAULT_APPROLE_ROLE_ID", message=missing),
            secret_id=_secret(settings, "VAULT_APPROLE_SECRET_ID"),
            mount=settings.text("VAULT_AUTH_MOUNT_PATH", default="approle").strip("/"),
        )
    raise InvalidInputError("VAULT_AUTH_METHOD: unknown auth method; expected kubernetes or approle")


def _secret(settings: Settings, name: str) -> Callable[[], SecretBytes]:
    def read() -> SecretBytes:
        secret = settings.secret(name)
        if secret is None:
            raise NoCredentialError(f"{name} not set")
        return secret

    return read
