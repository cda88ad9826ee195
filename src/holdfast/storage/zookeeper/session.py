"""One connection to a ZooKeeper ensemble, with bounded waiting.

Requests are sent together and answered in order. A connection that is lost, or that leaves a request
unanswered for ``ANSWER_SECONDS``, is given up: ``LostError`` says that nobody knows which of the requests
were carried out, and the next call goes over a new connection, to whichever server answers. A stopped server
keeps its connections open, so waiting longer would not help.

While the ensemble is away a call waits until ``patience_seconds`` have passed since it went away, and further
calls fail at once: somebody who serves others from one thread must not stand still at every request.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from kazoo.client import KazooClient
from kazoo.exceptions import (
    AuthFailedError,
    ConnectionClosedError,
    ConnectionLoss,
    NoAuthError,
    OperationTimeoutError,
    SessionExpiredError,
    SessionMovedError,
)
from kazoo.handlers.threading import KazooTimeoutError, SequentialThreadingHandler
from kazoo.protocol.states import KazooState
from kazoo.retry import KazooRetry

from holdfast.storage.errors import StorageUnavailableError
from holdfast.storage.zookeeper.settings import Settings

ANSWER_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 0.25

_LOST = (
    ConnectionClosedError,
    ConnectionLoss,
    OperationTimeoutError,
    SessionExpiredError,
    SessionMovedError,
    KazooTimeoutError,
)

log = logging.getLogger(__name__)

Send = Callable[[KazooClient], Sequence[Any]]
"""Sends requests and returns what waits for their answers, in the same order."""


class LostError(Exception):
    """The connection was lost: what was asked may have been done, or not, or may yet be."""


class Session:
    """See the module.

    Args:
        settings: whom to talk to, and as whom.
        patience_seconds: how long a call waits for an ensemble that is away.
    """

    def __init__(self, settings: Settings, *, patience_seconds: float) -> None:
        self._settings = settings
        self._patience_seconds = patience_seconds
        self._client: KazooClient | None = None
        self._starting = threading.Lock()
        self._connected = threading.Event()
        self._away_since = time.monotonic()

    @property
    def patience_seconds(self) -> float:
        """How long a call waits for an ensemble that is away."""
        return self._patience_seconds

    def ask(self, send: Send) -> list[Any]:
        """Send requests and return their answers in order; an answer that is a refusal is an exception.

        Raises:
            LostError: see there.
            StorageUnavailableError: the ensemble is away and nothing was sent, or it refused us.
        """
        client = self._connect()
        try:
            deadline = time.monotonic() + ANSWER_SECONDS
            return [self._answer(waiting, deadline) for waiting in send(client)]
        except _LOST as error:
            if isinstance(error, KazooTimeoutError):
                self._give_up(client)
            raise LostError(type(error).__name__) from None
        except (AuthFailedError, NoAuthError):
            raise self._refused() from None

    def close(self) -> None:
        """Hang up. Safe to call twice."""
        client, self._client = self._client, None
        self._connected.clear()
        if client is not None:
            client.remove_listener(self._on_state)
            _stop(client)

    @staticmethod
    def _answer(waiting: Any, deadline: float) -> Any:
        try:
            answer = waiting.get(timeout=max(0.0, deadline - time.monotonic()))
        except (*_LOST, AuthFailedError, NoAuthError):
            raise
        except Exception as error:  # noqa: BLE001 - a refusal is the answer, and one of many kinds
            return error
        if isinstance(answer, list) and any(isinstance(part, NoAuthError) for part in answer):
            raise NoAuthError
        return answer

    def _connect(self) -> KazooClient:
        """Return a connected client; wait for one as long as patience lasts."""
        with self._starting:
            if self._client is None:
                self._start()
        if not self._connected.is_set():
            left = self._away_since + self._patience_seconds - time.monotonic()
            if not self._connected.wait(max(0.0, left)):
                raise self._unavailable()
        client = self._client
        if client is None:
            raise self._unavailable()
        return client

    def _start(self) -> None:
        settings = self._settings
        self._client = client = KazooClient(
            hosts=settings.address,
            timeout=settings.session_seconds,
            handler=SequentialThreadingHandler(),
            default_acl=settings.acl,
            auth_data=list(settings.auth),
            sasl_options=settings.sasl_options,
            connection_retry=KazooRetry(
                max_tries=-1, delay=0.05, backoff=2, max_delay=_LONGEST_PAUSE_SECONDS, max_jitter=0.5
            ),
            use_ssl=settings.tls is not None,
            **settings.tls_options,
        )
        client.add_listener(self._on_state)
        client.start_async()

    def _on_state(self, state: str) -> None:
        """Follow the connection; runs in a thread of the client's."""
        if state == KazooState.CONNECTED:
            self._connected.set()
        elif self._connected.is_set():
            self._away_since = time.monotonic()
            self._connected.clear()

    def _give_up(self, client: KazooClient) -> None:
        """Leave a connection whose server does not answer; its session ends by itself."""
        log.warning("zookeeper: no answer within %.0f s, connecting anew", ANSWER_SECONDS)
        with self._starting:
            if self._client is client:
                self._client = None
        client.remove_listener(self._on_state)
        if self._connected.is_set():
            self._away_since = time.monotonic()
            self._connected.clear()
        # Saying goodbye to a server that does not answer takes a while, and nobody needs to wait for it.
        threading.Thread(target=_stop, args=(client,), daemon=True).start()

    def _unavailable(self) -> StorageUnavailableError:
        client = self._client
        if client is not None and client.client_state == "AUTH_FAILED":
            return self._refused()
        return StorageUnavailableError(
            "storage: ZooKeeper is away; nothing was changed, try again later",
            detail=f"no server of {self._settings.address} answers",
        )

    def _refused(self) -> StorageUnavailableError:
        return StorageUnavailableError(
            "storage: ZooKeeper refuses our credentials", detail=f"asked servers of {self._settings.address}"
        )


def _stop(client: KazooClient) -> None:
    with suppress(Exception):
        client.stop()
        client.close()
