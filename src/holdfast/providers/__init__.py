"""Where a storage node's keys come from: one interface, and one provider per kind of secret store."""

from holdfast.providers.errors import (
    CredentialExpiredError,
    ProviderDeniedError,
    ProviderRefusedError,
    ProviderUnavailableError,
    ReadOnlyProviderError,
    SecretDataError,
    SecretExistsError,
    SecretNotFoundError,
)
from holdfast.providers.generate import generate_key
from holdfast.providers.interface import ProviderStatus, Secret, SecretRef, SecretsProvider
from holdfast.providers.registry import open_provider

__all__ = [
    "CredentialExpiredError",
    "ProviderDeniedError",
    "ProviderRefusedError",
    "ProviderStatus",
    "ProviderUnavailableError",
    "ReadOnlyProviderError",
    "Secret",
    "SecretDataError",
    "SecretExistsError",
    "SecretNotFoundError",
    "SecretRef",
    "SecretsProvider",
    "generate_key",
    "open_provider",
]
