"""The in-memory engine's crash points: what a power cut leaves behind, as fault tests need it."""

import pytest

from holdfast.storage import StorageBrokenError, StorageUnavailableError
from holdfast.storage.memory import MemoryStorage


def put(storage, key, value):
    storage.write(lambda transaction: transaction.put(key, value))


@pytest.mark.parametrize(
    ("stored", "expected"),
    [pytest.param(False, b"1", id="before-the-flush"), pytest.param(True, b"2", id="after-the-flush")],
)
def test_crash_at_a_commit(stored, expected):
    storage = MemoryStorage()
    storage.crash_at_commit(2, stored=stored)
    put(storage, "a", b"1")
    with pytest.raises(StorageBrokenError):
        put(storage, "a", b"2")
    for use in (lambda: put(storage, "a", b"3"), lambda: storage.get("a"), lambda: storage.list("")):
        with pytest.raises(StorageUnavailableError):
            use()
    survivor = storage.survivor()
    assert survivor.get("a") == expected
    assert survivor.revision() == (2 if stored else 1)
    put(survivor, "a", b"4")
    assert survivor.get("a") == b"4"


def test_commit_of_nothing_is_no_crash_point():
    storage = MemoryStorage()
    storage.crash_at_commit(1, stored=False)
    storage.write(lambda transaction: transaction.get("a"))
    with pytest.raises(StorageBrokenError):
        put(storage, "a", b"1")


def test_survivor_is_independent():
    storage = MemoryStorage()
    put(storage, "a", b"1")
    survivor = storage.survivor()
    put(storage, "a", b"2")
    assert survivor.get("a") == b"1"
