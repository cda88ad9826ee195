"""Where a storage node's keys come from: one interface, and one provider per kind of secret store."""

from holdfast.providers.errors import (
    ProviderRefusedError,
    ProviderUnavailableError,
    SecretDataError,
    SecretExistsError,
    SecretNotFoundError,
)
from holdfast.providers.interface import ProviderStatus, Secret, SecretRef, SecretsProvider
from holdfast.providers.registry import open_provider

__all__ = [
    "ProviderRefusedError",
    "ProviderStatus",
    "ProviderUnavailableError",
    "Secret",
    "SecretDataError",
    "SecretExistsError",
    "SecretNotFoundError",
    "SecretRef",
    "SecretsProvider",
    "open_provider",
]
