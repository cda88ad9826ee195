"""Starting a store: read the configuration, take the addresses, try out what is needed, run."""

import logging
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from holdfast.errors import ConflictError, UnavailableError
from holdfast.server.assembly import remove_unix_sockets, reserve_addresses, set_up_logging
from holdfast.server.config import DEFAULT_ADDRESS, ServerConfig, dev_config
from holdfast.server.config_file import load_config
from holdfast.server.data_lock import DataLock
from holdfast.server.errors import StartError
from holdfast.server.processes import run_processes
from holdfast.server.rehearsal import rehearse
from holdfast.server.single import open_dev_store, run_single
from holdfast.store.local import LocalStore
from holdfast.version import VERSION

log = logging.getLogger("holdfast.server")


def start(
    *,
    config_paths: Sequence[str],
    dev: bool,
    dev_root_token: str | None,
    dev_listen_address: str | None,
) -> int:
    """Run a store; see ``holdfast.server.run``."""
    config = dev_config(address=dev_listen_address or DEFAULT_ADDRESS) if dev else load_config(config_paths)
    set_up_logging(config)
    try:
        config, unix_sockets = reserve_addresses(config)
        try:
            return _run(config, unix_sockets, dev=dev, dev_root_token=dev_root_token)
        finally:
            remove_unix_sockets(unix_sockets)
    except (ConflictError, UnavailableError) as error:
        # These are about this host here; to a command line they would be about a server somewhere.
        raise StartError(error.message, detail=error.detail) from None


def _run(
    config: ServerConfig,
    unix_sockets: Mapping[str, socket.socket],
    *,
    dev: bool,
    dev_root_token: str | None,
) -> int:
    rehearse(config)
    _warn(config)
    with DataLock(config.data_directory), _PidFile(config.pid_file):
        if config.workers:
            return run_processes(config, unix_sockets, ready=lambda: _print_ready(config))
        return run_single(
            config, unix_sockets, ready=lambda local: _single_ready(config, local, dev, dev_root_token)
        )


def _warn(config: ServerConfig) -> None:
    for listener in config.listeners:
        if listener.is_exposed:
            log.warning(
                "tls_disable on %s: tokens and secrets travel in clear text to other hosts; "
                "give the listener tls_cert_file and tls_key_file",
                listener.url,
            )
    if not config.audit.configured:
        log.warning("no audit device is configured: nobody will know who read what")


def _print_ready(config: ServerConfig) -> None:
    log.info(
        "holdfast %s serves %s from %s storage with %d worker(s)",
        VERSION,
        ", ".join(listener.url for listener in config.listeners),
        config.storage_kind,
        config.workers,
    )


def _single_ready(config: ServerConfig, local: LocalStore, dev: bool, root_token: str | None) -> None:  # noqa: FBT001
    _print_ready(config)
    if not dev:
        return
    share, token = open_dev_store(local, root_token=root_token)
    url = config.listeners[0].url
    print(  # noqa: T201 - the one place where a person is meant to read a key: it opens a throw-away store
        "WARNING! This is a dev store: in memory, unsealed, and gone with everything when it stops.\n"
        "Never put a real secret into it.\n\n"
        f"    export HOLDFAST_ADDR='{url}'\n\n"
        f"Unseal Key: {share}\nRoot Token: {token}\n",
        file=sys.stdout,
        flush=True,
    )


class _PidFile:
    """A file that holds our process id while we run."""

    def __init__(self, path: str) -> None:
        self._path = Path(path) if path else None

    def __enter__(self) -> None:
        if self._path is not None:
            self._path.write_text(f"{os.getpid()}\n")

    def __exit__(self, *_: object) -> None:
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink()
