"""The statements, and how records lie in the one table.

    key bytea, the primary key           value bytea
    the key of a record, as UTF-8        the record
    /format                              the version of this layout; who changes anything locks this row
    /commit/<n>                          what commit n touched, see ``commit_log``

Keys are bytes, because a text of PostgreSQL holds no NUL and sorts as its server's language does; bytes
sort as listings do. No record's key starts with a slash, so the rows of our own are in nobody's way.

A read brings the log of commits since the newest one that is known along with its answer: one statement sees
one state, so the answer and the revision it belongs to cost one round trip, and cannot disagree.
"""

from collections.abc import Iterable
from typing import LiteralString, NamedTuple, TypeAlias

import msgspec
from psycopg import sql

from holdfast.storage.commit_log.entries import Entry, decode_entry
from holdfast.storage.errors import StorageBrokenError
from holdfast.storage.keys import encode_prefix

FORMAT_KEY = b"/format"
FORMAT = b"1"

_COMMITS = b"/commit/"
_COMMITS_END = b"/commit0"
_FIRST_OWN = b"/"
_LEVEL_END = b"0"  # behind the slash
_LAST = b"\xff"  # no UTF-8 has this byte

_LOG = "SELECT key, value FROM {table} WHERE key >= %(since)b AND key < %(end)b"
_TAKE = """
BEGIN ISOLATION LEVEL READ COMMITTED;
SELECT value FROM {table} WHERE key = '/format'::bytea FOR UPDATE;
SELECT key, value FROM {table} WHERE key >= '%(since)b'::bytea AND key < '%(end)b'::bytea
"""
_VALUES = "SELECT key, value FROM {table} WHERE key = ANY(%(keys)b) UNION ALL "
_NEWEST = _LOG + " ORDER BY key DESC LIMIT 1"
_NAMES = """
WITH RECURSIVE level(key) AS (
    (SELECT t.key FROM {table} t WHERE t.key >= %(first)b AND t.key < %(last)b ORDER BY t.key LIMIT 1)
  UNION ALL
    SELECT (
        SELECT t.key FROM {table} t
        WHERE t.key < %(last)b AND t.key >= CASE
            WHEN position('\\x2f'::bytea in substring(level.key from %(depth)s + 1)) = 0
            THEN level.key || '\\x00'::bytea
            ELSE substring(level.key from 1 for
                %(depth)s + position('\\x2f'::bytea in substring(level.key from %(depth)s + 1)) - 1
            ) || '\\x30'::bytea
        END
        ORDER BY t.key LIMIT 1
    )
    FROM level WHERE level.key IS NOT NULL
)
SELECT CASE
    WHEN position('\\x2f'::bytea in substring(key from %(depth)s + 1)) = 0
    THEN substring(key from %(depth)s + 1)
    ELSE substring(key from %(depth)s + 1
        for position('\\x2f'::bytea in substring(key from %(depth)s + 1)))
END, NULL::bytea FROM level WHERE key IS NOT NULL
UNION ALL
"""


Answer: TypeAlias = list[tuple[bytes, bytes | None]]
"""Keys or names, with values where the question was for some."""


class Mark(NamedTuple):
    """One moment of the store: the number of its newest commit, and the id by which that one is known."""

    revision: int
    commit_id: bytes


class Statements:
    """The statements for one table.

    Attributes:
        unbound: lifts the time limit of statements until the transaction ends.
        commit, rollback: end it.
        format: the format of the layout.
        any_row: one row, if there is any.
        log: the log since a commit, that one included; parameters by ``since``.
        newest: the newest entry of the log.
        values: the values of ``keys``, and the log; parameters by ``since`` too.
        names: the names of a level, and the log; parameters by ``level`` and ``since``.
        put, delete, append: change records, and add to the log.
    """

    def __init__(self, schema: str, table: str) -> None:
        self.table = sql.Identifier(schema, table)
        self.unbound = b"SET LOCAL statement_timeout = 0"
        self.commit = b"COMMIT"
        self.rollback = b"ROLLBACK"
        self.format = self._made("SELECT value FROM {table} WHERE key = %b")
        self._take = self._made(_TAKE)
        self.log = self._made(_LOG)
        self.newest = self._made(_NEWEST)
        self.values = self._made(_VALUES + _LOG)
        self.names = self._made(_NAMES + _LOG)
        self.put = self._made(
            "INSERT INTO {table} (key, value) SELECT * FROM unnest(%b::bytea[], %b::bytea[]) "
            "ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value"
        )
        self.delete = self._made("DELETE FROM {table} WHERE key = ANY(%b::bytea[])")
        self.append = self._made("INSERT INTO {table} (key, value) VALUES (%b, %b)")
        self.any_row = self._made("SELECT 1 FROM {table} LIMIT 1")

    def take_lock(self, revision: int) -> bytes:
        """Return what begins a transaction, waits for the right to commit, and gives format and log.

        Each statement sees what is committed by then, so the log is as of the lock. All are one message, not
        a pipeline: that would end with a message that stops the server's clock for whoever stands still.
        """
        # Nothing in the values of these parameters comes from outside.
        return self._take % {name.encode(): value for name, value in since(revision).items()}

    def _made(self, text: LiteralString) -> bytes:
        return sql.SQL(text).format(table=self.table).as_bytes(None)


def since(revision: int) -> dict[str, bytes]:
    """Return the parameters for the log from ``revision`` on."""
    return {"since": commit_key(max(0, revision)), "end": _COMMITS_END}


def level(prefix: str) -> dict[str, bytes | int]:
    """Return the parameters for the names below ``prefix``.

    Raises:
        InvalidKeyError: no key can start like this.
    """
    start = encode_prefix(prefix)
    return {"first": start, "last": start[:-1] + _LEVEL_END if start else _LAST, "depth": len(start)}


def commit_key(revision: int) -> bytes:
    """Return where the entry of a commit lies; such keys sort like numbers."""
    return _COMMITS + b"%019d" % revision


class Rows(NamedTuple):
    """What a read brought: an answer, and the log that goes with it."""

    answer: Answer
    log: dict[int, Entry]


def read_rows(rows: Iterable[tuple[bytes, bytes | None]]) -> Rows:
    """Tell answer and log apart.

    Raises:
        StorageBrokenError: the log is not one of ours.
    """
    found = Rows([], {})
    for key, value in rows:
        if not key.startswith(_FIRST_OWN):
            found.answer.append((key, value))
        elif value is not None:  # else our own rows, seen as a name at the top level
            try:
                found.log[int(key.removeprefix(_COMMITS))] = decode_entry(value)
            except (ValueError, msgspec.DecodeError):
                raise StorageBrokenError("storage: the log of changes is damaged") from None
    return found
