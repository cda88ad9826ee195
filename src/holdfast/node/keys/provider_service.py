"""The part of service ``Secrets`` about the provider itself: logging in, and which secrets are there.

No call gives a value out, and none takes one: who wants to keep a value of his own there uses the store's own
programs.
"""

from collections.abc import Mapping

from holdfast.errors import ConflictError, InvalidInputError
from holdfast.node import apis
from holdfast.node.access.gate import Gate
from holdfast.node.api import Admission, operation
from holdfast.node.errors import NoProviderError
from holdfast.providers import (
    ProviderSlot,
    ProviderStatus,
    SecretRef,
    SecretsProvider,
    generate_key,
)

MAX_SETTINGS = 32
MAX_SETTING_CHARACTERS = 8192


class ProviderService:
    """What may be done to the secrets provider.

    Args:
        gate: every call passes.
        provider: of the node; ``None`` if it has none.
    """

    def __init__(self, *, gate: Gate, provider: SecretsProvider | None) -> None:
        self._gate = gate
        self._provider = provider

    @operation(apis.SECRETS_LOGIN)
    def log_in(self, admission: Admission, kind: str, settings: Mapping[str, str]) -> ProviderStatus:
        """Have the node use other credentials until it stops, if the provider accepts them.

        Args:
            admission: of the caller.
            kind: type of the provider; must be the one that the node was started with, or its family, such as
                ``aws``.
            settings: as in the configuration; empty ones count as not given.

        Raises:
            ConflictError: the node was started with another type of provider.
            InvalidInputError: a setting that a login may not name, or one that is missing or malformed.
            CredentialExpiredError: the provider does not accept them.
            ProviderUnavailableError: it cannot be tried now.
        """
        provider = self._usable()
        family = provider.kind.partition("-")[0]
        if kind not in {provider.kind, family} or not isinstance(provider, ProviderSlot):
            raise ConflictError(
                f"SecretType: this node was started with -secret_type {provider.kind}; "
                "the keys of its volumes are there"
            )
        given = {name: value for name, value in settings.items() if value}
        if len(given) > MAX_SETTINGS or any(len(value) > MAX_SETTING_CHARACTERS for value in given.values()):
            raise InvalidInputError(
                f"SecretConfig: expected at most {MAX_SETTINGS} texts of {MAX_SETTING_CHARACTERS} characters"
            )
        status = provider.log_in(given)
        self._gate.done(admission, kind, f"logged in to the secrets provider at {status.place}")
        return status

    @operation(apis.SECRETS_GENERATE)
    def generate(self, admission: Admission, name: str, *, namespace: str = "") -> int | None:
        """Make a secret of 256 random bits; return its version, ``None`` where none are kept.

        Raises:
            SecretDeniedError: the caller may not name that secret.
            SecretExistsError: it is there already; nothing is changed.
            ProviderUnavailableError: the provider is sealed, away, or refuses the node.
        """
        ref = SecretRef(name, namespace)
        self._gate.secret(admission, name, namespace, literally=True)
        version, key = generate_key(self._usable(), ref, first=True)
        key.wipe()
        self._gate.done(admission, name, "secret made")
        return version

    @operation(apis.SECRETS_ENUMERATE)
    def enumerate(self, admission: Admission, prefix: str = "", *, namespace: str = "") -> list[str]:
        """Return the names one level below ``prefix``; one with more below it ends in a slash.

        Raises:
            SecretDeniedError: the caller may not name all that is there.
            ProviderUnavailableError: the provider is sealed, away, or refuses the node.
        """
        prefix = prefix.strip("/")
        self._gate.secret(admission, f"{prefix}/*" if prefix else "*", namespace)
        if prefix:
            SecretRef(prefix, namespace)
        return self._usable().list(prefix, namespace=namespace)

    def name_of(self, name: str, key: str) -> str:
        """Return the one name of a secret that the original's tools name by two words.

        In Kubernetes they are a secret object and a key in it. Elsewhere the second is an older word for the
        first.
        """
        kind = self._provider.kind if self._provider is not None else ""
        return f"{name}/{key}" if kind == "k8s" and name and key else name or key

    def _usable(self) -> SecretsProvider:
        if self._provider is None:
            raise NoProviderError("this node has no secrets provider; start it with -secret_type")
        return self._provider
