"""Two parts of the ZooKeeper client that are ours: how its sockets are made, and where its remarks go.

**Sockets.** The client would trust the certificate authorities of the host beside the configured one; we
trust that one alone.

**Remarks.** The client logs what it sends, credentials among it, and says the same at each of many attempts.
None of that goes to a log: the newest remark is kept, and is part of the error that is raised when patience
ends.
"""

import logging
import socket
import ssl
from typing import Any

from kazoo.handlers.threading import SequentialThreadingHandler

from holdfast.storage.zookeeper.settings import TlsFiles

_MAX_REMARK_CHARACTERS = 300


class Remarks(logging.Handler):
    """Keeps the newest warning of the client, and tells it to nobody by itself."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.newest = ""
        # Not one of the process's loggers: no level and no handler that anybody configures applies to it.
        self.logger = logging.Logger("zookeeper", logging.WARNING)  # noqa: LOG001
        self.logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a remark."""
        error = record.exc_info[1] if record.exc_info else None
        # The text of an error that the client did not expect may hold what it was about to send.
        self.newest = type(error).__name__ if error else record.getMessage()[:_MAX_REMARK_CHARACTERS]


class Sockets(SequentialThreadingHandler):  # type: ignore[misc]
    """The client's threads, with sockets of our own making.

    Args:
        tls: ``None`` for connections in clear.
    """

    def __init__(self, tls: TlsFiles | None) -> None:
        super().__init__()
        self._tls = tls

    def create_connection(
        self, address: tuple[str, int], hostname: str = "", timeout: float | None = None, **_: Any
    ) -> socket.socket:
        """Return a connected socket, over TLS if that was configured.

        Raises:
            OSError: no connection, no handshake, or a file that cannot be read; the client tries again.
        """
        connection = socket.create_connection(address, timeout)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is None:
                return connection
            # Made for each connection, so that a certificate that was renewed is used without a restart.
            return tls_context(self._tls).wrap_socket(connection, server_hostname=hostname)
        except BaseException:
            connection.close()
            raise


def tls_context(tls: TlsFiles) -> ssl.SSLContext:
    """Return a context that trusts the configured authority, and the host's only if there is none."""
    context = ssl.create_default_context(cafile=tls.ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = tls.verify_hostname
    if tls.cert_file:
        context.load_cert_chain(tls.cert_file, tls.key_file)
    return context
