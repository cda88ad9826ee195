"""From configuration to objects: what every process of a store is put together from."""

import asyncio
import logging
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from holdfast.api.vault.open_ceremonies import OpenCeremonies
from holdfast.audit import AuditBroker
from holdfast.errors import HoldfastError
from holdfast.http.listener import HttpServer, bind_unix, reserve_port
from holdfast.http.tls import TlsIdentity
from holdfast.process.log_lines import log_to_stderr
from holdfast.server.application import Application, error_body
from holdfast.server.config import ServerConfig
from holdfast.server.peers import PeerClients
from holdfast.storage.errors import StorageBrokenError
from holdfast.storage.interface import Storage
from holdfast.store.audit.trail import OpenDevices
from holdfast.store.core import Peers, Store
from holdfast.store.founding import Furniture
from holdfast.store.keeper import Keeper
from holdfast.store.trouble import Trouble
from holdfast.ui.pages import Pages

TICK_SECONDS = 5.0
SHARED_TICK_SECONDS = 0.5
AUDIT_TICK_SECONDS = 0.5
SOON_SECONDS = 0.05  # between two ticks with work waiting: others come first, and most of the time is theirs

log = logging.getLogger("holdfast.server")


def audit_opener(config: ServerConfig) -> OpenDevices:
    """Return what opens the configured audit devices, given their keys; the keeper has made one for each."""

    def open_devices(keys: Mapping[str, bytes]) -> AuditBroker:
        return AuditBroker([device.open(keys[device.name]) for device in config.audit.configured])

    return open_devices


def furniture(config: ServerConfig) -> Furniture:
    """Return what a new store is made with."""
    return Furniture(
        cluster_name=config.cluster_name,
        audit_devices=tuple(device.name for device in config.audit.configured),
        seal=config.seal,
        iam=config.iam,
    )


def peers(config: ServerConfig) -> Peers | None:
    """Return the way to the other nodes, if there are any."""
    cluster = config.cluster
    return PeerClients(cluster.peers, ca_file=cluster.ca_file) if cluster.peers else None


def tick_seconds(storage: Storage) -> float:
    """Return how often a keeper looks at the time; what other nodes do is to be noticed soon."""
    return SHARED_TICK_SECONDS if storage.shared else TICK_SECONDS


async def listen(
    config: ServerConfig, store: Store, unix_sockets: Mapping[str, socket.socket], *, shared: bool
) -> list[HttpServer]:
    """Open every configured listener in the running event loop.

    Args:
        config: what to listen on; a TCP port of 0 is replaced before.
        store: what answers.
        unix_sockets: the Unix sockets of the configuration, bound before any process was started.
        shared: other processes listen on the same TCP addresses.

    Raises:
        HoldfastError: an address or a certificate cannot be used.
    """
    pages = Pages(max_secret_bytes=config.max_secret_bytes)
    servers = []
    for listener in config.listeners:
        application = Application(
            store,
            pages if config.offers_pages(listener) else None,
            OpenCeremonies(store, rekey=listener.open_rekey, root_generation=listener.open_root_generation),
            open_metrics=listener.open_metrics,
            max_json_strings=listener.max_json_strings,
        )
        server = HttpServer(application.handle, limits=config.limits_of(listener), error_body=error_body)
        tls = None if listener.tls is None else TlsIdentity(listener.tls)
        if listener.unix_path:
            await server.listen_on(unix_sockets[listener.unix_path])
        else:
            await server.listen_tcp(
                listener.host, listener.port, tls=tls, reuse_port=shared, allow_plaintext_off_loopback=True
            )
        servers.append(server)
    return servers


def reload_files(servers: Sequence[HttpServer], store: Store) -> None:
    """Read certificates again and open audit files again, as an operator asks for by SIGHUP.

    What cannot be used now is logged, and what was in use before stays.
    """
    tasks = [server.reload_certificates for server in servers]
    for task in (*tasks, store.reopen_audit_files):
        try:
            task()
        except HoldfastError as error:
            detail = f": {error.detail}" if error.detail else ""
            log.error("reload: %s%s", error.message, detail)  # noqa: TRY400 - the text says it all
    log.info("certificates and audit files were read again")


async def keep_audit_up(store: Store, stopping: asyncio.Event) -> None:
    """Look after slow audit devices until the process stops."""
    while not stopping.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), AUDIT_TICK_SECONDS)
        store.keep_audit_up()


def keep_up(keeper: Keeper, trouble: Trouble) -> bool:
    """Have the keeper do what time asks for; what it cannot do now, it does at the next tick.

    A full disk must not end the process and so seal the store, from which one can still read. Trouble is
    said when it begins and when it ends.

    Returns:
        Whether the next tick should come soon.

    Raises:
        StorageBrokenError: nobody can tell what is stored, so this process must end.
    """
    try:
        is_more_waiting = keeper.tick()
    except StorageBrokenError:
        raise
    except HoldfastError as error:
        trouble.met(error)
        return False
    trouble.over()
    return is_more_waiting


def reserve_addresses(config: ServerConfig) -> tuple[ServerConfig, dict[str, socket.socket]]:
    """Make sure that nobody else has the configured addresses, and bind the Unix sockets.

    Returns:
        The configuration with real ports in the place of 0, and the Unix sockets by path.

    Raises:
        ConflictError: another process listens there.
        UnavailableError: the address is not ours.
    """
    # The Unix sockets last: they leave something behind that a failure would have to clear away.
    listeners = tuple(
        listener if listener.unix_path else replace(listener, port=reserve_port(listener.host, listener.port))
        for listener in config.listeners
    )
    unix_sockets: dict[str, socket.socket] = {}
    try:
        for listener in listeners:
            if path := listener.unix_path:
                unix_sockets[path] = bind_unix(path, mode=listener.unix_mode)
    except HoldfastError:
        remove_unix_sockets(unix_sockets)
        raise
    return replace(config, listeners=listeners), unix_sockets


def remove_unix_sockets(unix_sockets: Mapping[str, socket.socket]) -> None:
    """Close the Unix sockets and take their names away."""
    for path, sock in unix_sockets.items():
        sock.close()
        Path(path).unlink(missing_ok=True)


def set_up_logging(config: ServerConfig) -> None:
    """Send the operator's log to standard error, one line a record."""
    log_to_stderr(
        "%(asctime)s %(levelname)s %(name)s[%(process)d]: %(message)s",
        level=_LEVELS.get(config.log_level.lower(), logging.INFO),
    )


_LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "err": logging.ERROR,
    "error": logging.ERROR,
}
