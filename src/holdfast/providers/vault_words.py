"""What a Vault-compatible store said to the node, in the words that the node says to its user."""

from collections.abc import Iterator
from contextlib import contextmanager

from holdfast.client.errors import (
    RemoteConflictError,
    RemoteError,
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


@contextmanager
def in_node_words(address: str) -> Iterator[None]:
    """Turn what the store raises within the block into the errors of this room."""
    store = f"the secrets provider (vault at {address})"
    try:
        yield
    except RemoteSealedError:
        raise ProviderSealedError(f"{store} is sealed; unseal it and try again") from None
    except RemoteUnauthenticatedError as error:
        raise CredentialExpiredError(
            f"{store} does not accept the node's token", detail=error.message
        ) from None
    except RemotePermissionDeniedError as error:
        raise ProviderDeniedError(f"{store} does not allow this", detail=error.message) from None
    except RemoteNotFoundError as error:
        raise SecretNotFoundError(detail=error.message) from None
    except RemoteConflictError as error:
        raise SecretExistsError(detail=error.message) from None
    except RemoteError as error:
        raise ProviderUnavailableError(f"{store} cannot be used: {error.message}") from None
