"""Files and directories of the host that an operator names: what is wrong with one is told at the start.

A node that began to serve all the same would show it later, to a user who can do nothing about it.
"""

import stat
from collections.abc import Iterable
from pathlib import Path

from holdfast.audit.errors import AuditConfigurationError, AuditSinkError
from holdfast.audit.file_sink import FileSink
from holdfast.client.tls import TlsSettings
from holdfast.errors import InvalidInputError


def require_directories(option: str, directories: Iterable[str]) -> None:
    """Refuse to start with what is no directory.

    Args:
        option: what named them.
        directories: as they were typed.

    Raises:
        InvalidInputError: one is not there, is something else, or cannot be reached.
    """
    for directory in directories:
        try:
            is_directory = stat.S_ISDIR(Path(directory).stat().st_mode)
        except FileNotFoundError:
            raise InvalidInputError(f"{option} {directory}: expected a directory; make it first") from None
        except OSError as error:
            raise InvalidInputError(f"{option} {directory}: cannot be used ({error.strerror})") from None
        if not is_directory:
            raise InvalidInputError(f"{option} {directory}: expected a directory, and this is none")


def require_authorities(option: str, path: str) -> None:
    """Refuse to start with a file that holds no certificates; nothing is asked of an empty path.

    Raises:
        InvalidInputError: it cannot be read, or there are none in it.
    """
    if path:
        TlsSettings(ca_cert=path).context(ca_field=option)


def open_audit_log(path: Path) -> FileSink:
    """Open the file for decisions.

    Args:
        path: as it was typed, or the one in the storage directory.

    Raises:
        InvalidInputError: it cannot be opened, or is not an ordinary file of ours in a directory of ours.
    """
    try:
        return FileSink(path.parent, path.name)
    except AuditSinkError as error:
        raise InvalidInputError(f"--audit-log {path}: cannot be opened ({error.detail})") from None
    except AuditConfigurationError as error:
        raise InvalidInputError(f"--audit-log {path}: {error.message.removeprefix('file_path: ')}") from None
