"""The keeper's work at every tick, on storage that does not take it."""

import pytest
from tests.support.local_store import StoreUnderTest

from holdfast.server.assembly import keep_up
from holdfast.storage.errors import StorageBrokenError, StorageFullError
from holdfast.storage.memory import MemoryStorage


class FailingStorage(MemoryStorage):
    """Storage that refuses every commit while ``failure`` is set."""

    failure = None

    def write(self, change):
        if self.failure is not None:
            raise self.failure
        return super().write(change)


@pytest.fixture
def store():
    """A store with a token that has run out, which the next tick removes."""
    store = StoreUnderTest(storage=FailingStorage()).initialize()
    store.token(ttl="1s", policies=["default"])
    store.clock.advance(2)
    return store


def accessors(store):
    return len(store.vault("LIST", "auth/token/accessors", token=store.root).data["keys"])


def test_a_full_disk_leaves_the_store_open_and_the_work_for_later(store, caplog):
    store.storage.failure = StorageFullError("no room", detail="ENOSPC")
    keep_up(store.local.keeper)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        "upkeep failed and is tried again: no room: ENOSPC"
    ]
    assert store.is_live(store.root)
    assert accessors(store) == 2
    store.storage.failure = None
    keep_up(store.local.keeper)
    assert accessors(store) == 1


def test_storage_in_doubt_ends_the_process(store):
    store.storage.failure = StorageBrokenError("in doubt")
    with pytest.raises(StorageBrokenError):
        keep_up(store.local.keeper)
