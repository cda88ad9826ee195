"""One HTTP exchange with one server: connection reuse, deadlines, retries; no API's meaning.

Only ``GET`` is repeated, twice unless told otherwise, after a broken connection or a 5xx answer that the
caller has not declared final; repeating anything else could act twice. Redirects are never followed,
because a request carries a token. An answer over ``MAX_ANSWER_BYTES`` is refused.
"""

import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from holdfast.client.address import Address
from holdfast.client.errors import RemoteTooLargeError, RemoteUnavailableError
from holdfast.client.tls import TlsSettings

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, HTTPConnectionPool, Timeout

MAX_ANSWER_BYTES = 64 * 1024 * 1024
RETRY_WAITS_SECONDS = (0.2, 0.6)
CONNECT_TIMEOUT_SECONDS = 5.0
KEPT_CONNECTIONS = 8  # how many threads can share a client without opening a connection for each request


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server sent back.

    Attributes:
        status: HTTP status code.
        content_type: the ``Content-Type`` header as sent, empty if absent.
        body: the whole body.
    """

    status: int
    content_type: str
    body: bytes


class Transport:
    """Connections to one server.

    Args:
        address: where the server is.
        tls: how its certificate is checked.
        timeout_seconds: longest wait for one answer.
        retries: how often a ``GET`` is tried again.
        sleep: how to wait between two tries.
        max_answer_bytes: the longest answer that is taken.
        dial: opens the connection, where that must not simply go to what the host's name stands for; may
            raise ``OSError``.
    """

    def __init__(
        self,
        address: Address,
        *,
        tls: TlsSettings | None = None,
        timeout_seconds: float = 60.0,
        retries: int = len(RETRY_WAITS_SECONDS),
        sleep: Callable[[float], None] = time.sleep,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        dial: Callable[[], socket.socket] | None = None,
    ) -> None:
        self._max_answer_bytes = max_answer_bytes
        self._dial = dial
        self._address = address
        self._tls = tls or TlsSettings()
        self._timeout_seconds = timeout_seconds
        longest = RETRY_WAITS_SECONDS[-1]
        self._waits = (*RETRY_WAITS_SECONDS, *[longest] * (retries - len(RETRY_WAITS_SECONDS)))[:retries]
        self._sleep = sleep
        self._pool: HTTPConnectionPool | None = None

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        is_final: Callable[[Answer], bool] = lambda _: False,
    ) -> Answer:
        """Send one request and return the answer, whatever its status.

        Args:
            method: HTTP method.
            path: percent-encoded path and query, starting with a slash.
            headers: sent as they are.
            body: sent as it is.
            is_final: whether a 5xx answer is the server's considered word, so that asking again is pointless.

        Raises:
            RemoteUnavailableError: no answer, or one that breaks HTTP or redirects.
            RemoteTooLargeError: the answer is over ``MAX_ANSWER_BYTES``.
        """
        waits = self._waits if method == "GET" else ()
        for wait in waits:
            try:
                answer = self._exchange(method, path, headers, body)
            except RemoteUnavailableError:
                self._sleep(wait)
                continue
            if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR or is_final(answer):
                return answer
            self._sleep(wait)
        return self._exchange(method, path, headers, body)

    def close(self) -> None:
        """Close idle connections; the next request opens new ones."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def _exchange(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        from urllib3 import exceptions  # noqa: PLC0415 - 120 ms that `--help` must not pay

        if self._pool is None:
            self._pool = self._open_pool()
        try:
            response = self._pool.urlopen(
                method,
                self._address.base_path + path,
                body=body,
                headers=headers,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            answer = _read(response, self._max_answer_bytes)
        except exceptions.HTTPError as error:
            raise RemoteUnavailableError(
                f"no answer from {self._where()}: {_cause(error)}", detail=type(error).__name__
            ) from None
        if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
            raise RemoteUnavailableError(
                f"{self._where()} answered with a redirect, which is never followed with a token"
            )
        return answer

    def _open_pool(self) -> "HTTPConnectionPool":
        from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout  # noqa: PLC0415 - as above

        timeout = Timeout(
            connect=min(CONNECT_TIMEOUT_SECONDS, self._timeout_seconds), read=self._timeout_seconds
        )
        address = self._address
        if address.scheme == "unix":
            return _unix_pool(address.socket_path, timeout)
        if address.scheme == "http":
            pool = HTTPConnectionPool(address.host, address.port, timeout=timeout, maxsize=KEPT_CONNECTIONS)
            return _dialled(pool, self._dial) if self._dial else pool
        pool = HTTPSConnectionPool(
            address.host,
            address.port,
            timeout=timeout,
            maxsize=KEPT_CONNECTIONS,
            ssl_context=self._tls.context(),
            server_hostname=self._tls.server_name or None,
            assert_hostname=self._tls.server_name or None,
        )
        return _dialled(pool, self._dial) if self._dial else pool

    def _where(self) -> str:
        address = self._address
        if address.scheme == "unix":
            return f"unix://{address.socket_path}"
        host = f"[{address.host}]" if ":" in address.host else address.host
        return f"{address.scheme}://{host}:{address.port}"


def _read(response: "BaseHTTPResponse", max_bytes: int) -> Answer:
    body = response.read(max_bytes + 1)
    if len(body) > max_bytes:
        response.close()  # what is left on the connection would be read as the next answer
        raise RemoteTooLargeError(f"answer: expected at most {max_bytes} bytes")
    response.release_conn()
    return Answer(response.status, response.headers.get("Content-Type", ""), body)


def _cause(error: Exception) -> str:
    """Say in plain words why there was no answer, without the library's object dumps."""
    from urllib3 import exceptions  # noqa: PLC0415 - as above

    if isinstance(error, exceptions.SSLError):
        if "WRONG_VERSION_NUMBER" in str(error) or "RECORD_LAYER_FAILURE" in str(error):
            return "it does not speak TLS (is the address one with http://, or another's?)"
        return "its certificate was not accepted (is the right CA certificate given?)"
    if isinstance(error, exceptions.NewConnectionError):
        return "nothing accepts connections there (is the server running, is the address right?)"
    if isinstance(error, exceptions.TimeoutError):
        return "it took too long"
    return "the connection broke"


def _dialled(pool: "HTTPConnectionPool", dial: Callable[[], socket.socket]) -> "HTTPConnectionPool":
    """Have a pool open its connections by ``dial``; TLS, and whose certificate it asks for, stay the same."""
    from urllib3.exceptions import NewConnectionError  # noqa: PLC0415 - as above

    usual: Any = pool.ConnectionCls

    class DialledConnection(usual):  # type: ignore[misc]
        def _new_conn(self) -> socket.socket:
            try:
                return dial()
            except OSError as error:
                raise NewConnectionError(self, str(error.strerror)) from None

    pool.ConnectionCls = DialledConnection
    return pool


def _unix_pool(socket_path: str, timeout: "Timeout") -> "HTTPConnectionPool":
    from urllib3 import HTTPConnectionPool  # noqa: PLC0415 - as above
    from urllib3.connection import HTTPConnection  # noqa: PLC0415 - as above
    from urllib3.exceptions import NewConnectionError  # noqa: PLC0415 - as above

    class UnixConnection(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            channel.settimeout(CONNECT_TIMEOUT_SECONDS)
            try:
                channel.connect(socket_path)
            except OSError as error:
                channel.close()
                raise NewConnectionError(self, str(error.strerror)) from None
            return channel

    class UnixPool(HTTPConnectionPool):
        ConnectionCls = UnixConnection

    return UnixPool("localhost", timeout=timeout, maxsize=KEPT_CONNECTIONS)
