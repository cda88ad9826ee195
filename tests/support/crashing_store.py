"""A store that is killed (SIGKILL, to itself) at one chosen moment of writing to its real files.

Moments are counted over everything that a piece of work writes: before each put and each delete inside a
transaction, before each commit, and after each commit, when its caller has not learned of it yet.
"""

import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

from tests.support.local_store import StoreUnderTest

from holdfast.barrier import Keyring, RecordKind
from holdfast.barrier.record import HEADER_BYTES
from holdfast.storage.lmdb_engine import LmdbStorage
from holdfast.storage.walk import walk

MAP_BYTES = 64 << 20
NEVER = 10**9
OUTSIDE_KEYRING = ("core/",)

Work = Callable[[StoreUnderTest], object]


class StrikingStorage(LmdbStorage):
    """The embedded engine, until the chosen moment."""

    def __init__(self, path: Path, *, strike_at: int = NEVER) -> None:
        super().__init__(path, map_size=MAP_BYTES)
        self.moments_left = strike_at

    def moment(self) -> None:
        """Pass one moment, or end this process at it, as the kernel would."""
        self.moments_left -= 1
        if not self.moments_left:
            os.kill(os.getpid(), signal.SIGKILL)

    def write(self, change):
        return super().write(self._counting(change))

    def write_all(self, changes):
        return super().write_all([self._counting(change) for change in changes])

    def _counting(self, change):
        def run(tx):
            return change(_CountingTransaction(tx, self.moment))

        return run

    def _commit(self, inner) -> None:
        self.moment()
        super()._commit(inner)
        self.moment()


class _CountingTransaction:
    def __init__(self, inner, moment: Callable[[], None]) -> None:
        self.get, self.list = inner.get, inner.list
        self._inner, self._moment = inner, moment

    def put(self, key: str, value: bytes) -> None:
        self._moment()
        self._inner.put(key, value)

    def delete(self, key: str) -> None:
        self._moment()
        self._inner.delete(key)


def killed_at(moment: int, directory: Path, prepare: Work, work: Work) -> bool:
    """Do the work in a process of its own that dies at a moment of it; return whether it died.

    Args:
        moment: 1 is the first thing written.
        directory: where the files are.
        prepare: gets a sealed store ready for the work; what it writes does not count.
        work: what is to be cut short.
    """
    # A fork of a process that has no file of this engine open, and none of its threads in one.
    child = multiprocessing.get_context("fork").Process(
        target=_run, args=(moment, directory, prepare, work), daemon=True
    )
    child.start()
    child.join(60)
    code = child.exitcode
    if code is None:
        child.kill()
        child.join()
    assert code in {0, -signal.SIGKILL}, f"the work itself failed: {code}"
    return code != 0


def _run(moment: int, directory: Path, prepare: Work, work: Work) -> None:
    storage = StrikingStorage(directory)
    store = StoreUnderTest(storage=storage)
    prepare(store)
    storage.moments_left = moment
    work(store)
    storage.moments_left = NEVER
    storage.close()


def copy_of(template: Path, directory: Path) -> Path:
    """Return a copy of a store's files, made while no process has them open."""
    directory.mkdir(mode=0o700)
    shutil.copyfile(template / "data.mdb", directory / "data.mdb")
    return directory


def unreadable_records(storage: LmdbStorage, keyring: Keyring) -> list[str]:
    """Return the keys of all records that the keyring does not open where they lie."""
    bad = []
    with storage.snapshot() as reader:
        for key in walk(reader):
            record = reader.get(key)
            if key.startswith(OUTSIDE_KEYRING) or record is None or len(record) < HEADER_BYTES:
                continue
            try:
                keyring.open(RecordKind(record[1]), key, record)
            except Exception:  # noqa: BLE001 - whatever the reason
                bad.append(key)
    return bad
