"""The store as one writer process and several worker processes, joined to the process model.

The writer holds the keeper; a worker holds a ``Store`` and the listeners. What travels between them: commands
and their outcomes as frames, and the keyring as key messages.

    OPEN + Keyring.to_bytes()    take this keyring
    CLOSE                        drop the keyring
"""

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import uvloop

from holdfast.clock import SystemClock
from holdfast.http.listener import HttpServer
from holdfast.process.hardening import harden, unlock_file
from holdfast.server.assembly import (
    SOON_SECONDS,
    audit_opener,
    furniture,
    keep_audit_up,
    keep_up,
    listen,
    peers,
    reload_files,
    tick_seconds,
)
from holdfast.server.children import WorkerContext, WriterContext
from holdfast.server.config import ServerConfig
from holdfast.server.link import WriterLink
from holdfast.server.offload import Offload
from holdfast.server.sanitized import sanitized
from holdfast.server.shared_counter import SharedCounter
from holdfast.server.shared_memory import SharedMemory
from holdfast.server.supervisor import run_server
from holdfast.server.writer_loop import WriterLoop
from holdfast.storage.factory import open_storage
from holdfast.storage.interface import Storage
from holdfast.store.audit.health import AuditHealth
from holdfast.store.changes import StoredCounter
from holdfast.store.core import Store
from holdfast.store.facts import Facts
from holdfast.store.keeper import Keeper
from holdfast.store.metrics.tally import Tally
from holdfast.store.trouble import Trouble

OPEN = b"O"
CLOSE = b"C"
GRACE_SECONDS = 10.0
WORKER_GRACE_SECONDS = 8.0  # less than the supervisor allows, so that a worker ends by itself
KEY_STATE_SECONDS = 20.0

log = logging.getLogger("holdfast.server")


def run_processes(
    config: ServerConfig, unix_sockets: Mapping[str, socket.socket], *, ready: Callable[[], None]
) -> int:
    """Serve until told to stop; return the exit status.

    Args:
        config: with at least one worker, and with real ports.
        unix_sockets: the bound Unix sockets by path.
        ready: called in this process once all workers listen.
    """
    harden(lock_memory=False)  # the supervisor holds no key; but nobody shall trace what forks those that do
    shared = SharedMemory(config.workers)
    return run_server(
        worker_count=config.workers,
        writer_main=lambda context: _writer_main(config, context),
        worker_main=lambda context: _worker_main(config, unix_sockets, shared, context),
        on_ready=ready,
        grace_seconds=GRACE_SECONDS,
    )


class _Workers:
    """All workers, as the keeper sees them."""

    def __init__(self, counter: SharedCounter) -> None:
        self._counter = counter
        self.loop: WriterLoop | None = None

    def open(self, keyring: bytearray) -> None:
        """Hand the keyring to every worker; one that does not take it in time is ended."""
        message = bytearray(OPEN) + keyring
        try:
            self._broadcast(message)
        finally:
            message[:] = bytes(len(message))

    def close(self) -> None:
        """Make every worker drop its keyring."""
        self._broadcast(bytearray(CLOSE))

    def changed(self) -> None:
        """Move the change counter."""
        self._counter.bump()

    def _broadcast(self, message: bytearray) -> None:
        if self.loop is not None:
            self.loop.broadcast(message)


def _writer_main(config: ServerConfig, context: WriterContext) -> None:
    _harden(config, "writer")
    storage = open_storage(config.storage_kind, config.storage_options)
    _leave_unlocked(config)
    workers = _Workers(context.counter)
    keeper = Keeper(
        storage,
        workers,
        SystemClock(),
        furniture=furniture(config),
        node_id=config.cluster.node_id,
    )

    def current_key_message() -> bytearray | None:
        keyring = keeper.keyring_bytes()
        return None if keyring is None else bytearray(OPEN) + keyring

    upkeep_trouble = Trouble(log, "upkeep")
    loop = WriterLoop(
        context.control,
        apply=keeper.apply,
        current_key_message=current_key_message,
        on_tick=lambda: keep_up(keeper, upkeep_trouble),
        tick_seconds=tick_seconds(storage),
        soon_seconds=SOON_SECONDS,
        grace_seconds=GRACE_SECONDS,
    )
    keeper.start()
    workers.loop = loop
    loop.obey_signals()
    context.announce_ready()
    try:
        loop.run()
    finally:
        workers.loop = None
        keeper.seal()
        storage.close()


