"""The gRPC side of the table: listening, limits, certificates, stopping. Calls go on in ``grpc_calls``.

Limits apply before anything looks at the meaning. Calls with one answer share a few threads and a bounded
queue; beyond it a call is refused at once with RESOURCE_EXHAUSTED. Streams have threads of their own, so that
nobody who listens can keep others from calling.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import grpc

from holdfast.api.sdk.calls import Calls
from holdfast.api.sdk.grpc.grpc_calls import GrpcCalls
from holdfast.api.sdk.grpc.grpc_health import Health
from holdfast.api.sdk.grpc.grpc_reflection import Reflection
from holdfast.api.sdk.streams import MAX_STREAMS
from holdfast.api.sdk.threads import Threads
from holdfast.errors import InvalidInputError, UnavailableError
from holdfast.http.listener import is_loopback
from holdfast.http.tls import TlsIdentity, TlsSettings

FEW_WORKERS, MOST_WORKERS = 3, 64
MAX_UNANSWERED = 256  # each waits in the queue with its headers alone
MAX_MESSAGE_BYTES = 1 << 20
MAX_ANSWER_BYTES = 64 << 20
MAX_METADATA_BYTES = 32 << 10
MAX_STREAMS_PER_CONNECTION = 100
MAX_CONNECTIONS = 256

_OPTIONS = (
    ("grpc.so_reuseport", 0),  # a second node on this port is a mistake, not a helper
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_ANSWER_BYTES),
    ("grpc.max_metadata_size", MAX_METADATA_BYTES),
    ("grpc.absolute_max_metadata_size", MAX_METADATA_BYTES),
    ("grpc.max_concurrent_streams", MAX_STREAMS_PER_CONNECTION),
    ("grpc.max_allowed_incoming_connections", MAX_CONNECTIONS),
    ("grpc.server_handshake_timeout_ms", 10_000),
    # A peer that has vanished is noticed; one that pings without need is sent away.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 3),
    ("grpc.max_connection_idle_ms", 900_000),
)


class GrpcServer:
    """Serves gRPC until stopped.

    Args:
        calls: the node's calls.
    """

    def __init__(self, calls: Calls) -> None:
        self._stopping = threading.Event()
        self._health = Health(self._stopping, calls.is_serving)
        self._pool = Threads(FEW_WORKERS, MOST_WORKERS, name="grpc")
        self._calls = GrpcCalls(calls)
        self._server = grpc.server(
            cast("ThreadPoolExecutor", self._pool),  # an executor is all that it has to be
            handlers=[self._calls, Reflection(self._calls), self._health],
            options=_OPTIONS,
            maximum_concurrent_rpcs=MAX_UNANSWERED + MAX_STREAMS,
        )
        self._certificates: _Certificates | None = None

    def listen(self, host: str, port: int, *, tls: TlsSettings | None = None) -> int:
        """Begin to serve on a TCP address, and return its port.

        Args:
            host: an address, or a name that resolves to some.
            port: the port; 0 picks a free one.
            tls: serve TLS; without it plain text, which is for loopback only.

        Raises:
            InvalidInputError: plain text off loopback.
            UnavailableError: the address cannot be listened on.
        """
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if tls is None and not is_loopback(host):
            raise InvalidInputError(f"listener {host}: expected TLS on an address that is not loopback")
        try:
            if tls is None:
                bound = self._server.add_insecure_port(address)
            else:
                self._certificates = _Certificates(tls)
                bound = self._server.add_secure_port(address, self._certificates.credentials())
        except RuntimeError:
            raise UnavailableError(f"cannot listen on {address}; is another program there?") from None
        self._server.start()
        return bound

    def reload_certificates(self) -> None:
        """Read the certificates again; handshakes from now on use them.

        Raises:
            TlsConfigurationError: the files are not usable; the old ones stay.
        """
        if self._certificates is not None:
            self._certificates.reload()

    def stop(self, grace_seconds: float) -> None:
        """Take no more calls, end the streams, let the other calls end; wait that long at most."""
        self._stopping.set()
        self._calls.end_streams()
        self._server.stop(grace_seconds).wait(grace_seconds + 5)
        self._calls.close()
        self._health.close()
        self._pool.close()


class _Certificates:
    """Certificate and key as gRPC asks for them, one time for each handshake."""

    def __init__(self, settings: TlsSettings) -> None:
        self._settings = settings
        self._identity = TlsIdentity(settings)  # finds out whether the files can be used
        self._current = self._read()

    def credentials(self) -> grpc.ServerCredentials:
        return grpc.dynamic_ssl_server_credentials(
            self._current,
            lambda: self._current,
            require_client_authentication=self._settings.require_client_certificate,
        )

    def reload(self) -> None:
        self._identity.reload()
        self._current = self._read()

    def _read(self) -> grpc.ServerCertificateConfiguration:
        settings = self._settings
        pair = (Path(settings.key_file).read_bytes(), Path(settings.certificate_file).read_bytes())
        roots = Path(settings.client_ca_file).read_bytes() if settings.client_ca_file else None
        return grpc.ssl_server_certificate_configuration([pair], root_certificates=roots)
