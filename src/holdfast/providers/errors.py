"""What can go wrong at a secrets provider, in the node's words.

    ProviderUnavailableError (UnavailableError)   sealed, unreachable or failing; later may help
    ├── ProviderSealedError                       ... because it is sealed
    └── ProviderRefusedError                      it refuses the node's own credential or request
        ├── CredentialExpiredError                ... the credential: expired, revoked, or never a good one
        └── ProviderDeniedError                   ... the request: the credential is good, not its rights
    SecretNotFoundError (NotFoundError)           no such secret, or not that version
    SecretExistsError (ConflictError)             the secret is there already, or was changed meanwhile
    SecretDataError (InvalidInputError)           there, but not one non-empty value
    ReadOnlyProviderError (UnsupportedError)      the provider only hands out what others put there
    NoCredentialError (InvalidInputError)         nothing is configured to log in with

A refusal by the provider is never the user's 401 or 403: it is the node that was refused. Clients of
the original match on some of these texts, so they open with its words.
"""

from holdfast.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)


class ProviderUnavailableError(UnavailableError):
    """The provider gives no answer that can be used; nothing was changed."""


class ProviderSealedError(ProviderUnavailableError):
    """The provider is sealed: somebody has to open it."""


class ProviderRefusedError(ProviderUnavailableError):
    """The provider refuses the node's own credential, or what it asks for."""

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(f"Not authenticated with the secrets endpoint: {message}", detail=detail)


class CredentialExpiredError(ProviderRefusedError):
    """The node's credential counts for nothing: expired, revoked, or never a good one."""


class ProviderDeniedError(ProviderRefusedError):
    """The provider knows the node, and no rule there allows what the node asked for."""

    def __init__(self, message: str, *, detail: str = "") -> None:
        ProviderUnavailableError.__init__(self, f"denied by the secrets provider: {message}", detail=detail)


class SecretNotFoundError(NotFoundError):
    """There is no such secret, or no such version of it."""

    def __init__(self, message: str = "", *, detail: str = "") -> None:
        text = "No Secret Data found for Secret ID"
        super().__init__(f"{text}: {message}" if message else text, detail=detail)


class SecretExistsError(ConflictError):
    """The secret is there already, or has another version by now."""

    def __init__(self, message: str = "", *, detail: str = "") -> None:
        text = "Secret Id already exists"
        super().__init__(f"{text}: {message}" if message else text, detail=detail)


class SecretDataError(InvalidInputError):
    """The secret cannot serve as a key: it must hold exactly one non-empty text value."""

    def __init__(self) -> None:
        super().__init__(
            "invalid secret data retrieved using the secret key: expected exactly one non-empty text value"
        )


class NoCredentialError(InvalidInputError):
    """Nothing is configured that the node could log in with; somebody may do it later, by command."""


class ReadOnlyProviderError(UnsupportedError):
    """The provider hands out what others put there, and takes nothing."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"implementation not supported: a provider of type {kind} is read only; put the secret there "
            "by the means that fill it"
        )
