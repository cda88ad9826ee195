"""Two clusters on one storage do not see each other: views below different prefixes share nothing."""

import pytest

from holdfast.storage.below import StorageBelow
from holdfast.storage.errors import OvertakenError
from holdfast.storage.memory import MemoryStorage
from holdfast.storage.reading import ATTEMPTS, read_one_state


@pytest.fixture
def engine():
    return MemoryStorage()


def put(storage, key, value):
    storage.write(lambda transaction: transaction.put(key, value))


def test_each_view_has_its_own_keys(engine):
    one, two = StorageBelow(engine, "clusters/one/"), StorageBelow(engine, "clusters/two/")
    put(one, "nodes/a", b"1")
    put(two, "nodes/b", b"2")
    assert (one.get("nodes/a"), two.get("nodes/a")) == (b"1", None)
    assert (one.list("nodes/"), two.list("nodes/")) == (["a"], ["b"])
    with two.snapshot() as reader:
        assert (reader.get("nodes/b"), reader.list("")) == (b"2", ["nodes/"])
    assert engine.get("clusters/one/nodes/a") == b"1"


def test_a_transaction_stays_below_its_prefix(engine):
    one, two = StorageBelow(engine, "clusters/one/"), StorageBelow(engine, "clusters/two/")
    put(two, "x", b"theirs")

    def change(transaction):
        transaction.put("x", b"ours")
        seen = transaction.get("x"), transaction.list("")
        transaction.delete("x")
        return seen

    assert one.write_all([change]) == [(b"ours", ["x"])]
    assert (one.get("x"), two.get("x")) == (None, b"theirs")


def test_leases_of_two_views_are_two_leases(engine):
    one, two = StorageBelow(engine, "clusters/one/"), StorageBelow(engine, "clusters/two/")
    assert one.acquire_lease("sweep", holder="a", ttl_seconds=10) is not None
    assert two.acquire_lease("sweep", holder="b", ttl_seconds=10) is not None
    assert one.acquire_lease("sweep", holder="c", ttl_seconds=10) is None


@pytest.mark.parametrize("prefix", ["", "/", "a"])
def test_a_prefix_that_would_confine_nothing_is_refused(engine, prefix):
    with pytest.raises(ValueError, match="prefix"):
        StorageBelow(engine, prefix)


def test_reading_begins_anew_when_overtaken(engine):
    overtaken = [OvertakenError(), OvertakenError()]

    def read(reader):
        if overtaken:
            raise overtaken.pop()
        return reader.get("x")

    put(engine, "x", b"newest")
    assert read_one_state(engine, read) == b"newest"


def test_reading_gives_up_in_the_end(engine):
    tries = []

    def read(_):
        tries.append(1)
        raise OvertakenError

    with pytest.raises(OvertakenError):
        read_one_state(engine, read)
    assert len(tries) == ATTEMPTS
