"""Putting records into a storage that holds none, so that what breaks off half way is no store."""

from collections.abc import Callable, Iterable, Iterator

from holdfast.barrier.seal_config import SEAL_CONFIG_PATH
from holdfast.errors import ConflictError, InvalidInputError
from holdfast.storage.interface import Reader, Storage, Transaction
from holdfast.storage.walk import walk

Record = tuple[str, bytes]
Progress = Callable[[int, int], None]
"""Called with the number of records and of bytes so far."""

BATCH_RECORDS = 500
BATCH_BYTES = 512 * 1024

NOT_EMPTY = (
    "the storage to write to holds records already; expected an empty one, or --resume of the same copy"
)


def records_of(reader: Reader) -> Iterator[Record]:
    """Yield every record of one consistent state, as ``Storage.snapshot`` gives it."""
    for key in walk(reader):
        value = reader.get(key)
        if value is not None:
            yield key, value


def copy_records(
    records: Iterable[Record],
    destination: Storage,
    progress: Progress,
    *,
    resume: bool = False,
    check: Callable[[], None] = lambda: None,
) -> int:
    """Write records, a batch with each commit; return how many there are.

    The record without which there is no store is written last, so what breaks off is no store yet.

    Args:
        records: of one consistent state.
        destination: holds nothing.
        progress: told after each batch.
        resume: records may be there already, if they are the same.
        check: called before the last record; raises if there shall be no store.

    Raises:
        ConflictError: there is a store already, or something else, or other records than these.
        InvalidInputError: the records are no store.
    """
    if destination.get(SEAL_CONFIG_PATH) is not None:
        raise ConflictError("the storage to write to holds a store already; nothing was changed")
    if not resume and destination.list("", limit=1):
        raise ConflictError(NOT_EMPTY)
    last: bytes | None = None
    batch: list[Record] = []
    count, size, waiting = 0, 0, 0
    for key, value in records:
        count, size = count + 1, size + len(value)
        if key == SEAL_CONFIG_PATH:
            last = value
            continue
        batch.append((key, value))
        waiting += len(key) + len(value)
        if len(batch) >= BATCH_RECORDS or waiting >= BATCH_BYTES:
            _write(destination, batch)
            batch, waiting = [], 0
            progress(count, size)
    if last is None:
        raise InvalidInputError("the records are no store: it was never initialised")
    _write(destination, batch)
    check()
    _write(destination, [(SEAL_CONFIG_PATH, last)])
    progress(count, size)
    return count


def _write(destination: Storage, batch: list[Record]) -> None:
    def change(tx: Transaction) -> None:
        for key, value in batch:
            known = tx.get(key)
            if known is None:
                tx.put(key, value)
            elif known != value:
                raise ConflictError(NOT_EMPTY)

    destination.write(change)
