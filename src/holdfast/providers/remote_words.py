"""What a provider's server said to the node, in the words that the node says to its user."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from holdfast.client.errors import (
    RemoteConflictError,
    RemoteError,
    RemoteInvalidInputError,
    RemoteNotFoundError,
    RemotePermissionDeniedError,
    RemoteSealedError,
    RemoteUnauthenticatedError,
)
from holdfast.providers.errors import (
    CredentialExpiredError,
    ProviderDeniedError,
    ProviderSealedError,
    ProviderUnavailableError,
    SecretExistsError,
    SecretNotFoundError,
)

REFUSED_LOGIN = (
    RemoteInvalidInputError,
    RemoteNotFoundError,
    RemotePermissionDeniedError,
    RemoteUnauthenticatedError,
)
"""What a server answers to a login that it does not accept."""

REFUSED = " refuses the request"
NAMESPACE_HINT = "has it the namespace that was named (vault-namespace in the options, or VAULT_NAMESPACE)?"


@dataclass(frozen=True, slots=True)
class Words:
    """How one kind of provider tells its troubles.

    Attributes:
        who: the provider, and where it is.
        expired: follows ``who`` when the credential counts no more.
        denied: follows ``who`` when the credential's rights are too few.
        failed: follows ``who``, and is followed by what the server said, in any other trouble.
        refused: follows ``who`` when the server calls the request malformed.
    """

    who: str
    expired: str
    denied: str
    failed: str = " cannot be used"
    refused: str = REFUSED


def vault_words(address: str, *, namespace: str = "") -> Words:
    """Return the words of a Vault-compatible store; what is for a namespace it has not is malformed to it."""
    return Words(
        f"the secrets provider (vault at {address})",
        expired=" does not accept the node's token",
        denied=" does not allow this",
        refused=f"{REFUSED}; {NAMESPACE_HINT}" if namespace else REFUSED,
    )


@contextmanager
def in_node_words(words: Words) -> Iterator[None]:
    """Turn what the server raises within the block into the errors of this room."""
    try:
        yield
    except RemoteSealedError:
        raise ProviderSealedError(f"{words.who} is sealed; unseal it and try again") from None
    except RemoteUnauthenticatedError as error:
        raise CredentialExpiredError(f"{words.who}{words.expired}", detail=error.message) from None
    except RemotePermissionDeniedError as error:
        raise ProviderDeniedError(f"{words.who}{words.denied}", detail=error.message) from None
    except RemoteNotFoundError as error:
        raise SecretNotFoundError(detail=error.message) from None
    except RemoteConflictError as error:
        raise SecretExistsError(detail=error.message) from None
    except RemoteInvalidInputError as error:  # a server may repeat what it was sent
        raise ProviderUnavailableError(f"{words.who}{words.refused}", detail=error.message) from None
    except RemoteError as error:
        raise ProviderUnavailableError(f"{words.who}{words.failed}: {error.message}") from None
