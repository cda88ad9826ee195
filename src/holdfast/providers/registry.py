"""From a provider's type string to a provider. Its module, and the library it needs, are loaded only then."""

import importlib
from collections.abc import Mapping

from holdfast.errors import InvalidInputError, UnsupportedError
from holdfast.providers.interface import SecretsProvider
from holdfast.providers.opening import Opening
from holdfast.storage.interface import Storage

# type string: the module below this package whose `open_from` makes it.
BUILT = {
    "vault": "vault_opening",
    "dcos": "dcos",
    "docker": "directory",
    "file": "file",
    "systemd": "directory",
}

# Types that the original knows and this does not have.
KNOWN = {
    "azure-kv": "",
    "gcloud-kms": "",
    "ibm-kp": "",
    "kvdb": "; it would keep keys in clear beside the volumes: use file to try things out",
}


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
        InvalidInputError: a setting is missing or malformed.
    """
    if kind not in BUILT:
        raise UnsupportedError(
            f"secret_type: implementation not supported{KNOWN.get(kind, '')}; "
            f"expected one of {', '.join(sorted(BUILT))}"
        )
    opening = Opening(kind, dict(options), dict(environment), storage)
    module = importlib.import_module(f"holdfast.providers.{BUILT[kind]}")
    try:
        provider: SecretsProvider = module.open_from(opening)
    except ModuleNotFoundError as error:
        raise UnsupportedError(
            f"secret_type {kind}: the Python package {error.name} is not installed"
        ) from None
    except InvalidInputError as error:
        raise InvalidInputError(error.message) from None  # without the frames that hold what was given
    return provider
