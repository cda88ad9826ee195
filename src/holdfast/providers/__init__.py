"""Where a storage node's keys come from: one interface, and one provider per kind of secret store."""

from holdfast.providers.errors import (
    CredentialExpiredError,
    NoCredentialError,
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
from holdfast.providers.registry import open_provider, plan_provider
from holdfast.providers.slot import ProviderSlot

__all__ = [
    "CredentialExpiredError",
    "NoCredentialError",
    "ProviderDeniedError",
    "ProviderRefusedError",
    "ProviderSlot",
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
    "plan_provider",
]
