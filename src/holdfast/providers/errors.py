"""What can go wrong at a secrets provider, in the node's words.

    ProviderUnavailableError (UnavailableError)   sealed, unreachable or failing; later may help
    └── ProviderRefusedError                      it refuses the node's own credential or request
    SecretNotFoundError (NotFoundError)           no such secret, or not that version
    SecretExistsError (ConflictError)             the secret is there already, or was changed meanwhile
    SecretDataError (InvalidInputError)           there, but not one non-empty value

A refusal by the provider is never the user's 401 or 403: it is the node that was refused. Clients of
the original match on some of these texts, so they open with its words.
"""

from holdfast.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError


class ProviderUnavailableError(UnavailableError):
    """The provider gives no answer that can be used; nothing was changed."""


class ProviderRefusedError(ProviderUnavailableError):
    """The provider refuses the node's own credential, or what it asks for."""

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(f"Not authenticated with the secrets endpoint: {message}", detail=detail)


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
