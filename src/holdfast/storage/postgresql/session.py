"""A connection that is made anew when it is lost, with bounded waiting.

``LostError`` says that nobody knows whether what was sent was carried out; the next call goes over a new
connection. While the server is away a call waits until ``patience_seconds`` have passed since it went away,
and further calls fail at once but for a try now and then, the rarer the longer one takes: somebody who
serves others from one thread must not stand still at every request.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import psycopg

from holdfast.storage.errors import StorageUnavailableError
from holdfast.storage.postgresql.connection import Connection, connect
from holdfast.storage.postgresql.refusals import is_lost, no_connection, refusal
from holdfast.storage.postgresql.settings import Settings

_SHORTEST_PAUSE_SECONDS = 0.05
_PAUSE_PER_TRY = 3.0

log = logging.getLogger(__name__)

T = TypeVar("T")


class LostError(Exception):
    """The connection was lost: what was asked may have been done, or not, or may yet be."""


class Session:
    """See the module; for one thread at a time.

    Args:
        settings: whom to talk to, and as whom.
        patience_seconds: how long a call waits for a server that is away.
        readonly: have the server refuse every change.
    """

    def __init__(self, settings: Settings, *, patience_seconds: float, readonly: bool) -> None:
        self.patience_seconds = patience_seconds
        self._settings = settings
        self._readonly = readonly
        self._connection: Connection | None = None
        self._closed = threading.Event()
        self._away_since = time.monotonic()
        self._next_try = 0.0
        self._why: StorageUnavailableError | None = None

    def ask(
        self, send: Callable[[Connection], T], *, silence_seconds: float, is_continued: bool = False
    ) -> T:
        """Exchange something with the server.

        Args:
            send: does it.
            silence_seconds: how long the server may keep silent meanwhile.
            is_continued: it belongs to a transaction that is under way, so no other connection will do.

        Raises:
            LostError: see there.
            StorageUnavailableError: the server is away and nothing was sent, or it refused.
        """
        if self._connection is None and is_continued:
            raise LostError("lost before")
        connection = self._connection or self._connect()
        connection.patience_seconds = silence_seconds
        try:
            return send(connection)
        except psycopg.Error as error:
            if connection.closed or is_lost(error):
                self._give_up(connection)
                raise LostError(type(error).__name__) from None
            raise refusal(error) from None
        except BaseException:
            self._give_up(connection)  # whatever it was in the middle of
            raise

    def give_up(self) -> None:
        """Hang up, so that the server ends what is under way; the next call connects anew."""
        if self._connection is not None:
            self._give_up(self._connection)

    def stop_waiting(self) -> None:
        """Let go whoever waits for a server that is away; for other threads."""
        self._closed.set()

    def close(self) -> None:
        """Hang up for good. Safe to call twice."""
        self._closed.set()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _give_up(self, connection: Connection) -> None:
        self._connection = None
        self._away_since = time.monotonic()
        connection.close()

    def _connect(self) -> Connection:
        """Return a new connection; try as long as patience lasts, at least once now and then."""
        while not self._closed.is_set():
            now = time.monotonic()
            if now >= self._next_try:
                try:
                    self._connection = connect(self._settings, readonly=self._readonly)
                except psycopg.Error as error:
                    self._why = no_connection(error, self._settings.place)
                except StorageUnavailableError as error:
                    self._why = error
                else:
                    self._next_try, self._why = 0.0, None
                    return self._connection
                took = time.monotonic() - now
                self._next_try = time.monotonic() + max(_SHORTEST_PAUSE_SECONDS, took * _PAUSE_PER_TRY)
            if time.monotonic() >= self._away_since + self.patience_seconds:
                break
            self._closed.wait(max(0.0, min(self._next_try - time.monotonic(), _SHORTEST_PAUSE_SECONDS * 4)))
        if self._closed.is_set():
            raise StorageUnavailableError("storage: closed")
        why = self._why or no_connection(None, self._settings.place)
        raise StorageUnavailableError(why.message, detail=why.detail)
