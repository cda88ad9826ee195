"""One connection, made safe for what we do with it, and given up when the server falls silent.

The server is told when to give us up in turn: a transaction whose owner stands still holds the lock that
every other node waits for.
"""

import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg
from psycopg.rows import TupleRow

from holdfast.storage.errors import StorageUnavailableError
from holdfast.storage.postgresql.refusals import refusal
from holdfast.storage.postgresql.settings import Settings

CONNECT_SECONDS = 3
STANDSTILL_SECONDS = 5
"""How long the server lets a transaction hold its lock while nothing comes from us."""

OLDEST_SERVER = 130_000

LOOK_SECONDS = 0.25
_SESSION = {
    "search_path": "pg_catalog",
    "standard_conforming_strings": "on",
    "idle_in_transaction_session_timeout": f"{STANDSTILL_SECONDS}s",
    "idle_session_timeout": "0",
    "statement_timeout": "60s",
    "tcp_user_timeout": "10s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "client_connection_check_interval": "2s",
}
_TELL = (
    "SELECT pg_catalog.set_config(s.name, given.value, false) FROM pg_catalog.pg_settings s "
    "JOIN ROWS FROM (pg_catalog.unnest(%s::text[]), pg_catalog.unnest(%s::text[])) AS given(name, value) "
    "ON given.name OPERATOR(pg_catalog.=) s.name"
)
_ASK = (
    "SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('fsync'), "
    "pg_catalog.current_setting('full_page_writes'), pg_catalog.current_setting('synchronous_commit')"
)
_DURABLE = ("on", "remote_apply")

RV = TypeVar("RV")


class SilentError(psycopg.OperationalError):
    """The server keeps the connection open and says nothing."""


class Connection(psycopg.Connection[TupleRow]):
    """See the module.

    Attributes:
        patience_seconds: how long the server may say nothing while we wait for it.
    """

    patience_seconds: float = CONNECT_SECONDS

    def wait(self, gen: Generator[Any, Any, RV], *_: Any, **__: Any) -> RV:
        """Run one exchange with the server; called by psycopg for each.

        Raises:
            SilentError: nothing came for too long; the connection is closed.
        """
        return super().wait(self._bounded(gen), interval=LOOK_SECONDS)

    def _bounded(self, gen: Generator[Any, Any, RV]) -> Generator[Any, Any, RV]:
        heard = time.monotonic()
        try:
            state = next(gen)
            while True:
                ready = yield state
                if ready:
                    heard = time.monotonic()
                elif time.monotonic() - heard > self.patience_seconds:
                    self.pgconn.finish()
                    raise SilentError(f"the server says nothing for {self.patience_seconds:.0f} s")
                state = gen.send(ready)
        except StopIteration as end:
            result: RV = end.value
            return result


def connect(settings: Settings, *, readonly: bool) -> Connection:
    """Return a connection on which every statement is a transaction unless we say otherwise.

    Raises:
        psycopg.Error: it was not made.
        StorageUnavailableError: the server is not one to keep a store on.
    """
    parameters: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "application_name": "holdfast",
        "client_encoding": "utf8",
        "gssencmode": "disable",  # it would come before TLS, and nobody has configured it
        "require_auth": "!password",  # in clear text, to whoever asks
        **settings.server,
        "password": settings.password or None,
    }
    connection = Connection.connect(autocommit=True, prepare_threshold=1, **parameters)
    try:
        _prepare(connection, settings, readonly=readonly)
    except psycopg.Error as error:
        connection.close()
        if error.sqlstate is None:
            raise
        raise refusal(error) from None
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: Connection, settings: Settings, *, readonly: bool) -> None:
    if connection.info.server_version < OLDEST_SERVER:
        raise StorageUnavailableError("storage: expected PostgreSQL 13 or newer")
    row = connection.execute(_ASK).fetchone()
    assert row is not None  # noqa: S101 - such a query has one row
    is_standby, fsync, whole_pages, synchronous = row
    if is_standby:
        raise StorageUnavailableError(
            "storage: PostgreSQL takes no changes: it is a standby; connect to the primary"
        )
    if "off" in {fsync, whole_pages}:
        raise StorageUnavailableError(
            "storage: expected PostgreSQL with fsync = on and full_page_writes = on; without them a loss of "
            "power takes what was acknowledged"
        )
    # Whoever stands still with the lock in hand loses it soon; others wait as long as they have patience.
    session = {**_SESSION, "lock_timeout": f"{settings.patience_seconds * 1000:.0f}ms"}
    if synchronous not in _DURABLE:
        session["synchronous_commit"] = "on"
    if readonly:
        session["default_transaction_read_only"] = "on"
    connection.execute(_TELL, [list(session), list(session.values())])
