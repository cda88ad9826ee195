"""Secrets as files below one private directory; for tests and for trying things out.

    <directory>/<name in base64url>/<version>     mode 0600; empty once the version is destroyed

A version file appears complete or not at all, and never changes afterwards. It is written beside its place,
under a name that begins with a dot, and locked meanwhile: one that nobody has locked was left by a crash, and
goes when the directory is next opened. Whoever reads the directory has the keys: this provider protects
nothing by itself.
"""

import base64
import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.providers.errors import ProviderUnavailableError, SecretExistsError, SecretNotFoundError
from holdfast.providers.interface import ProviderStatus, Secret, SecretRef
from holdfast.providers.opening import Opening
from holdfast.providers.value import value_of_text

MAX_NAME_BYTES = 180  # its base64 must fit into one file name
MAX_PUT_ATTEMPTS = 100


def open_from(opening: Opening) -> "FileProvider":
    """Return the provider that ``HOLDFAST_SECRETS_DIRECTORY`` names.

    Raises:
        InvalidInputError: it is not set, or others may read the directory.
    """
    return FileProvider(opening.settings.required("HOLDFAST_SECRETS_DIRECTORY"))


class FileProvider:
    """Secrets below ``directory``, which is made if missing.

    Raises:
        InvalidInputError: it cannot be made, or others than its owner may read it.
    """

    kind = "file"

    def __init__(self, directory: str | Path) -> None:
        self._directory = Path(directory)
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInputError(
                f"HOLDFAST_SECRETS_DIRECTORY: expected a directory, or a place for one ({error.strerror})"
            ) from None
        if self._directory.stat().st_mode & 0o077:
            raise InvalidInputError(
                "HOLDFAST_SECRETS_DIRECTORY: expected a directory with mode 0700 (chmod 0700 it)"
            )
        for draft in self._directory.glob("*/.*"):
            _remove_abandoned(draft)

    def get(self, ref: SecretRef) -> Secret:
        """Return the value of a secret; see ``SecretsProvider``."""
        version = ref.version if ref.version is not None else self._newest(ref)
        try:
            text = (self._folder(ref) / str(version)).read_bytes()
        except FileNotFoundError:
            raise SecretNotFoundError from None
        except OSError as error:
            raise _unreadable(error) from None
        if not text:
            raise SecretNotFoundError("this version was destroyed")
        return Secret(value_of_text(text), version)

    def put(self, ref: SecretRef, value: SecretBytes, *, expected_version: int | None = None) -> int:
        """Store a value as the newest version; see ``SecretsProvider``."""
        folder = self._folder(ref)
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            with _draft(folder, value) as draft:
                return self._publish(ref, draft, expected_version)
        except OSError as error:
            raise _unreadable(error) from None

    def destroy(self, ref: SecretRef) -> None:
        """Remove a version, or all; see ``SecretsProvider``."""
        folder = self._folder(ref)
        if not folder.is_dir():
            return
        try:
            if ref.version is not None:
                # The empty file stays, so that the number is never given out again.
                target = folder / str(ref.version)
                if target.exists():
                    os.truncate(target, 0)
                return
            for entry in folder.iterdir():
                entry.unlink()
            folder.rmdir()
        except OSError as error:
            raise _unreadable(error) from None

    def versions(self, ref: SecretRef) -> tuple[int, ...]:
        """Return the versions that can be read; see ``SecretsProvider``."""
        folder = self._folder(ref)
        try:
            found = [
                int(entry.name)
                for entry in (folder.iterdir() if folder.is_dir() else ())
                if entry.name.isdigit() and entry.stat().st_size
            ]
        except OSError as error:
            raise _unreadable(error) from None
        return tuple(sorted(found))

    def list(self, prefix: str = "", *, namespace: str = "") -> list[str]:
        """Return the names one level below ``prefix``; see ``SecretsProvider``."""
        start = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        names = set()
        for entry in self._directory.iterdir():
            home, _, name = base64.urlsafe_b64decode(entry.name).decode().partition("\0")
            if home == namespace and name.startswith(start):
                head, slash, _ = name[len(start) :].partition("/")
                names.add(head + slash)
        return sorted(names)

    def status(self) -> ProviderStatus:
        """Try whether keys can be had now; see ``SecretsProvider``."""
        usable = os.access(self._directory, os.R_OK | os.W_OK | os.X_OK)
        problem = "" if usable else "the directory cannot be read and written"
        return ProviderStatus(
            kind=self.kind, place=str(self._directory), usable=usable, problem=problem, versioned=True
        )

    def close(self) -> None:
        """Nothing to let go of."""

    def _publish(self, ref: SecretRef, draft: Path, expected_version: int | None) -> int:
        folder = self._folder(ref)
        for _ in range(MAX_PUT_ATTEMPTS):
            newest = self._newest(ref)
            if expected_version is not None and newest != expected_version:
                raise SecretExistsError
            try:
                os.link(draft, folder / str(newest + 1))
            except FileExistsError:
                continue  # somebody else was faster: look again
            _sync_directory(folder)
            return newest + 1
        raise ProviderUnavailableError("file provider: too many writers at once; try again")

    def _folder(self, ref: SecretRef) -> Path:
        encoded = f"{ref.namespace}\0{ref.name}".encode()
        if len(encoded) > MAX_NAME_BYTES:
            raise InvalidInputError(f"secret name: expected at most {MAX_NAME_BYTES} bytes here")
        return self._directory / base64.urlsafe_b64encode(encoded).decode()

    def _newest(self, ref: SecretRef) -> int:
        """Return the highest version ever given out, 0 for none."""
        folder = self._folder(ref)
        names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
        return max((int(name) for name in names if name.isdigit()), default=0)


@contextlib.contextmanager
def _draft(folder: Path, value: SecretBytes) -> Iterator[Path]:
    """Hold a value in a file that is no version yet, for the length of a block."""
    draft = folder / f".{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(draft, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, value.view())
        os.fsync(descriptor)
        yield draft
    finally:
        draft.unlink(missing_ok=True)
        os.close(descriptor)


def _remove_abandoned(draft: Path) -> None:
    with contextlib.suppress(OSError):  # finished, or being written by another node
        descriptor = os.open(draft, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            draft.unlink()
        finally:
            os.close(descriptor)


def _sync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unreadable(error: OSError) -> ProviderUnavailableError:
    return ProviderUnavailableError(
        f"file provider: the directory of secrets cannot be used ({error.strerror or type(error).__name__})"
    )
