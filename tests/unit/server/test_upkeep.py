"""The keeper's work at every tick, on storage that does not take it."""

import logging

import pytest
from tests.support.local_store import StoreUnderTest

from holdfast.server.assembly import keep_up
from holdfast.storage.errors import StorageBrokenError, StorageFullError
from holdfast.storage.memory import MemoryStorage
from holdfast.store.trouble import Trouble


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


@pytest.fixture
def trouble():
    return Trouble(logging.getLogger("test"), "upkeep")


def accessors(store):
    return len(store.vault("LIST", "auth/token/accessors", token=store.root).data["keys"])


def test_a_full_disk_leaves_the_store_open_and_the_work_for_later(store, trouble, caplog):
    """It is said when it begins and when it ends, not at every tick."""
    caplog.set_level("INFO")
    store.storage.failure = StorageFullError("no room", detail="ENOSPC")
    for _ in range(3):
        assert keep_up(store.local.keeper, trouble) is False  # trouble is no reason to hurry
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        "upkeep fails: no room ENOSPC"
    ]
    assert store.is_live(store.root)
    assert accessors(store) == 2
    store.storage.failure = None
    keep_up(store.local.keeper, trouble)
    assert accessors(store) == 1
    assert caplog.messages[-1] == "upkeep works again"


def test_storage_in_doubt_ends_the_process(store, trouble):
    store.storage.failure = StorageBrokenError("in doubt")
    with pytest.raises(StorageBrokenError):
        keep_up(store.local.keeper, trouble)
