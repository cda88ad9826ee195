"""Two processes' engines over one real ZooKeeper: each transaction is as if nobody else were there.

The contract suite holds the promises of one engine. Here another one writes at the moments that matter: while
a change runs, while it is planned, while a large value is read or uploaded.
"""

import os
import threading
import time

import pytest
from kazoo.client import KazooClient
from tests.support.zookeeper import shared_server

from holdfast.clock import ManualClock
from holdfast.storage import StorageBrokenError, StorageUnavailableError
from holdfast.storage.zookeeper import ZookeeperStorage, engine, read_settings
from holdfast.storage.zookeeper.parts import INLINE_BYTES

LARGE = INLINE_BYTES + 1


class Nodes:
    """Opens engines on one path of their own, and looks at the znodes beside them."""

    def __init__(self):
        self.path = "/nodes/" + os.urandom(8).hex()
        self.opened = []
        self.znodes = KazooClient(shared_server())
        self.znodes.start(timeout=60)

    def open(self, *, clock=None, **options):
        options = {"address": shared_server(), "path": self.path, "unprotected": True, **options}
        self.opened.append(ZookeeperStorage(read_settings(options), clock=clock))
        return self.opened[-1]

    def names(self, name):
        return sorted(self.znodes.get_children(f"{self.path}/{name}"))

    def close(self):
        for storage in self.opened:
            storage.close()
        self.znodes.stop()
        self.znodes.close()


@pytest.fixture
def nodes():
    nodes = Nodes()
    yield nodes
    nodes.close()


def put(storage, key, value):
    storage.write(lambda transaction: transaction.put(key, value))


def test_a_change_is_not_committed_on_top_of_what_made_its_reading_old(nodes):
    """Planning asks for what is not remembered, and so comes to know of the other node's commit."""
    one, other = nodes.open(), nodes.open()
    put(one, "balance", b"100")
    runs = []

    def change(transaction):
        runs.append(transaction.get("balance"))
        if len(runs) == 1:
            put(other, "balance", b"0")
        transaction.put("never/asked/for", b"paid from " + runs[-1])

    one.write(change)
    assert runs == [b"100", b"0"]
    assert other.get("never/asked/for") == b"paid from 0"


def test_a_listing_that_another_node_changes_is_read_again(nodes):
    one, other = nodes.open(), nodes.open()
    put(one, "team/a", b"1")
    runs = []

    def change(transaction):
        runs.append(transaction.list("team/"))
        if len(runs) == 1:
            put(other, "team/b", b"2")
        transaction.put("count", b"%d" % len(runs[-1]))

    one.write(change)
    assert runs == [["a"], ["a", "b"]]
    other.catch_up()
    assert other.get("count") == b"2"


def test_a_commit_that_touches_nothing_that_was_read_does_not_repeat_a_change(nodes):
    one, other = nodes.open(), nodes.open()
    put(one, "mine", b"1")
    runs = []

    def change(transaction):
        runs.append(transaction.get("mine"))
        put(other, "theirs", b"2")
        transaction.put("mine", b"3")

    one.write(change)
    assert len(runs) == 1
    assert (one.get("mine"), one.get("theirs")) == (b"3", b"2")


