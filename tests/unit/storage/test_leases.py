"""A lease record that cannot be trusted gives out no number."""

import msgspec
import pytest

from holdfast.storage import StorageBrokenError
from holdfast.storage.leases import LEASE_PREFIX
from holdfast.storage.memory import MemoryStorage


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff" * 8, id="noise"),
        pytest.param(msgspec.msgpack.encode([2, 7, "a", 0]), id="newer-version"),
        pytest.param(msgspec.msgpack.encode([1, "7", "a", 0]), id="fence-is-text"),
        pytest.param(msgspec.msgpack.encode([1, 7]), id="cut-short"),
    ],
)
def test_damaged_record_is_never_a_free_lease(record):
    storage = MemoryStorage()
    storage.write(lambda transaction: transaction.put(LEASE_PREFIX + "expiry", record))
    with pytest.raises(StorageBrokenError, match="lease record"):
        storage.acquire_lease("expiry", holder="a", ttl_seconds=10)
