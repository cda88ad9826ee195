"""From a provider's type string to a provider. Its module is loaded only then."""

from collections.abc import Mapping

from holdfast.errors import InvalidInputError, UnsupportedError
from holdfast.providers.interface import SecretsProvider


def open_provider(
    kind: str, options: Mapping[str, str], *, environment: Mapping[str, str]
) -> SecretsProvider:
    """Return the provider of type ``kind``.

    Args:
        kind: ``vault`` or ``file``.
        options: what the configuration says; an entry here wins over the environment, even an empty one.
        environment: environment variables to fall back to.

    Raises:
        UnsupportedError: a type that is not built.
        InvalidInputError: a setting is missing or malformed.
    """
    if kind == "vault":
        from holdfast.providers.vault import VaultProvider, read_options  # noqa: PLC0415 - only if used

        return VaultProvider(read_options(options, environment))
    if kind == "file":
        from holdfast.providers.file import FileProvider  # noqa: PLC0415 - only if used

        directory = options.get(
            "HOLDFAST_SECRETS_DIRECTORY", environment.get("HOLDFAST_SECRETS_DIRECTORY", "")
        )
        if not directory:
            raise InvalidInputError("HOLDFAST_SECRETS_DIRECTORY not set")
        return FileProvider(directory)
    raise UnsupportedError("secret_type: implementation not supported; expected vault or file")
