"""The embedded engine: LMDB, a copy-on-write B+ tree in one memory-mapped file.

Who may do what, in processes on one host and a local file system:

* Every process opens the directory for itself, once, **after** it was forked, and closes it at its end.
* Any number of processes read. A read takes no lock that a writer could hold, and sees one commit.
* Any process that did not open it ``readonly`` writes; writers queue on LMDB's own lock, which the
  kernel frees when its holder dies. One commit is one flush to the disk (``fdatasync`` of the pages,
  then the root page through a synchronous descriptor); the flush is never skipped or put off.

The files use the LMDB 1.0 format, whose keys may be up to 1,978 bytes long; the 0.9 format stops at 511,
which a path of 1,024 bytes does not fit into. A 0.9 file is refused, not converted.

The file never shrinks, and pages that are free in it still hold old ciphertext.
"""

import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, Self, TypeAlias

import lmdb

from holdfast.clock import Clock, SystemClock
from holdfast.storage import leases
from holdfast.storage.errors import (
    StorageBrokenError,
    StorageError,
    StorageFullError,
    StorageUnavailableError,
)
from holdfast.storage.interface import Lease, Outcomes, T, Transaction
from holdfast.storage.keys import encode_key
from holdfast.storage.listing import names_below

_Inner: TypeAlias = "lmdb.Transaction[bytes]"

DEFAULT_MAP_BYTES = 64 << 30  # address space, not disk: the file grows as it fills
MAX_READERS = 512  # read transactions at one moment over all processes; each keeps one slot
_LIBRARY = 1  # LMDB 1.0
_FILE_NAMES = {"data.mdb", "lock.mdb"}

# A disk that fills up in the middle of a write first makes it short, and fails only the one after it.
_SHORT_WRITE = -30772
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, _SHORT_WRITE}
_DAMAGED = (lmdb.CorruptedError, lmdb.PageNotFoundError, lmdb.PanicError, lmdb.ProblemError)

# LMDB gives a reader its number first and the root page second. One that is held up in between while two
# commits pass gets a root page newer than its number, and the binding takes that for damage. Nothing is
# wrong with it, and the next transaction reads; what is damaged fails in that one, too.
_MAYBE_OVERTAKEN = (lmdb.CorruptedError, lmdb.PageNotFoundError)
_MOST_TIMES_OVERTAKEN = 5
_ANY_KEY = b"\0"


