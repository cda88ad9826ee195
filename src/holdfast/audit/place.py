"""Where a socket leads: ``host:port``, or the path of a Unix socket, and how it is spoken to."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from holdfast.audit.errors import AuditConfigurationError, AuditSinkError

MAX_PORT = 65_535
MAX_UNIX_PATH = 107


@dataclass(frozen=True, slots=True)
class SocketPlace:
    """An address.

    Attributes:
        kind: ``tcp``, ``udp``, ``unix`` (a stream) or ``unixgram`` (datagrams).
        address: ``host:port`` or ``[host]:port``, or an absolute path.
    """

    kind: str
    address: str

    @property
    def is_stream(self) -> bool:
        """Whether bytes arrive in order on a connection, and not as datagrams."""
        return self.kind in {"tcp", "unix"}

    @property
    def is_unix(self) -> bool:
        """Whether it is a path on this host."""
        return self.kind in {"unix", "unixgram"}

    def check(self) -> None:
        """Make sure that it is an address.

        Raises:
            AuditConfigurationError: it is none.
        """
        if self.is_unix:
            if not Path(self.address).is_absolute() or len(os.fsencode(self.address)) > MAX_UNIX_PATH:
                raise AuditConfigurationError(
                    f"address: expected an absolute path of at most {MAX_UNIX_PATH} bytes"
                )
            return
        host, port = self._split()
        if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) <= MAX_PORT:
            raise AuditConfigurationError("address: expected host:port, such as 127.0.0.1:5140")

    def resolve(self) -> tuple[socket.AddressFamily, socket.SocketKind, object]:
        """Return what a socket is made with and connected to; may ask a name server.

        Raises:
            AuditSinkError: the name is not known.
        """
        kind = socket.SOCK_STREAM if self.is_stream else socket.SOCK_DGRAM
        if self.is_unix:
            return socket.AF_UNIX, kind, self.address
        host, port = self._split()
        try:
            family, _, _, _, address = socket.getaddrinfo(host, int(port), type=kind)[0]
        except OSError as error:
            raise AuditSinkError("the host of an audit device cannot be found", detail=str(error)) from None
        return family, kind, address

    def _split(self) -> tuple[str, str]:
        host, _, port = self.address.rpartition(":")
        return host.strip("[]"), port
