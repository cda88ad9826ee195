"""What the environment of a node says about authentication: secrets, or files with secrets, and a few names.

    HOLDFAST_AUTH_<NAME>, PORTWORX_AUTH_<NAME>, OPENSTORAGE_AUTH_<NAME>   the first of these that is set
    <the same>_FILE                                                      a file, with one secret a line

A variable that is set and empty is refused: what was meant to be in it is missing, and neither a default nor
an issuer less is what was meant. Names that begin with ``JWT_`` may be written without it, as the reference
server of OpenStorage does. A file is read again with every reload, so that a secret can be exchanged without
a restart.
"""

import logging
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes

PREFIXES = ("HOLDFAST_AUTH_", "PORTWORX_AUTH_", "OPENSTORAGE_AUTH_")
MAX_FILE_BYTES = 64 * 1024
MAX_SECRETS = 16

log = logging.getLogger(__name__)


def setting(environment: Mapping[str, str], name: str) -> tuple[str, str]:
    """Return the variable that says it and what it says; two empty texts if none does.

    Raises:
        InvalidInputError: it is there, and empty.
    """
    for prefix in PREFIXES:
        for spelling in (name, name.removeprefix("JWT_")):
            if value := variable(environment, prefix + spelling):
                return prefix + spelling, value
    return "", ""


def variable(environment: Mapping[str, str], name: str) -> str:
    """Return what one variable says, nothing if it is not there.

    Raises:
        InvalidInputError: it is there, and empty.
    """
    value = environment.get(name)
    if value == "":
        raise InvalidInputError(f"{name}: expected a value that is not empty; unset it if none is meant")
    return value or ""


class Secrets:
    """The secrets of one issuer.

    Attributes:
        name: the setting, as errors call it.

    Raises:
        InvalidInputError: a secret and a file with secrets are both named, or a variable is empty.
    """

    def __init__(self, environment: Mapping[str, str], name: str) -> None:
        said_by, value = setting(environment, name)
        file_variable, path = setting(environment, f"{name}_FILE")
        if value and path:
            raise InvalidInputError(f"{said_by}, {file_variable}: expected one of both")
        self.name = said_by or file_variable or f"PORTWORX_AUTH_{name}"
        self._value = SecretBytes(os.fsencode(value)) if value else None
        self._path = Path(path) if path else None

    @classmethod
    def of(cls, name: str, value: str) -> "Secrets":
        """Return one secret that a variable of another kind holds."""
        return cls({PREFIXES[0] + name: value}, name)

    @property
    def given(self) -> bool:
        """Whether there are any."""
        return self._value is not None or self._path is not None

    def read(self) -> tuple[SecretBytes, ...]:
        """Return the secrets, the newest first; from the file as it is now.

        Raises:
            InvalidInputError: the file cannot be read, or holds none or too many.
        """
        if self._path is not None:
            return self._of_file(self._path)
        return () if self._value is None else (self._value,)

    def _of_file(self, path: Path) -> tuple[SecretBytes, ...]:
        content = read_file(path, self.name)
        if stat.S_IMODE(path.stat().st_mode) & stat.S_IRWXO:
            log.warning("%s: every user of this host can get at that file", self.name)
        lines = [line.strip(b"\r") for line in content.split(b"\n")]
        secrets = tuple(SecretBytes(line) for line in lines if line)
        if not 0 < len(secrets) <= MAX_SECRETS:
            raise InvalidInputError(f"{self.name}: expected 1 to {MAX_SECRETS} secrets, one a line")
        return secrets


def read_file(path: Path, field: str) -> bytes:
    """Return what a file of keys holds.

    Raises:
        InvalidInputError: it cannot be read, or is too long.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InvalidInputError(f"{field}: cannot be read ({error.strerror})") from None
    if len(content) > MAX_FILE_BYTES:
        raise InvalidInputError(f"{field}: expected at most {MAX_FILE_BYTES} bytes")
    return content
