"""Trying out what a store will need, before anything is started: memory lock, storage, audit and TLS files.

It is done in a child that ends at once, because the supervisor must neither hold a key nor have storage open.
So what is wrong with a configuration is said once, in one line, and not by every process that trips over it.
"""

import os
import socket
from pathlib import Path

from holdfast.audit import FileSink
from holdfast.errors import HoldfastError, UnavailableError
from holdfast.http.tls import TlsIdentity
from holdfast.process.hardening import harden
from holdfast.server.children import fork
from holdfast.server.config import ServerConfig
from holdfast.storage.factory import open_storage


def rehearse(config: ServerConfig) -> None:
    """Make sure that a store can start; makes its data directory and audit files if there are none.

    Raises:
        UnavailableError: it cannot; names what is not usable and why.
    """
    ours, theirs = socket.socketpair()
    with ours:
        child = fork(lambda: _try_out(config, theirs), closing=(ours,))
        theirs.close()
        with ours.makefile("rb") as reader:
            problem = reader.read().decode()
    _, status = os.waitpid(child, 0)
    if problem or status:
        raise UnavailableError(problem or "the store cannot start; the lines above say why")


def _try_out(config: ServerConfig, report: socket.socket) -> None:
    try:
        harden(lock_memory=config.lock_memory)
        open_storage(config.storage_kind, config.storage_options).close()
        for file in config.audit_files:
            _try_audit_file(Path(file.file_path))
        for listener in config.listeners:
            if listener.tls is not None:
                TlsIdentity(listener.tls)
    except HoldfastError as error:
        report.sendall(_whole_text(error).encode())


def _try_audit_file(path: Path) -> None:
    try:
        FileSink(path.parent, path.name).close()
    except HoldfastError as error:
        raise UnavailableError(f"audit file {path}: {_whole_text(error)}") from None


def _whole_text(error: HoldfastError) -> str:
    """Return message and detail: who starts a store may know both."""
    return f"{error.message}: {error.detail}" if error.detail else error.message
