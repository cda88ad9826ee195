"""The life of a node process: harden, open, recover, listen, serve, stop.

What is attached and mounted stays so when the node stops: workloads outlive it, and the next start finds
everything in the kernel. SIGTERM and SIGINT finish the requests under way; SIGHUP reads the certificates
and the keys of issuers again, and opens the audit log again, as after log rotation.
"""

import asyncio
import logging
import logging.handlers
import os
import signal
from collections.abc import Awaitable
from contextlib import suppress
from pathlib import Path

import msgspec
import uvloop

from holdfast.api.sdk.calls import ACCESS_LOG, Calls
from holdfast.api.sdk.dialect import SdkDialect
from holdfast.api.sdk.errors import listener_error_body
from holdfast.api.sdk.grpc.grpc_server import GrpcServer
from holdfast.errors import HoldfastError, InvalidInputError
from holdfast.http.limits import Limits
from holdfast.http.listener import HttpServer
from holdfast.http.tls import TlsIdentity, TlsSettings
from holdfast.noded.assembly import OpenNode, open_node
from holdfast.noded.config import NodeConfig, read_config
from holdfast.noded.host_files import require_directories
from holdfast.noded.options import NodeOptions
from holdfast.noded.regular_thread import RegularThread
from holdfast.process.environment import forget_variables
from holdfast.process.hardening import harden
from holdfast.process.log_lines import OneLine, log_to_stderr
from holdfast.providers.registry import SECRET_VARIABLES
from holdfast.version import VERSION

GRACE_SECONDS = 30.0
PLANS_SECONDS, LEFTOVERS_SECONDS = 10.0, 60.0  # between two looks
# Making, filling and re-keying volumes takes its time; the client is told, not cut off.
LIMITS = Limits(body_bytes=1 << 20, request_seconds=600.0, connections=256)

_log = logging.getLogger("holdfast.node")


def serve(options: NodeOptions) -> int:
    """Run a node; see ``holdfast.noded.run``."""
    log_to_stderr("%(asctime)s %(levelname)s %(name)s: %(message)s")
    for measure in harden(lock_memory=os.geteuid() == 0 and not options.disable_mlock):
        if not measure.applied:
            _log.info("%s is not in place: %s", measure.name, measure.remark)
    if options.access_log:
        _open_access_log(options.access_log)
    if options.ready_file:
        _check_ready_file(Path(options.ready_file))
    config = read_config(options, os.environ)
    _forget_secrets()
    for scheduler in options.schedulers:
        _log.info("-x %s is accepted and has no effect", scheduler)
    with open_node(config, backend=options.backend) as opened:
        _recover(opened)
        calls = Calls(opened.node)
        dialect, grpc = SdkDialect(calls), GrpcServer(calls) if config.grpc else None
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_serve_until_stopped(config, options, dialect, grpc, opened))
        finally:
            dialect.close()
            if options.ready_file:
                Path(options.ready_file).unlink(missing_ok=True)
    return 0


async def _serve_until_stopped(
    config: NodeConfig,
    options: NodeOptions,
    dialect: SdkDialect,
    grpc: GrpcServer | None,
    opened: OpenNode,
) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    server = HttpServer(dialect, limits=LIMITS, error_body=listener_error_body)
    tls = _tls(options)
    identity = None if tls is None else TlsIdentity(tls)
    port = await server.listen_tcp(config.host, config.port, tls=identity)
    grpc_address = ""
    if grpc is not None and config.grpc is not None:
        grpc_host, grpc_port = config.grpc
        grpc_address = _at(grpc_host, grpc.listen(grpc_host, grpc_port, tls=tls))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, _reload, server, grpc, config, opened)
    address = f"{'http' if tls is None else 'https'}://{_at(config.host, port)}"
    told = f"{address}, gRPC on {grpc_address}" if grpc_address else address
    print(f"holdfast node {VERSION}: listening on {told}", flush=True)  # noqa: T201 - scripts wait for it

    def stop_soon() -> None:
        loop.call_soon_threadsafe(stop.set)

    await asyncio.to_thread(opened.heart.start, config.advertise or address, on_replaced=stop_soon)
    plans = RegularThread(
        opened.node.carry_out_plans, name="plans", work="snapshots that are due", seconds=PLANS_SECONDS
    )
    plans.start()
    leftovers = RegularThread(
        opened.node.destroy_leftover_keys,
        name="leftovers",
        work="keys of volumes that are gone",
        seconds=LEFTOVERS_SECONDS,
    )
    leftovers.start()
    if options.ready_file:
        _write_ready_file(Path(options.ready_file), address, grpc_address)
    await stop.wait()
    _log.info("stopping; attached volumes stay attached")
    opened.node.copies.stop()
    await asyncio.to_thread(plans.stop)
    await asyncio.to_thread(opened.node.cloud_backups.stop)
    dialect.end_streams()
    ends: list[Awaitable[object]] = [server.stop(GRACE_SECONDS), asyncio.to_thread(leftovers.stop)]
    if grpc is not None:
        ends.append(asyncio.to_thread(grpc.stop, GRACE_SECONDS))
    await asyncio.gather(*ends)
    await asyncio.to_thread(opened.heart.stop)


