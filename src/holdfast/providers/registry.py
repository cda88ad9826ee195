"""From a provider's type string to a provider. Its module, and the library it needs, are loaded only then."""

import importlib
from collections.abc import Callable, Mapping

from holdfast.errors import InvalidInputError, UnsupportedError
from holdfast.providers.cache import LONGEST_SECONDS, KeyCache
from holdfast.providers.interface import SecretsProvider
from holdfast.providers.opening import Opening
from holdfast.providers.settings import Settings
from holdfast.providers.slot import ProviderSlot
from holdfast.storage.interface import Storage

# type string: the module below this package whose `open_from` makes it.
BUILT = {
    "aws-kms": "aws_kms",
    "aws-secrets-manager": "aws_secrets_manager",
    "pkcs11": "pkcs11",
    "vault": "vault_opening",
    "vault-transit": "vault_transit",
    "dcos": "dcos",
    "docker": "directory",
    "file": "file",
    "k8s": "kubernetes",
    "systemd": "directory",
}

# Types that the original knows and this does not have.
KNOWN = {
    "azure-kv": "",
    "gcloud-kms": "",
    "ibm-kp": "",
    "kvdb": "; it would keep keys in clear beside the volumes: use file to try things out",
}


# What of the environment is a secret: a node takes it out of its own once it has read it.
SECRET_VARIABLES = frozenset(
    {
        *("VAULT_TOKEN", "VAULT_APPROLE_SECRET_ID"),
        *("DCOS_SECRETS_PASSWORD", "DCOS_SERVICE_ACCOUNT_CREDENTIAL"),
        *("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECRET_TOKEN_KEY", "PKCS11_PIN"),
    }
)


def check_kind(kind: str) -> None:
    """Raise ``UnsupportedError`` unless there is a provider of type ``kind``."""
    if kind not in BUILT:
        raise UnsupportedError(
            f"secret_type: implementation not supported{KNOWN.get(kind, '')}; "
            f"expected one of {', '.join(sorted(BUILT))}"
        )


def plan_provider(
    kind: str, options: Mapping[str, str], *, environment: Mapping[str, str]
) -> Callable[[Storage], ProviderSlot]:
    """Return what opens a node's provider once the node's storage is there.

    Args:
        kind: a type string of ``BUILT``.
        options: what the configuration says; an entry here wins over the environment, even an empty one.
        environment: environment variables to fall back to.

    Raises:
        UnsupportedError: a type that is not built.
        InvalidInputError: ``HOLDFAST_KEY_CACHE`` is no duration, or too long.
    """
    check_kind(kind)
    configured, surroundings = dict(options), dict(environment)

    settings = Settings(configured, surroundings)
    kept_seconds = settings.seconds("HOLDFAST_KEY_CACHE", 0.0)
    if kept_seconds > LONGEST_SECONDS:
        raise InvalidInputError(f"HOLDFAST_KEY_CACHE: expected at most {LONGEST_SECONDS:.0f}s")

    def open_with(more: Mapping[str, str], storage: Storage) -> SecretsProvider:
        options = {**configured, **more}
        provider = open_provider(kind, options, environment=surroundings, storage=storage)
        return KeyCache(provider, seconds=kept_seconds) if kept_seconds else provider

    return lambda storage: ProviderSlot(kind, lambda more: open_with(more, storage))


def open_provider(
    kind: str,
    options: Mapping[str, str],
    *,
    environment: Mapping[str, str],
    storage: Storage | None = None,
) -> SecretsProvider:
    """Return the provider of type ``kind``.

    Args:
        kind: a type string of ``BUILT``.
        options: what the configuration says; an entry here wins over the environment, even an empty one.
        environment: environment variables to fall back to.
        storage: where providers that only wrap keys put what they wrapped.

    Raises:
        UnsupportedError: a type that is not built, or whose library is not installed.
        NoCredentialError: there is nothing to log in with.
        InvalidInputError: a setting is missing or malformed.
    """
    check_kind(kind)
    opening = Opening(kind, dict(options), dict(environment), storage)
    module = importlib.import_module(f"holdfast.providers.{BUILT[kind]}")
    try:
        provider: SecretsProvider = module.open_from(opening)
    except ModuleNotFoundError as error:
        raise UnsupportedError(
            f"secret_type {kind}: the Python package {error.name} is not installed"
        ) from None
    return provider