class _LmdbReader:
    """Reads inside one LMDB transaction, and ends it when left as a context."""

    __slots__ = ("_inner",)

    def __init__(self, inner: _Inner) -> None:
        self._inner = inner

    def get(self, key: str) -> bytes | None:
        try:
            return self._inner.get(key.encode())
        except (lmdb.Error, UnicodeEncodeError) as error:
            _raise_unless_impossible(error)
            return None

    def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> list[str]:
        try:
            with self._inner.cursor() as cursor:
                set_range, key = cursor.set_range, cursor.key
                return names_below(
                    lambda start: key() if set_range(start) else None, prefix, after=after, limit=limit
                )
        except lmdb.Error as error:
            raise _translate(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._inner.abort()


class _LmdbTransaction(_LmdbReader):
    """Also writes.

    LMDB makes a transaction useless once an operation in it failed. ``failure`` keeps the reason, so that
    a change which swallows the exception fails nevertheless.
    """

    __slots__ = ("failure",)

    def __init__(self, inner: _Inner) -> None:
        super().__init__(inner)
        self.failure: StorageError | None = None

    def put(self, key: str, value: bytes) -> None:
        encoded = encode_key(key)
        try:
            self._inner.put(encoded, value)
        except lmdb.Error as error:
            self._fail(error)

    def delete(self, key: str) -> None:
        encoded = encode_key(key)
        try:
            self._inner.delete(encoded)
        except lmdb.Error as error:
            self._fail(error)

    def _fail(self, error: lmdb.Error) -> NoReturn:
        if self.failure is None:
            self.failure = _translate(error)
        raise self.failure from error


class LmdbStorage:
    """See ``interface.Storage``.

    Args:
        path: the directory; made with mode 0700 if it is missing, the files in it with 0600.
        map_size: the most bytes the file may grow to. Address space only, so be generous.
        readonly: never write; the directory must have been set up by a process that does.
        clock: tells when leases run out.
        name: what ``Storage.name`` says.

    Raises:
        StorageUnavailableError: the directory is not usable; the text says why.
        StorageBrokenError: the file in it is not ours, or damaged.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        map_size: int = DEFAULT_MAP_BYTES,
        readonly: bool = False,
        clock: Clock | None = None,
        name: str = "lmdb",
    ) -> None:
        self.name = name
        self.shared = False
        self._clock = clock or SystemClock()
        self._broken = False
        if not readonly:
            _prepare_directory(Path(path))
        try:
            self._environment = lmdb.open(
                os.fspath(path),
                map_size=map_size,
                readonly=readonly,
                create=False,
                mode=0o600,
                readahead=False,
                max_readers=MAX_READERS,
                max_spare_txns=1,
                lib_version=_LIBRARY,
            )
            # Slots of readers that were killed would keep their pages from being used again.
            self._environment.reader_check()
        except lmdb.InvalidError as error:
            raise StorageBrokenError(
                "storage: the data file is not one of ours", detail=str(error)
            ) from error
        except (lmdb.Error, OSError) as error:
            raise StorageUnavailableError(
                "storage: the directory cannot be opened", detail=str(error)
            ) from error
        self._begin = self._environment.begin
        self._process = os.getpid()

    def catch_up(self) -> None:
        """Do nothing: every read sees the newest commit of any process."""

    def get(self, key: str) -> bytes | None:
        """Return the newest committed value at ``key``, or ``None``."""
        # The hot path: no context manager, no call of our own unless something is wrong.
        try:
            transaction = self._begin()
        except lmdb.Error as error:
            transaction = self._begin_again(error)
        try:
            return transaction.get(key.encode())
        except _MAYBE_OVERTAKEN:
            pass
        except (lmdb.Error, UnicodeEncodeError) as error:
            _raise_unless_impossible(error)
            return None
        finally:
            transaction.abort()
        with self.snapshot() as reader:
            return reader.get(key)

    def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> list[str]:
        """Return the names one level below ``prefix``."""
        with self.snapshot() as reader:
            return reader.list(prefix, after=after, limit=limit)

    def snapshot(self) -> _LmdbReader:
        """Open a read transaction; pages it can see are not used again before it ends."""
        transaction = self._begin_read()
        for _ in range(_MOST_TIMES_OVERTAKEN):
            try:
                transaction.get(_ANY_KEY)  # reads the root page, which is what tells
                break
            except _MAYBE_OVERTAKEN:
                transaction.abort()
                transaction = self._begin_read()
        return _LmdbReader(transaction)

    def write(self, change: Callable[[Transaction], T]) -> T:
        """Run ``change`` in a write transaction and flush it to the disk."""
        inner = self._begin_write()
        try:
            result = _run(change, inner)
        except BaseException:
            inner.abort()
            raise
        self._commit(inner)
        return result

    def write_all(self, changes: Sequence[Callable[[Transaction], T]]) -> Outcomes[T]:
        """Run every change in a transaction nested in one that is flushed once."""
        results: Outcomes[T] = []
        inner = self._begin_write()
        try:
            for change in changes:
                nested = self._begin(parent=inner, write=True)
                try:
                    results.append(_run(change, nested))
                    nested.commit()
                except Exception as error:  # noqa: BLE001 - the answer to this change, whatever it is
                    nested.abort()
                    results.append(error)
        except BaseException:
            inner.abort()
            raise
        self._commit(inner)
        return results

    def revision(self) -> int:
        """Return LMDB's number of the newest commit."""
        transaction = self._begin_read()
        try:
            return transaction.id()
        finally:
            transaction.abort()

    def acquire_lease(self, name: str, *, holder: str, ttl_seconds: float) -> Lease | None:
        """Take a lease; see ``storage.leases``."""
        return leases.acquire(self, self._clock, name, holder=holder, ttl_seconds=ttl_seconds)

    def close(self) -> None:
        """Release the map and the files."""
        self._environment.close()

    def _begin_read(self) -> _Inner:
        try:
            return self._begin()
        except lmdb.Error as error:
            return self._begin_again(error)

    def _begin_write(self) -> _Inner:
        if self._broken:
            raise StorageBrokenError("storage: an earlier commit failed; restart the process")
        if os.getpid() != self._process:
            raise StorageUnavailableError("storage: opened before this process was forked")
        try:
            return self._begin(write=True)
        except lmdb.Error as error:
            return self._begin_again(error, write=True)

    def _begin_again(self, error: lmdb.Error, *, write: bool = False) -> _Inner:
        """Follow a map that another process has grown; raise for every other reason."""
        if not isinstance(error, lmdb.MapResizedError):
            raise _translate(error) from error
        try:
            self._environment.set_mapsize(0)
            return self._begin(write=write)
        except lmdb.Error as again:
            raise _translate(again) from again

    def _commit(self, inner: _Inner) -> None:
        try:
            inner.commit()
        except lmdb.Error as error:
            failure = _translate(error, committing=True)
            self._broken = isinstance(failure, StorageBrokenError)
            raise failure from error


def _run(change: Callable[[Transaction], T], inner: _Inner) -> T:
    transaction = _LmdbTransaction(inner)
    result = change(transaction)
    if transaction.failure is not None:
        raise transaction.failure
    return result


def _raise_unless_impossible(error: lmdb.Error | UnicodeEncodeError) -> None:
    """Let pass what only says that LMDB could never hold such a key."""
    if isinstance(error, lmdb.Error) and not isinstance(error, lmdb.BadValsizeError):
        raise _translate(error) from error


def _translate(error: lmdb.Error, *, committing: bool = False) -> StorageError:
    """Return our error for one of LMDB's.

    A commit that finds no room leaves the old root page in place, so nothing was changed. Any other
    failure of a commit may have struck after the root page was written, or been a failed flush.
    """
    detail = str(error)
    if isinstance(error, lmdb.MapFullError) or error.code in _NO_ROOM:
        return StorageFullError("storage: no room left; nothing was changed", detail=detail)
    if committing or isinstance(error, _DAMAGED):
        return StorageBrokenError("storage: the engine failed; restart the process", detail=detail)
    return StorageUnavailableError("storage: the engine is not available", detail=detail)


def _prepare_directory(path: Path) -> None:
    """Make the directory, or take over one that is there; it must be nobody else's to change.

    An empty directory of ours, and one that holds only our files, is closed to others. One that serves
    other purposes too keeps its mode, as the files in it are closed anyway.

    Raises:
        StorageUnavailableError: it cannot be made, is no directory, or others may have put files into it.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.stat()
        names = {entry.name for entry in path.iterdir()}
        if status.st_mode & 0o022 and (names or status.st_uid != os.geteuid()):
            raise StorageUnavailableError(
                "storage: others may write to the directory; make it yours alone (chmod 700)",
                detail=str(path),
            )
        if names <= _FILE_NAMES and status.st_uid == os.geteuid():
            path.chmod(0o700)
    except OSError as error:
        raise StorageUnavailableError("storage: the directory cannot be used", detail=str(error)) from error
