"""The listening sockets of one process, and what all their connections share.

Several workers listen on one TCP address with ``SO_REUSEPORT``; the kernel spreads connections over them.
Since that option would also let a second server join unnoticed, the parent reserves the address first
(``reserve_port``), which fails if anybody has it. A Unix socket cannot be shared that way: the parent binds
it (``bind_unix``) and its children inherit it.

Plain HTTP is for loopback and Unix sockets. Off loopback it must be asked for by name, and is warned about.
"""

import asyncio
import errno
import ipaddress
import logging
import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

from holdfast.errors import ConflictError, InvalidInputError, UnavailableError
from holdfast.http.answers import Handler
from holdfast.http.connections import Connections
from holdfast.http.limits import Limits
from holdfast.http.message import ErrorBody, json_error_body
from holdfast.http.protocol import HttpConnection
from holdfast.http.tls import TlsIdentity

BACKLOG = 1024
_HANDSHAKE_SECONDS = 10.0
_SHUTDOWN_SECONDS = 1.0  # how long a client may take to say goodbye; an idle one never does

_log = logging.getLogger("holdfast.http")


class HttpServer:
    """Serves one handler on any number of addresses of one loop.

    Args:
        handler: answers requests; see ``answers``.
        limits: bounds on what a peer may send and how long it may take.
        error_body: words the listener's own errors.
    """

    def __init__(
        self, handler: Handler, *, limits: Limits | None = None, error_body: ErrorBody = json_error_body
    ) -> None:
        self._handler = handler
        self._error_body = error_body
        self._connections = Connections(limits or Limits())
        self._servers: list[asyncio.Server] = []
        self._identities: list[TlsIdentity] = []

    async def listen_tcp(
        self,
        host: str,
        port: int,
        *,
        tls: TlsIdentity | None = None,
        reuse_port: bool = False,
        allow_plaintext_off_loopback: bool = False,
    ) -> int:
        """Listen on a TCP address and return its port.

        Args:
            host: an address, or a name that resolves to some.
            port: the port; 0 picks a free one.
            tls: serve TLS; without it plain HTTP.
            reuse_port: share the address with other workers.
            allow_plaintext_off_loopback: serve plain HTTP to other hosts, who may then read every secret.

        Raises:
            InvalidInputError: plain HTTP off loopback without being allowed.
            UnavailableError: the address cannot be listened on.
        """
        if tls is None and not is_loopback(host):
            if not allow_plaintext_off_loopback:
                raise InvalidInputError(f"listener {host}: expected TLS on an address that is not loopback")
            _log.warning(
                "listener %s:%d serves plain HTTP beyond this host: tokens and secrets travel unprotected",
                host,
                port,
            )
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(
                self._connect,
                host,
                port,
                ssl=None if tls is None else tls.context,
                ssl_handshake_timeout=None if tls is None else _HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=None if tls is None else _SHUTDOWN_SECONDS,
                reuse_port=reuse_port,
                backlog=BACKLOG,
            )
        except OSError as error:
            raise UnavailableError(f"listener {host}:{port}: {error.strerror or error}") from None
        self._adopt(loop, server, tls)
        bound: tuple[str, int] = server.sockets[0].getsockname()[:2]
        return bound[1]

    async def listen_on(self, sock: socket.socket, *, tls: TlsIdentity | None = None) -> None:
        """Listen on a socket that is bound already, such as one from ``bind_unix``."""
        loop = asyncio.get_running_loop()
        if sock.family == socket.AF_UNIX:
            server = await loop.create_unix_server(self._connect, sock=sock, backlog=BACKLOG)
        else:
            server = await loop.create_server(
                self._connect, sock=sock, ssl=None if tls is None else tls.context, backlog=BACKLOG
            )
        self._adopt(loop, server, tls)

    def reload_certificates(self) -> None:
        """Read all certificates again.

        Raises:
            TlsConfigurationError: one of them is not usable; that listener keeps the old one.
        """
        for identity in self._identities:
            identity.reload()

    async def stop(self, grace_seconds: float) -> bool:
        """Accept nothing new, finish requests in flight, close; ``False`` if some had to be cut off."""
        for server in self._servers:
            server.close()
        clean = await self._connections.drain(grace_seconds)
        self._connections.stop()
        return clean

    def _connect(self) -> HttpConnection:
        return HttpConnection(self._handler, self._error_body, self._connections)

    def _adopt(
        self, loop: asyncio.AbstractEventLoop, server: asyncio.Server, tls: TlsIdentity | None
    ) -> None:
        if not self._servers:
            self._connections.start(loop)
        self._servers.append(server)
        if tls is not None:
            self._identities.append(tls)


def is_loopback(host: str) -> bool:
    """Whether ``host`` is reachable from this machine only. An unknown name is not."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def reserve_port(host: str, port: int) -> int:
    """Return the port to listen on, after making sure that nobody listens there.

    Args:
        host: an address, or a name.
        port: the port; 0 picks a free one.

    Raises:
        ConflictError: somebody listens there.
        UnavailableError: the address is not ours.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)  # with SO_REUSEADDR only this tells a listener from a connection that is closing
            bound: tuple[str, int] = probe.getsockname()[:2]
            return bound[1]
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno != errno.EADDRINUSE:
            raise UnavailableError(f"listener {host}:{port}: {error.strerror}") from None
        raise ConflictError(f"listener {host}:{port}: another process listens there") from None


def bind_unix(path: str, *, mode: int = 0o600) -> socket.socket:
    """Bind and listen on a Unix socket, replacing one that nobody listens on any more.

    Args:
        path: where; its directory must exist.
        mode: the socket's permission bits.

    Raises:
        ConflictError: somebody listens there, or a file that is no socket is in the way.
        UnavailableError: the socket cannot be made there.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale_socket(path)
        before = os.umask(0o777 & ~mode)  # so that it never exists with wider permission
        try:
            sock.bind(path)
        finally:
            os.umask(before)
        Path(path).chmod(mode)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise UnavailableError(f"listener {path}: {error.strerror or error}") from None
    except ConflictError:
        sock.close()
        raise
    return sock


def _remove_stale_socket(path: str) -> None:
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise ConflictError(f"listener {path}: a file that is no socket is in the way")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(path)
            except ConnectionRefusedError:
                Path(path).unlink()
                return
        raise ConflictError(f"listener {path}: another process listens there")
