"""An audit file: append-only, for its owner only, in the one directory that the configuration names.

Who may name an audit file may otherwise write to any file. So a name is a plain file name in that
directory; it is opened relative to the directory, without following a link, and must be an ordinary
file of ours with a single name. Its mode is set each time it is opened, to 0600 unless told otherwise.

Lines are appended by single system calls, which Linux keeps together on a local file system, also
between processes. They are not forced to disk: they survive the death of the process, not that of
the power. When a write fails half way (a full disk) the next one begins on a new line.
"""

import contextlib
import os
import stat
from pathlib import Path

from holdfast.audit.errors import AuditConfigurationError, AuditSinkError

FILE_MODE = 0o600

_DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a pipe that nobody reads must fail, not wait.
_FILE_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class FileSink:
    """A file that audit lines are appended to.

    Args:
        directory: the directory for audit files from the server's configuration; must exist, and
            nobody else may create files in it.
        file_name: a plain file name, or the full path of a file directly in ``directory``.
        mode: permission bits; ``None`` leaves those of a file that is there already.

    Raises:
        AuditConfigurationError: the file lies elsewhere, or is not an ordinary file of ours.
        AuditSinkError: the file cannot be opened.
    """

    __slots__ = ("_descriptor", "_directory", "_mode", "_name", "_torn")

    def __init__(self, directory: str | Path, file_name: str, *, mode: int | None = FILE_MODE) -> None:
        self._directory = os.fspath(directory)
        self._mode = mode
        self._name = _plain_name(self._directory, file_name)
        self._torn = False
        self._descriptor = self._open()

    def write(self, lines: bytes) -> None:
        """Append complete lines with one system call.

        Raises:
            AuditSinkError: they were not written, or not all of them.
        """
        if self._torn:
            lines = b"\n" + lines
        try:
            written = os.write(self._descriptor, lines)
        except OSError as error:
            self._torn = True
            raise AuditSinkError("the audit file cannot be written", detail=error.strerror or "") from None
        self._torn = written != len(lines)
        if self._torn:
            raise AuditSinkError("the audit file took only a part", detail="no space left, or a size limit")

    def reopen(self) -> None:
        """Open the file again under its name, creating it if it was moved away.

        Raises:
            AuditConfigurationError: what is there now is not an ordinary file of ours.
            AuditSinkError: it cannot be opened; the sink goes on with the file it had.
        """
        previous, self._descriptor = self._descriptor, self._open()
        _close(previous)

    def close(self) -> None:
        """Close the file. Safe to call twice; a later write is refused."""
        _close(self._descriptor)
        self._descriptor = -1

    def _open(self) -> int:
        directory = -1
        try:
            directory = os.open(self._directory, _DIRECTORY_FLAGS)
            _check_directory(os.fstat(directory))
            descriptor = os.open(self._name, _FILE_FLAGS, FILE_MODE, dir_fd=directory)
        except OSError as error:
            raise AuditSinkError("the audit file cannot be opened", detail=error.strerror or "") from None
        finally:
            _close(directory)
        try:
            _check_file(os.fstat(descriptor))
        except AuditConfigurationError:
            _close(descriptor)
            raise
        if self._mode is not None:
            os.fchmod(descriptor, self._mode)
        return descriptor


def _plain_name(directory: str, file_name: str) -> str:
    parent, name = os.path.split(file_name)
    if parent and os.path.normpath(parent) != os.path.normpath(directory):
        raise AuditConfigurationError("file_path: expected a file directly in the audit directory")
    if name in {"", ".", ".."} or not name.isprintable():
        raise AuditConfigurationError("file_path: expected the name of a file")
    return name


def _check_directory(status: os.stat_result) -> None:
    if status.st_uid not in {0, os.geteuid()} or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise AuditConfigurationError("audit directory: expected one that only its owner can write to")


def _check_file(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise AuditConfigurationError("file_path: expected an ordinary file")
    if status.st_uid != os.geteuid() or status.st_nlink != 1:
        raise AuditConfigurationError("file_path: expected a file of this user, with one name only")


def _close(descriptor: int) -> None:
    if descriptor >= 0:
        with contextlib.suppress(OSError):
            os.close(descriptor)
