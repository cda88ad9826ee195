"""Secrets as files that somebody else puts into a directory: systemd's credentials, a container's secrets.

    systemd    $CREDENTIALS_DIRECTORY, filled by LoadCredential= and its kin, gone when the unit stops
    docker     /run/secrets (DOCKER_SECRETS_DIRECTORY names another place)

A name is the file's path below the directory. The files are read anew each time, so that a new one counts
at once; links may lead about within the directory (Kubernetes replaces files that way), and not out of it.
"""

from pathlib import Path
from typing import NoReturn

from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.providers.errors import (
    ProviderUnavailableError,
    ReadOnlyProviderError,
    SecretDataError,
    SecretNotFoundError,
)
from holdfast.providers.interface import ProviderStatus, Secret, SecretRef
from holdfast.providers.opening import Opening
from holdfast.providers.value import value_of_text

MAX_VALUE_BYTES = 1 << 20
PLACES = {"systemd": ("CREDENTIALS_DIRECTORY", ""), "docker": ("DOCKER_SECRETS_DIRECTORY", "/run/secrets")}


def open_from(opening: Opening) -> "DirectoryProvider":
    """Return the provider of files for the kind that is opened.

    Raises:
        InvalidInputError: the directory is not named, or not there.
    """
    name, default = PLACES[opening.kind]
    directory = opening.settings.text(name, default=default)
    if not directory:
        raise InvalidInputError(f"{name} not set: start the node from a unit with LoadCredential=")
    return DirectoryProvider(opening.kind, directory)


class DirectoryProvider:
    """Files below one directory, to be read only.

    Args:
        kind: the type string it goes by.
        directory: where the files are.

    Raises:
        InvalidInputError: it is no directory.
    """

    def __init__(self, kind: str, directory: str | Path) -> None:
        self.kind = kind
        self._directory = Path(directory)
        if not self._directory.is_dir():
            raise InvalidInputError(f"secret_type {kind}: expected an existing directory of secrets")

    def get(self, ref: SecretRef) -> Secret:
        """Return the value of a secret; see ``SecretsProvider``."""
        if ref.version is not None:
            raise InvalidInputError("version: files of secrets keep no versions")
        path = self._path(ref.name)
        try:
            with path.open("rb") as file:
                text = file.read(MAX_VALUE_BYTES + 1)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise SecretNotFoundError from None
        except OSError as error:
            raise self._unreadable(error) from None
        if len(text) > MAX_VALUE_BYTES:
            raise SecretDataError
        return Secret(value_of_text(text), None)

    def put(
        self,
        ref: SecretRef,  # noqa: ARG002 - whatever it is
        value: SecretBytes,  # noqa: ARG002
        *,
        expected_version: int | None = None,  # noqa: ARG002
    ) -> NoReturn:
        """Refuse."""
        raise ReadOnlyProviderError(self.kind)

    def destroy(self, ref: SecretRef) -> NoReturn:  # noqa: ARG002 - whatever it is
        """Refuse."""
        raise ReadOnlyProviderError(self.kind)

    def versions(self, ref: SecretRef) -> tuple[int, ...]:  # noqa: ARG002 - there are none of anything
        """Return nothing: files have no versions."""
        return ()

    def list(self, prefix: str = "", *, namespace: str = "") -> list[str]:  # noqa: ARG002 - there is one
        """Return the names one level below ``prefix``; see ``SecretsProvider``."""
        folder = self._path(prefix.strip("/"))
        try:
            entries = sorted(folder.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise self._unreadable(error) from None
        return [
            f"{entry.name}/" if entry.is_dir() else entry.name
            for entry in entries
            if not entry.name.startswith("..")
        ]

    def status(self) -> ProviderStatus:
        """Try whether the directory can be read; see ``SecretsProvider``."""
        problem = ""
        try:
            next(self._directory.iterdir(), None)
        except OSError as error:
            problem = self._unreadable(error).message
        return ProviderStatus(
            kind=self.kind,
            place=str(self._directory),
            usable=not problem,
            problem=problem,
            versioned=False,
        )

    def close(self) -> None:
        """Nothing to let go of."""

    def _path(self, name: str) -> Path:
        path = (self._directory / name).resolve()
        if not path.is_relative_to(self._directory.resolve()):
            raise SecretNotFoundError
        return path

    def _unreadable(self, error: OSError) -> ProviderUnavailableError:
        return ProviderUnavailableError(
            f"the secrets provider ({self.kind} at {self._directory}) cannot be read "
            f"({error.strerror or type(error).__name__})"
        )
