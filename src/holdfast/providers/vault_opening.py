"""A Vault provider from its settings: arguments, ``config.json``, environment, ``px-vault``."""

from holdfast.providers.opening import Opening
from holdfast.providers.vault import VaultProvider
from holdfast.providers.vault_options import read_vault_options


def open_from(opening: Opening) -> VaultProvider:
    """Return the provider.

    Raises:
        InvalidInputError: a setting is missing or malformed.
    """
    return VaultProvider(read_vault_options(opening.settings))