def test_counters_of_many_nodes_lose_no_step(nodes):
    steps, storages = 25, [nodes.open() for _ in range(4)]

    def add(transaction):
        transaction.put("sum", b"%d" % (int(transaction.get("sum") or 0) + 1))

    threads = [
        threading.Thread(target=lambda storage=storage: [storage.write(add) for _ in range(steps)])
        for storage in storages
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    storages[0].catch_up()
    assert storages[0].get("sum") == b"%d" % (steps * len(storages))


def test_a_large_value_is_read_whole_while_another_node_replaces_it(nodes):
    one, other = nodes.open(), nodes.open()
    values = [bytes([number]) * (LARGE + number) for number in range(12)]
    put(one, "k", values[0])
    writer = threading.Thread(target=lambda: [put(other, "k", value) for value in values])
    writer.start()
    while writer.is_alive():
        one.catch_up()
        assert one.get("k") in values
    writer.join()
    one.catch_up()
    assert one.get("k") == values[-1]
    assert len(nodes.names("parts")) == 1
    assert nodes.names("pending") == []


def test_parts_that_vanished_are_damage(nodes):
    one = nodes.open()
    put(one, "k", b"x" * LARGE)
    for name in nodes.names("parts"):
        nodes.znodes.delete(f"{nodes.path}/parts/{name}")
    with pytest.raises(StorageBrokenError, match="parts of a value are missing"):
        one.get("k")


def test_an_upload_that_is_refused_leaves_nothing(nodes):
    one = nodes.open()

    def too_much(transaction):
        transaction.put("large", b"x" * (3 * LARGE))
        for number in range(6):
            transaction.put(f"inline/{number}", b"y" * (200 * 1024))

    with pytest.raises(StorageUnavailableError, match="larger than a ZooKeeper transaction"):
        one.write(too_much)
    assert (nodes.names("parts"), nodes.names("pending")) == ([], [])
    assert one.get("large") is None


def abandon(nodes, monkeypatch, key, value):
    """Leave behind what a writer leaves that dies before its commit."""
    dying = nodes.open()
    with monkeypatch.context() as patch:
        patch.setattr(dying, "_plan", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        patch.setattr(dying, "_withdraw", lambda _: None)
        with pytest.raises(KeyboardInterrupt):
            put(dying, key, value)
    dying.close()


def later():
    clock = ManualClock()
    clock.advance(time.time() + engine.SWEEP_AFTER_SECONDS + 60 - clock.now())
    return clock


def test_what_a_dead_writer_uploaded_is_swept_up_after_a_day(nodes, monkeypatch):
    abandon(nodes, monkeypatch, "k", b"x" * LARGE)
    nodes.open()
    assert len(nodes.names("pending")) == 1
    nodes.open(clock=later())
    assert (nodes.names("parts"), nodes.names("pending")) == ([], [])


def test_a_mark_that_came_back_does_not_take_a_living_value_along(nodes):
    """A request to make the mark, sent to a server that stood still, is carried out after the commit."""
    one = nodes.open()
    put(one, "k", b"x" * LARGE)
    [part] = nodes.names("parts")
    nodes.znodes.create(f"{nodes.path}/pending/{part.rpartition('-')[0]}", b"\x92\xa1k\x01")
    swept = nodes.open(clock=later())
    assert nodes.names("pending") == []
    assert swept.get("k") == b"x" * LARGE


def test_a_part_is_not_made_once_its_mark_is_gone(nodes):
    one = nodes.open()
    with pytest.raises(StorageUnavailableError):
        one._create(f"{nodes.path}/parts/late-0", b"x", beside=f"{nodes.path}/pending/late")
    assert nodes.names("parts") == []


def test_an_ensemble_that_went_back_to_an_earlier_state_is_damage(nodes):
    one = nodes.open()
    put(one, "k", b"1")
    put(one, "k", b"2")
    nodes.znodes.set(f"{nodes.path}/head", b"1")
    with pytest.raises(StorageBrokenError, match="went back"):
        one.catch_up()


def test_znodes_that_are_not_as_they_were_left_are_damage(nodes):
    one = nodes.open()
    put(one, "k", b"1")
    nodes.znodes.delete(f"{nodes.path}/data/=k")
    with pytest.raises(StorageBrokenError, match="not as Holdfast left them"):
        put(one, "k", b"2")


def test_damage_ends_a_batch_although_some_of_it_is_committed(nodes, monkeypatch):
    one = nodes.open()
    put(one, "k", b"1")
    nodes.znodes.delete(f"{nodes.path}/data/=k")
    monkeypatch.setattr(engine, "MAX_BATCH_BYTES", 1)
    with pytest.raises(StorageBrokenError):
        one.write_all([lambda tx: tx.put("a", b"1"), lambda tx: tx.put("k", b"2")])


def test_a_store_that_was_removed_is_not_taken_for_an_empty_one(nodes):
    one = nodes.open()
    put(one, "k", b"1")
    nodes.znodes.delete(nodes.path, recursive=True)
    with pytest.raises(StorageUnavailableError, match="no store at the configured path"):
        one.catch_up()
    with pytest.raises(StorageUnavailableError):
        put(one, "k", b"2")


def test_whoever_is_more_than_the_kept_log_behind_forgets_all(nodes, monkeypatch):
    monkeypatch.setattr(engine, "KEPT_ENTRIES", 5)
    monkeypatch.setattr("holdfast.storage.zookeeper.commit.KEPT_ENTRIES", 5)
    one, other = nodes.open(), nodes.open()
    put(one, "k", b"old")
    one.get("k")
    for number in range(12):
        put(other, "k", b"%d" % number)
    assert len(nodes.names("changes")) == 5
    with one.snapshot() as view:
        one.catch_up()
        with pytest.raises(StorageUnavailableError, match="try again"):
            view.get("k")
    assert one.get("k") == b"11"
    put(one, "k", b"new")
    assert len(nodes.names("changes")) == 5


def test_closing_lets_go_of_who_waits_for_an_ensemble(tmp_path):
    settings = read_settings({"address": "127.0.0.1:1", "unprotected": True, "request_timeout": "30s"})
    session = engine.Session(settings, patience_seconds=30)
    refused = []

    def wait():
        try:
            session.ask(lambda _: [])
        except StorageUnavailableError as error:
            refused.append(error.message)

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.2)
    session.close()
    waiting.join(60)
    assert refused == ["storage: closed"]
