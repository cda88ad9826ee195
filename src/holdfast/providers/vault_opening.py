"""A Vault provider from its settings: arguments, ``config.json``, environment, and the secret ``px-vault``.

In a pod, what the first three do not say is looked for in the Kubernetes secret ``px-vault``: one entry for
each ``VAULT_*`` name. It is read again whenever the node needs a token, so that a new ``VAULT_TOKEN`` counts
without a restart.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress

from holdfast.errors import HoldfastError
from holdfast.providers.errors import SecretNotFoundError
from holdfast.providers.kubernetes_api import KubernetesApi, is_in_cluster, read_cluster_options
from holdfast.providers.kubernetes_data import texts_of
from holdfast.providers.opening import Opening
from holdfast.providers.settings import Settings
from holdfast.providers.vault import VaultProvider
from holdfast.providers.vault_options import read_vault_options

SECRET = "px-vault"  # noqa: S105 - the name of one


def open_from(opening: Opening) -> VaultProvider:
    """Return the provider.

    Raises:
        NoCredentialError: there is nothing to log in with.
        InvalidInputError: a setting is missing or malformed.
        ProviderUnavailableError: ``px-vault`` is needed and the cluster does not answer.
    """
    return VaultProvider(read_vault_options(settings_of(opening)))


def settings_of(opening: Opening) -> Settings:
    """Return the ``VAULT_*`` settings, of ``px-vault`` too if they are incomplete without it.

    Raises:
        ProviderUnavailableError: ``px-vault`` is needed and the cluster does not answer.
    """
    settings = opening.settings
    complete = settings.text("VAULT_ADDR") and (
        settings.text("VAULT_TOKEN", "VAULT_TOKEN_FILE") or settings.text("VAULT_AUTH_METHOD")
    )
    if complete or not is_in_cluster(settings):
        return settings
    api = KubernetesApi(read_cluster_options(settings))
    place = PxVault(api, read_cluster_options(settings).namespace)
    return Settings(opening.options, opening.environment, place)


class PxVault(Mapping[str, str]):
    """The entries of ``px-vault``, as they are now.

    Args:
        api: the cluster.
        namespace: where the secret is.

    Raises:
        ProviderUnavailableError: the cluster does not answer.
    """

    def __init__(self, api: KubernetesApi, namespace: str) -> None:
        self._api = api
        self._namespace = namespace
        self._known: dict[str, str] = {}
        with suppress(SecretNotFoundError):
            self._known = self._read()

    def __getitem__(self, name: str) -> str:
        if name == "VAULT_TOKEN" and name in self._known:
            # Whoever asks for a token needs one that counts; the rest is as at the start of the node.
            with suppress(HoldfastError):
                self._known = self._read()
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def __repr__(self) -> str:
        return "PxVault(****)"

    def _read(self) -> dict[str, str]:
        texts = texts_of(self._api.read(self._namespace, SECRET))
        return {name: text for name, text in texts.items() if name.startswith("VAULT_")}
