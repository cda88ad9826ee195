"""Requests to ZooKeeper that get lost, or whose answer does: each change is made once, and told truly.

A proxy between the engine and a real server loses, cuts and holds back.
"""

import os
import time

import pytest
from kazoo.client import KazooClient
from tests.support.cutting_proxy import CuttingProxy
from tests.support.store_talk import eventually
from tests.support.zookeeper import shared_server

from holdfast.clock import ManualClock
from holdfast.storage import StorageUnavailableError
from holdfast.storage.errors import OutcomeUnknownError
from holdfast.storage.zookeeper import ZookeeperStorage, engine, read_settings
from holdfast.storage.zookeeper.parts import INLINE_BYTES

PATIENCE_SECONDS = 6
LARGE = b"x" * (INLINE_BYTES + 1)


class Scene:
    """An engine that talks through the proxy, and one that does not."""

    def __init__(self):
        self.path = "/lost-" + os.urandom(8).hex()
        self.proxy = CuttingProxy(int(shared_server().rpartition(":")[2]))
        self.storage = self.open(f"127.0.0.1:{self.proxy.port}")
        self.storage.write(lambda tx: tx.put("sum", b"0"))
        self.beside = self.open(shared_server())

    def open(self, address, clock=None):
        options = {"address": address, "path": self.path, "unprotected": True}
        return ZookeeperStorage(read_settings({**options, "request_timeout": PATIENCE_SECONDS}), clock=clock)

    def sum(self):
        self.beside.catch_up()
        return int(self.beside.get("sum"))

    def names(self, name):
        client = KazooClient(shared_server())
        client.start(timeout=60)
        try:
            return client.get_children(f"{self.path}/{name}")
        finally:
            client.stop()
            client.close()

    def close(self):
        self.storage.close()
        self.beside.close()
        self.proxy.close()


@pytest.fixture
def scene():
    scene = Scene()
    yield scene
    scene.close()


def add(transaction):
    transaction.put("sum", b"%d" % (int(transaction.get("sum")) + 1))


def test_a_change_whose_answer_is_lost_is_made_once_and_acknowledged(scene):
    for number in range(1, 6):
        scene.proxy.lose_answers()
        scene.storage.write(add)
        assert scene.sum() == number
        scene.storage.catch_up()
        assert scene.storage.get("sum") == b"%d" % number


def test_a_change_that_is_lost_itself_is_made_once(scene):
    for number in range(1, 6):
        scene.proxy.lose_questions()
        scene.storage.write(add)
        assert scene.sum() == number


def test_of_a_batch_whose_answer_is_lost_nothing_is_made_twice(scene):
    scene.proxy.lose_answers()
    assert scene.storage.write_all([add, lambda _: 7, add, add]) == [None, 7, None, None]
    assert scene.sum() == 3


def test_a_change_whose_answer_is_lost_together_with_the_way_is_said_to_be_unknown(scene):
    scene.proxy.lose_answers()
    scene.proxy.refuse()
    start = time.monotonic()
    with pytest.raises(OutcomeUnknownError, match="not known"):
        scene.storage.write(add)
    assert time.monotonic() - start < PATIENCE_SECONDS + 30
    assert scene.sum() == 1
    with pytest.raises(StorageUnavailableError, match="nothing was changed"):
        scene.storage.write(add)
    assert scene.sum() == 1
    scene.proxy.refuse(refusing=False)
    eventually(lambda: recovered(scene.storage))
    scene.storage.write(add)
    assert scene.sum() == 2


def recovered(storage):
    try:
        storage.catch_up()
    except StorageUnavailableError:
        return False
    return True


def test_another_nodes_commit_is_not_taken_for_the_one_whose_answer_was_lost(scene):
    def change(transaction):
        scene.proxy.lose_questions()
        before = int(transaction.get("sum"))
        if before == 0:
            scene.beside.write(add)
        transaction.put("sum", b"%d" % (before + 10))

    scene.storage.write(change)
    assert scene.sum() == 11


def test_a_request_that_arrives_late_makes_no_change_a_second_time(scene):
    release = scene.proxy.hold_questions()
    scene.storage.write(add)  # given up after two seconds, and made over another connection
    release()
    time.sleep(0.5)
    assert scene.sum() == 1
    scene.storage.write(add)
    assert scene.sum() == 2


def test_an_upload_that_arrives_late_costs_no_value_its_parts(scene):
    release = scene.proxy.hold_questions()
    scene.storage.write(lambda tx: tx.put("large", LARGE))
    assert scene.names("pending") == []
    release()
    eventually(lambda: scene.names("pending"))
    clock = ManualClock()
    clock.advance(time.time() + engine.SWEEP_AFTER_SECONDS + 60 - clock.now())
    sweeping = scene.open(shared_server(), clock)
    assert scene.names("pending") == []
    assert sweeping.get("large") == LARGE
    sweeping.close()