def _open_access_log(path: str) -> None:
    """Write a line about every call to a file, and go on in a new one when it was moved away."""
    try:
        handler = logging.handlers.WatchedFileHandler(path)
    except OSError as error:
        raise InvalidInputError(f"--access-log {path}: cannot be opened ({error.strerror})") from None
    handler.setFormatter(OneLine("%(asctime)s %(message)s"))
    access = logging.getLogger(ACCESS_LOG)
    access.setLevel(logging.DEBUG)
    access.addHandler(handler)
    access.propagate = False


def _at(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _tls(options: NodeOptions) -> TlsSettings | None:
    if not options.tls_cert and not options.tls_key:
        if options.tls_client_ca:
            raise InvalidInputError("-apirootca: expected together with -apicert and -apikey")
        return None
    if not options.tls_cert or not options.tls_key:
        raise InvalidInputError("-apicert and -apikey: expected both, or neither")
    client_ca = "" if options.tls_no_client_auth else options.tls_client_ca
    return TlsSettings(
        certificate_file=options.tls_cert,
        key_file=options.tls_key,
        client_ca_file=client_ca,
        require_client_certificate=bool(client_ca),
    )


def _reload(server: HttpServer, grpc: GrpcServer | None, config: NodeConfig, opened: OpenNode) -> None:
    try:
        opened.decisions.reopen()
    except HoldfastError as error:
        _log.warning("the audit log goes on where it was: %s", error.message)
    try:
        server.reload_certificates()
        if grpc is not None:
            grpc.reload_certificates()
    except HoldfastError as error:
        _log.warning("the certificates stay as they were: %s", error.message)
    try:
        opened.verifier.trust(issuers=config.authentication.read())
    except HoldfastError as error:
        _log.warning("the keys of issuers stay as they were: %s", error.message)


def _recover(opened: OpenNode) -> None:
    for name, why in opened.devices.passed_over:
        _log.info("volume back end %s is not used: %s", name, why)
    for attachment in opened.node.attachments.recover():
        _log.info("volume %s is attached at %s", attachment.uuid, attachment.device)
    for done in opened.node.copies.tidy():
        _log.info("%s", done)
    opened.node.credentials.recover()
    opened.node.cloud_backups.recover()


def _forget_secrets() -> None:
    """Take the secrets out of our own environment, so that nothing started later can inherit them."""
    forget_variables(lambda name: "AUTH_" in name or name in SECRET_VARIABLES or name == "PX_SHARED_SECRET")


def _check_ready_file(path: Path) -> None:
    # What else is there would be gone: of /dev/null, say, for all of the machine.
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise InvalidInputError("--ready-file: expected a new file, or a plain one to replace")
    require_directories("--ready-file in", [str(path.parent)])


def _write_ready_file(path: Path, address: str, grpc_address: str) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        draft.unlink()
    told = {"address": address, "grpc_address": grpc_address, "pid": os.getpid()}
    draft.write_bytes(msgspec.json.encode(told))
    draft.replace(path)
