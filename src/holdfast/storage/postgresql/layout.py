"""Schema and table: made at the first start, and told from tables of others.

Nodes that start at the same time take turns by a lock that ends with the transaction.
"""

from secrets import token_bytes

from psycopg import sql

from holdfast.storage.commit_log.entries import COMMIT_ID_BYTES, Entry, encode_entry
from holdfast.storage.errors import StorageBrokenError, StorageUnavailableError
from holdfast.storage.postgresql.connection import Connection
from holdfast.storage.postgresql.settings import Settings
from holdfast.storage.postgresql.statements import FORMAT, FORMAT_KEY, Statements, commit_key

_LOCK_NUMBER = 0x486F6C6466617374  # "Holdfast"

# Asked of the catalogue as a table: its functions may answer from before we waited for the lock.
_HAS_SCHEMA = "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = %s"
_HAS_TABLE = (
    "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = %s AND c.relname = %s"
)
_TABLE = "CREATE TABLE {table} (key bytea PRIMARY KEY, value bytea NOT NULL)"
# Records are ciphertext: there is nothing to compress.
_UNCOMPRESSED = "ALTER TABLE {table} ALTER COLUMN value SET STORAGE EXTERNAL"


def lay_out(connection: Connection, settings: Settings, statements: Statements) -> None:
    """Make what is not there yet.

    Raises:
        psycopg.Error: the server refuses.
        StorageUnavailableError: the table is not there, and is not for us to make.
        StorageBrokenError: it is not one of ours.
    """
    if _has_table(connection, settings):
        found = _format(connection, statements)
        if found is not None:
            check_format(found)
            return
    with connection.transaction():
        connection.execute("SELECT pg_catalog.pg_advisory_xact_lock(%s)", [_LOCK_NUMBER])
        if not _has_table(connection, settings):
            if not settings.create_table:
                raise StorageUnavailableError(
                    "storage: PostgreSQL holds no store in the configured table, and skip_create_table keeps "
                    "us from making it"
                )
            if connection.execute(_HAS_SCHEMA, [settings.schema]).fetchone() is None:
                connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(settings.schema)))
            for statement in (_TABLE, _UNCOMPRESSED):
                connection.execute(sql.SQL(statement).format(table=statements.table))
        if _format(connection, statements) is None:
            if connection.execute(statements.any_row).fetchone() is not None:
                raise StorageBrokenError("storage: something else lies in the configured table")
            first = encode_entry(Entry(token_bytes(COMMIT_ID_BYTES), (), ()))
            connection.execute(statements.append, [FORMAT_KEY, FORMAT])
            connection.execute(statements.append, [commit_key(0), first])


def check_format(found: bytes | None) -> None:
    """Refuse a layout that is not ours.

    Raises:
        StorageUnavailableError: there is none yet.
        StorageBrokenError: a newer Holdfast has changed it.
    """
    if found is None:
        raise StorageUnavailableError("storage: PostgreSQL holds no store in the configured table")
    if found != FORMAT:
        raise StorageBrokenError("storage: the table was laid out by a newer Holdfast")


def _has_table(connection: Connection, settings: Settings) -> bool:
    return connection.execute(_HAS_TABLE, [settings.schema, settings.table]).fetchone() is not None


def _format(connection: Connection, statements: Statements) -> bytes | None:
    row = connection.execute(statements.format, [FORMAT_KEY], binary=True).fetchone()
    return None if row is None else bytes(row[0])
