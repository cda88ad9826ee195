"""One connection to a ZooKeeper ensemble, with bounded waiting.

Requests are sent together and answered in order. A connection that is lost, or that leaves a request
unanswered for ``ANSWER_SECONDS``, is given up: ``LostError`` says that nobody knows which of the requests
were carried out, and the next call goes over a new connection, to whichever server answers. A stopped server
keeps its connections open, so waiting longer would not help.

While the ensemble is away a call waits until ``patience_seconds`` have passed since it went away, and further
calls fail at once: somebody who serves others from one thread must not stand still at every request.

The client gives up for good when it is refused, or meets what it did not expect, which with SASL includes a
server that is killed at the wrong moment. So a client that is dead is replaced, as long as anybody asks.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
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
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.protocol.states import KazooState, KeeperState
from kazoo.retry import KazooRetry

from holdfast.storage.errors import StorageUnavailableError
from holdfast.storage.zookeeper.plumbing import Remarks, Sockets
from holdfast.storage.zookeeper.settings import Settings

ANSWER_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 0.25
_REPLACE_AFTER_SECONDS = 1.0
_BRIEF_SECONDS = 1.0
"""A connection that ended sooner, and answered nothing, was none: it does not renew anybody's patience."""

_LOST = (
    ConnectionClosedError,
    ConnectionLoss,
    OperationTimeoutError,
    SessionExpiredError,
    SessionMovedError,
    KazooTimeoutError,
)
_DEAD = {KeeperState.CLOSED, KeeperState.AUTH_FAILED}

log = logging.getLogger(__name__)

Send = Callable[[KazooClient], Sequence[Any]]
"""Sends requests and returns what waits for their answers, in the same order."""


class LostError(Exception):
    """The connection was lost: what was asked may have been done, or not, or may yet be."""


class Session:
    """See the module; safe for threads.

    Args:
        settings: whom to talk to, and as whom.
        patience_seconds: how long a call waits for an ensemble that is away.
    """

    def __init__(self, settings: Settings, *, patience_seconds: float) -> None:
        self._settings = settings
        self._patience_seconds = patience_seconds
        self._lock = threading.Lock()  # of what follows
        self._client: KazooClient | None = None
        self._connected = threading.Event()
        self._connected_at = 0.0
        self._has_answered = False
        self._away_since = time.monotonic()
        self._replace_at = 0.0
        self._is_closed = False
        self._is_refused = False
        self._remarks = Remarks()

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
        while True:
            client = self._connect()
            try:
                answers = [self._answer(waiting) for waiting in send(client)]
            except AuthFailedError:
                time.sleep(0.01)  # the connection ended while we said who we are, so nothing was sent over it
                continue
            except NoAuthError:
                raise self._refused() from None
            except _LOST as error:
                if isinstance(error, KazooTimeoutError):
                    self._give_up(client)
                raise LostError(type(error).__name__) from None
            self._is_refused, self._has_answered = False, True
            return answers

    def close(self) -> None:
        """Hang up; whoever waits gets an error. Safe to call twice."""
        with self._lock:
            self._is_closed = True
            client, self._client = self._client, None
            self._connected.clear()
        if client is not None:
            _stop(client)

    @staticmethod
    def _answer(waiting: Any) -> Any:
        try:
            answer = waiting.get(timeout=ANSWER_SECONDS)
        except (*_LOST, AuthFailedError, NoAuthError):
            raise
        except Exception as error:  # noqa: BLE001 - a refusal is the answer, and one of many kinds
            return error
        if isinstance(answer, list) and any(isinstance(part, NoAuthError) for part in answer):
            raise NoAuthError
        return answer

    def _connect(self) -> KazooClient:
        """Return a connected client; wait for one as long as patience lasts."""
        while True:
            client = self._living_client()
            if client is not None and self._connected.is_set():
                return client
            left = self._away_since + self._patience_seconds - time.monotonic()
            if left <= 0:
                raise self._unavailable()
            self._connected.wait(min(left, _LONGEST_PAUSE_SECONDS))

    def _living_client(self) -> KazooClient | None:
        with self._lock:
            if self._is_closed:
                raise StorageUnavailableError("storage: closed")
            client = self._client
            if time.monotonic() < self._replace_at:
                return client
            if client is not None and client.client_state in _DEAD:
                self._discard(client)
            if self._client is None:
                self._start()
            return self._client

    def _start(self) -> None:
        settings = self._settings
        self._client = client = KazooClient(
            hosts=settings.address,
            timeout=settings.session_seconds,
            handler=Sockets(settings.tls),
            logger=self._remarks.logger,
            default_acl=settings.acl,
            auth_data=list(settings.auth),
            sasl_options=settings.sasl_options,
            connection_retry=KazooRetry(
                max_tries=-1, delay=0.05, backoff=2, max_delay=_LONGEST_PAUSE_SECONDS, max_jitter=0.5
            ),
            use_ssl=settings.tls is not None,
        )
        client.add_listener(partial(self._on_state, client))
        client.start_async()
        self._replace_at = time.monotonic() + _REPLACE_AFTER_SECONDS  # a client that starts looks dead

    def _on_state(self, client: KazooClient, state: str) -> None:
        """Follow the connection; runs in a thread of the client's."""
        is_refused = client.client_state == KeeperState.AUTH_FAILED
        with self._lock:
            if client is not self._client:
                return  # given up: it says nothing about the one that took its place
            if state == KazooState.CONNECTED:
                self._connected_at, self._has_answered = time.monotonic(), False
                self._connected.set()
            else:
                self._is_refused |= is_refused
                self._note_away()

    def _note_away(self) -> None:
        if self._connected.is_set():
            now = time.monotonic()
            if self._has_answered or now - self._connected_at > _BRIEF_SECONDS:
                self._away_since = now
            self._connected.clear()

    def _give_up(self, client: KazooClient) -> None:
        """Leave a connection whose server does not answer; its session ends by itself."""
        with self._lock:
            if self._client is not client:
                return  # somebody else who waited has done so
            self._replace_at = 0.0
            self._discard(client)
        log.warning("zookeeper: no answer within %.0f s, connecting anew", ANSWER_SECONDS)

    def _discard(self, client: KazooClient) -> None:
        self._client = None
        self._note_away()
        # Saying goodbye to a server that does not answer takes a while, and nobody needs to wait for it.
        threading.Thread(target=_stop, args=(client,), daemon=True).start()

    def _unavailable(self) -> StorageUnavailableError:
        if self._is_refused:
            return self._refused()
        remark = f": {self._remarks.newest}" if self._remarks.newest else ""
        return StorageUnavailableError(
            "storage: ZooKeeper is away; nothing was changed, try again later",
            detail=f"no server of {self._settings.address} answers{remark}",
        )

    def _refused(self) -> StorageUnavailableError:
        return StorageUnavailableError(
            "storage: ZooKeeper refuses our credentials", detail=f"asked servers of {self._settings.address}"
        )


def _stop(client: KazooClient) -> None:
    with suppress(Exception):
        client.stop()
        client.close()
