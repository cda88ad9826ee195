"""What a storage node asks of a secret store: one text value per name, in versions where the store has them.

No provider keeps a copy of a value. A name is a path such as ``pwx/secrets/cluster-key``; a namespace
is the store's own idea of one, empty for its default.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from holdfast.errors import HoldfastError, InvalidInputError
from holdfast.model import SecretBytes, parse_path
from holdfast.providers.errors import CredentialExpiredError, ProviderDeniedError, ProviderSealedError


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Which secret, and which version of it.

    Attributes:
        name: path of the secret, canonical.
        namespace: the store's namespace, empty for its default.
        version: an exact version, or ``None`` for the newest.

    Raises:
        InvalidInputError: an empty name, a name that is no path, or a version below 1.
    """

    name: str
    namespace: str = ""
    version: int | None = None

    def __post_init__(self) -> None:
        if not self.name.strip("/"):
            raise InvalidInputError("Secret Name/ID cannot be empty")
        if self.name.startswith("/") or parse_path(self.name, field="secret name").is_directory:
            raise InvalidInputError("secret name: expected no slash at its start or end")
        if self.version is not None and self.version < 1:
            raise InvalidInputError("secret version: expected a number from 1 up")

    def at(self, version: int | None) -> "SecretRef":
        """Return the same secret at another version."""
        return replace(self, version=version)


@dataclass(frozen=True, slots=True)
class Secret:
    """A value, and the version that it is.

    Attributes:
        value: the bytes of the text value; the caller wipes them.
        version: its version; ``None`` when the store keeps none.
    """

    value: SecretBytes
    version: int | None


class Reason(StrEnum):
    """Why keys cannot be had, for programs."""

    NONE = ""
    SEALED = "sealed"
    REFUSED = "refused"  # the node's credential counts for nothing
    DENIED = "denied"  # the credential is good, its rights are too few
    AWAY = "away"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderStatus:
    """Whether the provider can be used at the moment.

    Attributes:
        kind: the provider's type string.
        place: where it is, without credentials.
        usable: whether keys can be had from it now.
        problem: if not, why, and what to do.
        reason: the same in a word.
        versioned: whether it keeps versions; ``None`` while that is unknown.
        login: how the node authenticates itself, such as ``kubernetes``; empty where it does not.
        renewed_at: Unix seconds of the last login or renewal; ``None`` if there was none.
        expires_at: Unix seconds at which the present credential ends; ``None`` if it does not, or unknown.
        notes: what an operator should know although it works.
    """

    kind: str
    place: str
    usable: bool
    problem: str = ""
    reason: Reason = Reason.NONE
    versioned: bool | None = None
    login: str = ""
    renewed_at: float | None = None
    expires_at: float | None = None
    notes: tuple[str, ...] = ()


class SecretsProvider(Protocol):
    """A secret store as a storage node sees it. Every method may be called from several threads."""

    kind: str

    def get(self, ref: SecretRef) -> Secret:
        """Return the value of a secret.

        Raises:
            SecretNotFoundError: no such secret or version.
            SecretDataError: it does not hold exactly one text value.
            ProviderUnavailableError: the store is sealed, away, or refuses us.
        """
        ...

    def put(self, ref: SecretRef, value: SecretBytes, *, expected_version: int | None = None) -> int | None:
        """Store a value as the newest version.

        Args:
            ref: the secret; its version is not looked at.
            value: UTF-8 text.
            expected_version: store only if this is the newest version now; 0: only if there is none.

        Returns:
            The new version, ``None`` when the store keeps none.

        Raises:
            SecretExistsError: the expected version is not the newest.
            ProviderUnavailableError: the store is sealed, away, or refuses us.
        """
        ...

    def destroy(self, ref: SecretRef) -> None:
        """Remove a version for good, or all of them when ``ref`` names none. Nothing there is no error.

        Raises:
            ProviderUnavailableError: the store is sealed, away, or refuses us.
        """
        ...

    def versions(self, ref: SecretRef) -> tuple[int, ...]:
        """Return the versions that can be read, oldest first; empty where none are kept, or nothing is there.

        Raises:
            ProviderUnavailableError: the store is sealed, away, or refuses us.
        """
        ...

    def list(self, prefix: str = "", *, namespace: str = "") -> list[str]:
        """Return the names one level below ``prefix``; a name with more below it ends in a slash."""
        ...

    def status(self) -> ProviderStatus:
        """Try whether keys can be had now. Never raises; never says a secret."""
        ...

    def close(self) -> None:
        """Let go of connections and threads, wipe credentials, and end what the node logged in to itself."""
        ...


def trouble(error: HoldfastError) -> tuple[str, Reason]:
    """Return what a status says of an error: text and reason."""
    return error.message, next((word for kind, word in _REASONS if isinstance(error, kind)), Reason.AWAY)


_REASONS = (
    (ProviderSealedError, Reason.SEALED),
    (CredentialExpiredError, Reason.REFUSED),
    (ProviderDeniedError, Reason.DENIED),
)
