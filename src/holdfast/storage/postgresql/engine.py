"""The storage engine on PostgreSQL: ``interface.Storage`` for several nodes that all read and write.

**Writes.** A commit first locks one row, which every node's commits lock: they happen one after the other,
and nothing changes while one is prepared. So a change runs once, on the newest state, and transactions are
strictly serialisable, listings included, without PostgreSQL having to find conflicts (decision 0011). A batch
is two round trips and one flush, whatever it changes.

**The answer to a commit that is lost** is found out by taking the same lock: whoever has it knows that the
transaction before has ended, and the log tells whether it was made.

**Reads** answer from memory, which follows the log of commits as on ZooKeeper, and ask PostgreSQL for what is
not there. ``catch_up`` reads the log from the newest commit that is known, that one included: if it is not
there with the same id, the database was set back or is another one, and what was acknowledged is gone.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from secrets import token_bytes
from typing import Any, Generic, NoReturn, TypeAlias

from holdfast.clock import Clock
from holdfast.errors import InternalError
from holdfast.storage.commit_log.entries import (
    COMMIT_ID_BYTES,
    KEPT_ENTRIES,
    Entry,
    Footprint,
    directories_above,
    encode_entry,
)
from holdfast.storage.commit_log.follower import Follower
from holdfast.storage.commit_log.memory import Unknown
from holdfast.storage.commit_log.view import Overlay, View, check_prefix
from holdfast.storage.errors import (
    InvalidKeyError,
    OutcomeUnknownError,
    OvertakenError,
    StorageBrokenError,
    StorageUnavailableError,
)
from holdfast.storage.interface import Outcomes, T, Transaction
from holdfast.storage.keys import encode_key
from holdfast.storage.postgresql.connection import LOOK_SECONDS, Connection
from holdfast.storage.postgresql.layout import check_format, lay_out
from holdfast.storage.postgresql.session import LostError, Session
from holdfast.storage.postgresql.settings import Settings
from holdfast.storage.postgresql.statements import (
    FORMAT_KEY,
    Answer,
    Mark,
    Rows,
    Statements,
    commit_key,
    level,
    read_rows,
    since,
)

MAX_READER_PATIENCE_SECONDS = 4.0
"""How long a process that only reads stands still for a server that is away; others wait for it."""

READ_SILENCE_SECONDS = 4.0
LISTING_SILENCE_SECONDS = 20.0
"""How long the server may say nothing to a question; it collects all names of a level before it answers."""

MAX_REMEMBERED_VALUE_BYTES = 4 * 1024 * 1024
MAX_STATEMENT_BYTES = 32 * 1024 * 1024

Names: TypeAlias = list[str]

_NOWHERE = Mark(-1, b"")

log = logging.getLogger(__name__)


class PostgresqlStorage(Follower[bytes | None]):
    """See the module and ``interface.Storage``; safe for threads, not for forks.

    Args:
        settings: which database, and as whom.
        readonly: never write; the table must have been laid out by a process that does.
        clock: tells when leases run out.

    Raises:
        StorageUnavailableError: the server is away, refuses us, or is not one to keep a store on.
        StorageBrokenError: something else lies where our records should.
    """

    def __init__(self, settings: Settings, *, readonly: bool = False, clock: Clock | None = None) -> None:
        super().__init__("postgresql", clock)
        if not settings.is_verified and not settings.is_local:
            log.warning("postgresql: the server is not verified: whoever is in between can take its place")
        self._statements = Statements(settings.schema, settings.table)
        self._readonly = readonly
        patience = settings.patience_seconds
        self._patience_seconds = min(patience, MAX_READER_PATIENCE_SECONDS) if readonly else patience
        self._reader = Session(settings, patience_seconds=self._patience_seconds, readonly=True)
        self._writer = Session(settings, patience_seconds=self._patience_seconds, readonly=False)
        self._writing = threading.RLock()  # taken before the lock of what is remembered, and of the reader
        self._is_writing = False
        self._mark = _NOWHERE
        try:
            if not readonly:
                self._ask(self._writer, lambda connection: lay_out(connection, settings, self._statements))
            check_format(self._ask(self._reader, self._read_format))
            self.catch_up()
        except BaseException:
            self.close()
            raise

    # -- reading -------------------------------------------------------------------------------------------

    def catch_up(self) -> None:
        """Ask how far the store is, and forget what was changed since."""
        with self._lock:
            self._read(self._statements.log, since(self._mark.revision))

    def revision(self) -> int:
        """Return the number of commits so far."""
        with self._lock:
            self.catch_up()
            return self._mark.revision

    def value(self, key: str) -> bytes | None:
        """Return the value at ``key`` as of the newest revision that is known, which may move on by this."""
        with self._lock:
            self._refuse_if_closed()
            known = self._memory.value(key)
            if known is None or isinstance(known, bytes):
                return known
            try:
                encode_key(key)
            except InvalidKeyError:
                return None
            return self._load([key])[key]

    def names(self, prefix: str) -> Names:
        """Return the sorted names below ``prefix`` as of the current revision, which may move on by this."""
        with self._lock:
            self._refuse_if_closed()
            known = self._memory.names(prefix)
            if known is None:
                check_prefix(prefix)
                answer = self._read(
                    self._statements.names,
                    {**level(prefix), **since(self._mark.revision)},
                    silence_seconds=LISTING_SILENCE_SECONDS,
                )
                known = sorted(name.decode() for name, _ in answer)
                self._memory.keep_names(prefix, known)
            return known

    def _load(self, keys: Sequence[str]) -> dict[str, bytes | None]:
        """Read the values of keys, all as of the same revision, and remember those that are not too large."""
        wanted: list[bytes] = [key.encode() for key in keys]
        answer = self._read(self._statements.values, {"keys": wanted, **since(self._mark.revision)})
        values: dict[str, bytes | None] = dict.fromkeys(keys)
        values.update((key.decode(), value) for key, value in answer)
        for key, value in values.items():
            self._remember(key, value)
        return values

    def _read(
        self, statement: bytes, parameters: dict[str, Any], *, silence_seconds: float = READ_SILENCE_SECONDS
    ) -> Answer:
        """Return the answer to a statement that brings the log along, and follow that log; under the lock."""
        rows = self._ask(
            self._reader,
            partial(_rows, statement=statement, parameters=parameters),
            silence_seconds=silence_seconds,
        )
        if not rows.log:
            # Nothing is as new as what we know. Say so, and not that there is no store, if there is one.
            statement = self._statements.newest
            rows = self._ask(self._reader, partial(_rows, statement=statement, parameters=since(0)))
            if not rows.log:
                raise StorageUnavailableError("storage: PostgreSQL holds no store in the configured table")
        self._follow(rows.log)
        return rows.answer

    def _follow(self, entries: dict[int, Entry]) -> None:
        """Forget what the commits in a part of the log have changed; it ends with the newest commit.

        Raises:
            StorageBrokenError: the newest commit that we know is not in the history of this database.
        """
        with self._lock:
            newest, known = max(entries), self._mark
            here = entries.get(known.revision)
            if known is not _NOWHERE and (
                newest < known.revision or (here is not None and here.commit_id != known.commit_id)
            ):
                raise StorageBrokenError(
                    "storage: PostgreSQL went back to an earlier state, as after a restored backup, or a "
                    "failover that lost commits",
                    detail=f"commit {known.revision} is not in it",
                )
            numbers = range(known.revision + 1, newest + 1)
            if here is not None and all(number in entries for number in numbers):
                changed = Footprint()
                for number in numbers:
                    changed.add(Footprint.of(entries[number]))
                self._forget(changed)
            else:
                self._forget_everything()
            self._mark = Mark(newest, entries[newest].commit_id)

    def _remember(self, key: str, value: bytes | None) -> None:
        if value is None or len(value) <= MAX_REMEMBERED_VALUE_BYTES:
            self._memory.keep_value(key, value)

    # -- writing -------------------------------------------------------------------------------------------

    def write_all(self, changes: Sequence[Callable[[Transaction], T]]) -> Outcomes[T]:
        """Run every change on top of those before it and commit once."""
        if not changes:
            return []
        if self._readonly:
            raise StorageUnavailableError("storage: opened for reading only")
        with self._writing:
            if self._is_writing:
                raise InternalError("storage: a change must not start another one")
            self._is_writing = True
            try:
                return self._write_all(changes)
            finally:
                self._is_writing = False

    def close(self) -> None:
        """Hang up."""
        self._closed = True
        for session in (self._writer, self._reader):
            session.stop_waiting()
        with self._writing:
            self._writer.close()
        with self._lock:
            self._memory.clear()
            self._reader.close()

    def _write_all(self, changes: Sequence[Callable[[Transaction], T]]) -> Outcomes[T]:
        deadline = time.monotonic() + self._patience_seconds
        while True:
            self._refuse_if_closed()
            try:
                return self._commit_all(changes)
            except (LostError, OvertakenError):
                # The lock went with the connection, and nothing was changed.
                if time.monotonic() >= deadline:
                    self._raise_away()

    def _commit_all(self, changes: Sequence[Callable[[Transaction], T]]) -> Outcomes[T]:
        """Run changes under the lock and commit them.

        Raises:
            LostError: the connection was lost, and nothing was changed.
            OvertakenError: the lock must have been lost.
        """
        batch: _Batch[T] = _Batch()
        self._take_lock()
        try:
            with self._view() as view:
                batch.run(view, changes)
                if batch.changes:
                    self._make_true(batch.changes)
                else:
                    self._end()  # an answer, or a refusal, that was true as long as the lock was ours
        except BaseException:
            self._abandon()
            raise
        return batch.outcomes

    def _take_lock(self) -> None:
        """Begin a transaction, wait until no other is under way on any node, and follow what they did."""
        text = self._statements.take_lock(self._mark.revision)

        def send(connection: Connection) -> tuple[bytes | None, Rows]:
            cursor = connection.execute(text, prepare=False)
            cursor.nextset()
            locked = cursor.fetchone()
            cursor.nextset()
            return None if locked is None else bytes(locked[0]), read_rows(cursor)

        try:
            found, rows = self._writer.ask(send, silence_seconds=self._patience_seconds + LOOK_SECONDS * 4)
            check_format(found)
            with self._lock:
                if max(rows.log, default=-1) >= self._mark.revision:
                    self._follow(rows.log)
                else:
                    self.catch_up()  # the lock may be lost already, and others have gone on
        except BaseException:
            self._abandon()
            raise

    def _make_true(self, changes: dict[str, bytes | None]) -> None:
        entry = self._plan(changes)
        revision = self._mark.revision + 1
        try:
            self._writer.ask(
                lambda connection: self._send_commit(connection, changes, revision, entry),
                silence_seconds=self._patience_seconds,
                is_continued=True,
            )
        except LostError:
            if not self._was_made(revision, entry.commit_id):
                raise
            log.info("postgresql: the answer to a commit was lost; the commit was made")
            return
        self._made(changes, revision, entry)

    def _plan(self, changes: dict[str, bytes | None]) -> Entry:
        """Return what the log is to say of changes. The lock is ours: what is read here stays true."""
        with self._lock:
            if len(self._views) > 1:  # beside the batch's own: keep for them what this commit replaces
                unknown = [key for key in changes if isinstance(self._memory.value(key), Unknown)]
                if unknown:
                    self._load(unknown)
                for directory in {above for key in changes for above in directories_above(key)}:
                    self.names(directory)
            replaced: Names = []
            moved: Names = []
            for key, value in changes.items():
                known = self._memory.value(key)
                # Where nobody knows, the listings above may have changed.
                is_there = known is not None and not isinstance(known, Unknown)
                (replaced if is_there and value is not None else moved).append(key)
            return Entry(token_bytes(COMMIT_ID_BYTES), tuple(replaced), tuple(moved))

    def _send_commit(
        self, connection: Connection, changes: dict[str, bytes | None], revision: int, entry: Entry
    ) -> None:
        statements = self._statements
        gone = [key.encode() for key, value in changes.items() if value is None]
        if revision >= KEPT_ENTRIES:
            gone.append(commit_key(revision - KEPT_ENTRIES))
        with connection.pipeline():
            for keys, values in _portions(changes):
                connection.execute(statements.put, [keys, values])
            if gone:
                connection.execute(statements.delete, [gone])
            connection.execute(statements.append, [commit_key(revision), encode_entry(entry)])
            # A time limit that ends the wait for a standby would have the commit acknowledged without it.
            connection.execute(statements.unbound)
            connection.execute(statements.commit)

    def _made(self, changes: dict[str, bytes | None], revision: int, entry: Entry) -> None:
        """Remember what our own commit has made true."""
        with self._lock:
            if self._mark.revision >= revision:
                return  # another thread has followed our commit already
            self._forget(Footprint.of(entry))
            self._mark = Mark(revision, entry.commit_id)
            for key, value in changes.items():
                self._remember(key, value)

    def _was_made(self, revision: int, commit_id: bytes) -> bool:
        """Find out whether a commit was made whose answer was lost.

        The lock comes to us when the transaction that had it is over, whatever became of its connection.

        Raises:
            OutcomeUnknownError: not to be found out in time.
        """
        deadline = time.monotonic() + self._patience_seconds
        while True:
            try:
                self._take_lock()
                rows = self._writer.ask(
                    partial(_rows, statement=self._statements.log, parameters=since(revision)),
                    silence_seconds=READ_SILENCE_SECONDS,
                    is_continued=True,
                )
                self._end()
            except (LostError, StorageUnavailableError) as error:
                self._abandon()
                if time.monotonic() >= deadline or self._closed:
                    log.warning("postgresql: what became of commit %d is not known: %s", revision, error)
                    raise OutcomeUnknownError from None
                continue
            found = rows.log.get(revision)
            if found is None and rows.log:
                raise OutcomeUnknownError  # so long ago that its entry is gone
            return found is not None and found.commit_id == commit_id

    def _end(self) -> None:
        """End a transaction that changed nothing, and make sure that the lock was ours until now."""
        self._writer.ask(
            lambda connection: connection.execute(self._statements.rollback),
            silence_seconds=READ_SILENCE_SECONDS,
            is_continued=True,
        )

    def _abandon(self) -> None:
        """End what may be under way, whatever state it is in."""
        self._writer.give_up()

    # -- asking --------------------------------------------------------------------------------------------

    def _read_format(self, connection: Connection) -> bytes | None:
        row = connection.execute(self._statements.format, [FORMAT_KEY], binary=True).fetchone()
        return None if row is None else bytes(row[0])

    def _ask(
        self,
        session: Session,
        send: Callable[[Connection], T],
        *,
        silence_seconds: float = READ_SILENCE_SECONDS,
    ) -> T:
        """Send what may be sent twice, until it is answered or patience ends."""
        deadline = time.monotonic() + self._patience_seconds
        while True:
            self._refuse_if_closed()
            try:
                return session.ask(send, silence_seconds=silence_seconds)
            except LostError:
                if time.monotonic() >= deadline:
                    self._raise_away()

    @staticmethod
    def _raise_away() -> NoReturn:
        raise StorageUnavailableError(
            "storage: PostgreSQL does not answer; nothing was changed, try again later"
        )


class _Batch(Generic[T]):
    """Changes that are to be made true by one commit."""

    def __init__(self) -> None:
        self.changes: dict[str, bytes | None] = {}
        self.outcomes: Outcomes[T] = []

    def run(self, view: View, changes: Iterable[Callable[[Transaction], T]]) -> None:
        """Run changes, each on top of those before it.

        Raises:
            OvertakenError: what was read has changed, so that the lock cannot be ours any more.
        """
        for change in changes:
            overlay = Overlay(view, self.changes)
            try:
                self.outcomes.append(change(overlay))
            except OvertakenError:
                raise
            except Exception as error:  # noqa: BLE001 - the answer to this change, whatever it is
                self.outcomes.append(error)
            else:
                self.changes.update(overlay.changes)


def _rows(connection: Connection, statement: bytes, parameters: dict[str, Any]) -> Rows:
    return read_rows(connection.execute(statement, parameters, binary=True))


def _portions(changes: dict[str, bytes | None]) -> Iterator[tuple[list[bytes], list[bytes]]]:
    """Yield keys and values to store, as many at once as one statement should carry."""
    keys: list[bytes] = []
    values: list[bytes] = []
    size = 0
    for key, value in changes.items():
        if value is None:
            continue
        if keys and size + len(value) > MAX_STATEMENT_BYTES:
            yield keys, values
            keys, values, size = [], [], 0
        keys.append(key.encode())
        values.append(value)
        size += len(value)
    if keys:
        yield keys, values
