"""Trying out what a store will need, before anything is started: memory lock, storage, audit and TLS files.

It is done in a child that ends at once, because the supervisor must neither hold a key nor have storage open.
So what is wrong with a configuration is said once, in one line, and not by every process that trips over it.
"""

import os
import socket

from holdfast.audit import DeviceSettings
from holdfast.errors import HoldfastError, UnavailableError
from holdfast.http.tls import TlsIdentity
from holdfast.process.hardening import harden
from holdfast.server.children import fork
from holdfast.server.config import ServerConfig
from holdfast.storage.factory import open_storage
from holdfast.store.audit.keys import AUDIT_KEY_BYTES


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
        for device in config.audit.configured:
            _try_audit_device(device)
        for listener in config.listeners:
            if listener.tls is not None:
                TlsIdentity(listener.tls)
    except HoldfastError as error:
        report.sendall(_whole_text(error).encode())


def _try_audit_device(device: DeviceSettings) -> None:
    """Open the file of a device. Whether anybody listens at a socket matters only once there are lines."""
    try:
        device.open(bytes(AUDIT_KEY_BYTES)).close()
    except HoldfastError as error:
        what = f"audit file {device.file_path}" if device.file_path else f"audit device {device.name}"
        raise UnavailableError(f"{what}: {_whole_text(error)}") from None


def _whole_text(error: HoldfastError) -> str:
    """Return message and detail: who starts a store may know both."""
    return f"{error.message}: {error.detail}" if error.detail else error.message
