"""A store in one process: for ``-dev`` and for storage that lives in this process's memory."""

import asyncio
import logging
import signal
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import msgspec
import uvloop

from holdfast.errors import HoldfastError
from holdfast.process.hardening import harden
from holdfast.server.assembly import (
    SOON_SECONDS,
    audit_opener,
    keep_audit_up,
    keep_up,
    listen,
    peers,
    reload_files,
    tick_seconds,
)
from holdfast.server.config import ServerConfig
from holdfast.server.offload import Offload
from holdfast.server.sanitized import sanitized
from holdfast.storage.factory import open_storage
from holdfast.store.command import Command, decode_outcome, encode_command
from holdfast.store.facts import Facts
from holdfast.store.founding import root_entry
from holdfast.store.keeper_commands import InitializeStore, SubmitShare
from holdfast.store.local import LocalStore
from holdfast.store.request import Answer
from holdfast.store.tokens.commands import CreateToken
from holdfast.store.trouble import Trouble

GRACE_SECONDS = 10.0

log = logging.getLogger("holdfast.server")


def run_single(
    config: ServerConfig, unix_sockets: Mapping[str, socket.socket], *, ready: Callable[[LocalStore], None]
) -> int:
    """Serve until told to stop; return the exit status.

    Args:
        config: with 0 workers, and with real ports.
        unix_sockets: the bound Unix sockets by path.
        ready: called once the listeners are open.
    """
    harden(lock_memory=config.lock_memory)
    storage = open_storage(config.storage_kind, config.storage_options)
    offload, outside = Offload(), Offload.outside()
    local = LocalStore(
        storage,
        audit_devices=tuple(device.name for device in config.audit.configured),
        open_audit_devices=audit_opener(config),
        offload=offload.run,
        outside=outside.run,
        max_secret_bytes=config.max_secret_bytes,
        iam=config.iam,
        secret_mounts=config.dcos_stores,
        seal=config.seal,
        node_id=config.cluster.node_id,
        peers=peers(config),
        facts=Facts(configuration=sanitized(config), audit=config.audit),
    )
    local.keeper.start()
    upkeep_trouble = Trouble(log, "upkeep")

    async def serve() -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        servers = await listen(config, local.store, unix_sockets, shared=False)
        loop.add_signal_handler(signal.SIGHUP, reload_files, servers, local.store)
        ready(local)
        audit_upkeep = asyncio.create_task(keep_audit_up(local.store, stopping))
        is_more_waiting = False
        while not stopping.is_set():
            with suppress(TimeoutError):
                pause = SOON_SECONDS if is_more_waiting else tick_seconds(storage)
                await asyncio.wait_for(stopping.wait(), pause)
            is_more_waiting = keep_up(local.keeper, upkeep_trouble)
        await audit_upkeep
        for server in servers:
            await server.stop(GRACE_SECONDS)

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve())
    finally:
        offload.close()
        outside.close()
        local.keeper.seal()
        storage.close()
    return 0


def open_dev_store(local: LocalStore, *, root_token: str | None) -> tuple[str, str]:
    """Initialise and unseal a throw-away store; return its one share and its root token."""
    keys = msgspec.json.decode(_run(local, InitializeStore(shares=1, threshold=1)).data or b"")
    share, token = keys["keys_base64"][0], keys["root_token"]
    _run(local, SubmitShare(share=share))
    if root_token is not None:
        _run(local, CreateToken(entry=root_entry(now=time.time()), token=root_token))
        token = root_token
    return share, token


def _run(local: LocalStore, command: Command) -> Answer:
    outcome = decode_outcome(local.keeper.apply([encode_command(command)])[0])
    if isinstance(outcome, HoldfastError):
        raise outcome
    return outcome