def _worker_main(
    config: ServerConfig,
    unix_sockets: Mapping[str, socket.socket],
    shared: SharedMemory,
    context: WorkerContext,
) -> None:
    _harden(config, f"worker {context.index}")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_Worker(config, context, shared).serve(unix_sockets))


class _Worker:
    """One worker process: the listeners, a store that reads, and the link to the writer."""

    def __init__(self, config: ServerConfig, context: WorkerContext, shared: SharedMemory) -> None:
        self._config = config
        self._facts = Facts(
            Tally(shared.counts, context.index),
            sanitized(config),
            config.audit,
            AuditHealth(shared.audit_health, context.index),
        )
        self._rates = shared.rates
        self._context = context
        self._stopping = asyncio.Event()
        self._grace_seconds = WORKER_GRACE_SECONDS
        self._first_message = bytearray()
        self._store: Store | None = None
        self._link = WriterLink(
            context.frames,
            context.keys,
            on_key_message=self._on_key_message,
            on_writer_lost=self._on_writer_lost,
        )

    async def serve(self, unix_sockets: Mapping[str, socket.socket]) -> None:
        """Serve until told to stop, or until the writer is gone."""
        config, loop = self._config, asyncio.get_running_loop()
        # The writer greets only when it has opened storage, so there is something to open here after it.
        self._link.wait_for_key_state(KEY_STATE_SECONDS)
        storage: Storage = open_storage(config.storage_kind, config.storage_options, readonly=True)
        _leave_unlocked(config)
        offload, outside = Offload(), Offload.outside()
        self._store = store = Store(
            storage,
            self._link,
            StoredCounter(storage) if storage.shared else self._context.counter,
            SystemClock(),
            open_audit_devices=audit_opener(config),
            schedule=loop.call_soon,
            offload=offload.run,
            outside=outside.run,
            max_secret_bytes=config.max_secret_bytes,
            iam=config.iam,
            secret_mounts=config.dcos_stores,
            node_id=config.cluster.node_id,
            peers=peers(config),
            facts=self._facts,
            rates=self._rates,
        )
        self._take(memoryview(self._first_message))
        self._first_message[:] = bytes(len(self._first_message))
        self._link.attach(loop)
        servers = await listen(config, store, unix_sockets, shared=True)
        loop.add_signal_handler(signal.SIGTERM, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload, servers)
        gc.collect()
        gc.freeze()  # what was loaded to start stays for ever: no collection needs to walk it again
        self._context.announce_ready()
        await keep_audit_up(store, self._stopping)
        await asyncio.gather(*(server.stop(self._grace_seconds) for server in servers))
        offload.close()
        outside.close()
        store.close()
        self._link.close()
        storage.close()

    def _on_key_message(self, message: memoryview) -> None:
        if self._store is None:
            self._first_message = bytearray(message)
        else:
            self._take(message)

    def _take(self, message: memoryview) -> None:
        if self._store is None or not message:
            return
        if message[:1] == OPEN:
            keyring = bytearray(message[1:])
            try:
                self._store.open(keyring)
            finally:
                keyring[:] = bytes(len(keyring))
        else:
            self._store.close()

    def _on_writer_lost(self) -> None:
        """Seal at once: nobody vouches for the keys any more. The supervisor starts everything anew.

        Changes that were on their way get no answer: whether they were made is not known here.
        """
        self._grace_seconds = 0.0
        if self._store is not None:
            self._store.close()
        self._stopping.set()

    def _reload(self, servers: Sequence[HttpServer]) -> None:
        if self._store is not None:
            reload_files(servers, self._store)


def _harden(config: ServerConfig, name: str) -> None:
    for measure in harden(lock_memory=config.lock_memory):
        if not measure.applied:
            log.warning("%s: %s is not in place: %s", name, measure.name, measure.remark)


def _leave_unlocked(config: ServerConfig) -> None:
    """Let the pages of the data file leave memory: they hold ciphertext only."""
    if config.lock_memory and config.data_directory:
        unlock_file(str(Path(config.data_directory) / "data.mdb"))
