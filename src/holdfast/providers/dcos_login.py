"""How a node gets a token of a DC/OS cluster: as a user, as a service account, or as one by way of the other.

    DCOS_SECRETS_USERNAME, DCOS_SECRETS_PASSWORD    a user, also with _FILE
    DCOS_SERVICE_ACCOUNT_CREDENTIAL                 a service account ...
    SECRETS_DCOS_USERNAME, SECRETS_DCOS_PASSWORD    ... and the paths of secrets that it may read: a user's
                                                    name and password, as whom the node then logs in

All of it is read anew for each login.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from holdfast.client import DcosClient, IamClient
from holdfast.model import SecretBytes
from holdfast.providers.dcos_service_account import NAME, read_service_account
from holdfast.providers.errors import NoCredentialError
from holdfast.providers.settings import Settings, secret_word

NO_CREDENTIALS = "Username and password are required to authenticate"


class DcosLogin(Protocol):
    """One way to get a token of a cluster."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    def log_in(self, iam: IamClient, client_of: Callable[[SecretBytes], DcosClient]) -> SecretBytes:
        """Return a token.

        Args:
            iam: where to.
            client_of: makes a client of the secrets that acts as a token.

        Raises:
            RemoteError: what the cluster says.
            InvalidInputError: what there is to show cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class UserLogin:
    """A user's name and password.

    Attributes:
        settings: where they are.
    """

    settings: Settings
    name: str = "password"

    def log_in(self, iam: IamClient, client_of: Callable[[SecretBytes], DcosClient]) -> SecretBytes:  # noqa: ARG002
        """Show the password; see ``DcosLogin``."""
        user, password = self.read()
        with password:
            return iam.log_in(user, password=password)

    def read(self) -> tuple[str, SecretBytes]:
        """Return name and password.

        Raises:
            NoCredentialError: one of them is missing.
        """
        user = self.settings.secret("DCOS_SECRETS_USERNAME")
        password = self.settings.secret("DCOS_SECRETS_PASSWORD")
        if user is None or password is None:
            raise NoCredentialError(NO_CREDENTIALS)
        return user.reveal().decode(), password


@dataclass(frozen=True, slots=True)
class ServiceAccountLogin:
    """A service account, by its key.

    Attributes:
        settings: where the credential is.
    """

    settings: Settings
    name: str = "service account"

    def log_in(self, iam: IamClient, client_of: Callable[[SecretBytes], DcosClient]) -> SecretBytes:  # noqa: ARG002
        """Show a statement that the account signed; see ``DcosLogin``."""
        return read_service_account(self.settings.text(NAME)).log_in(iam)


@dataclass(frozen=True, slots=True)
class UserOfSecretsLogin:
    """A user whose name and password are secrets that a service account may read.

    Attributes:
        account: the service account.
        user_path: of the secret with the name.
        password_path: of the secret with the password.
    """

    account: ServiceAccountLogin
    user_path: str
    password_path: str
    name: str = "password"

    def log_in(self, iam: IamClient, client_of: Callable[[SecretBytes], DcosClient]) -> SecretBytes:
        """Read both as the account, then log in as the user; see ``DcosLogin``."""
        with self.account.log_in(iam, client_of) as token:
            client = client_of(token)
            try:
                user, password = (client.get(path).strip() for path in (self.user_path, self.password_path))
            finally:
                client.close()
        with secret_word(password, field="SECRETS_DCOS_PASSWORD") as word:
            return iam.log_in(user, password=word)


def read_login(settings: Settings) -> DcosLogin:
    """Return the login that the settings ask for; a user that is named wins.

    Raises:
        NoCredentialError: they ask for none.
        InvalidInputError: something is malformed.
    """
    user = UserLogin(settings)
    if not settings.text(NAME) or settings.text("DCOS_SECRETS_USERNAME", "DCOS_SECRETS_USERNAME_FILE"):
        user.read()[1].wipe()  # what is missing shows at start
        return user
    read_service_account(settings.text(NAME)).private_key.wipe()
    account = ServiceAccountLogin(settings)
    paths = settings.text("SECRETS_DCOS_USERNAME"), settings.text("SECRETS_DCOS_PASSWORD")
    if not any(paths):
        return account
    if not all(paths):
        raise NoCredentialError("SECRETS_DCOS_USERNAME and SECRETS_DCOS_PASSWORD: expected both, or neither")
    return UserOfSecretsLogin(account, *paths)
