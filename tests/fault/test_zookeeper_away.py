"""A ZooKeeper that is away, frozen, or forgets a session: refused clearly and in time, and found again."""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from kazoo.client import KazooClient
from tests.support.store_process import StoreProcess
from tests.support.store_talk import ask, eventually
from tests.support.zookeeper import storage_stanza, zookeeper

from holdfast.storage import StorageUnavailableError
from holdfast.storage.zookeeper import ZookeeperStorage, read_settings

SESSION_SECONDS = 2
PATIENCE_SECONDS = 3
LONGEST_SECONDS = PATIENCE_SECONDS + 30  # one answer that is waited for, and a busy machine


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with zookeeper(tmp_path_factory.mktemp("zookeeper")) as running:
        yield running


@pytest.fixture
def storage(server):
    options = {
        "address": server.address,
        "path": "/away-" + os.urandom(6).hex(),
        "unprotected": True,
        "session_timeout": SESSION_SECONDS,
        "request_timeout": PATIENCE_SECONDS,
    }
    opened = ZookeeperStorage(read_settings(options))
    opened.write(lambda transaction: transaction.put("k", b"before"))
    yield opened
    opened.close()


def put(storage, value):
    storage.write(lambda transaction: transaction.put("k", value))


def recovers(storage):
    with suppress(StorageUnavailableError):
        storage.catch_up()
        return True
    return False


def test_a_session_that_the_server_ends_is_replaced_unnoticed(server, storage):
    """Whoever knows a session's password may end it, as the server does when it hears nothing."""
    for number in range(3):
        first = storage._session._client
        thief = KazooClient(server.address, client_id=first.client_id)
        thief.start(timeout=60)
        thief.stop()
        thief.close()
        put(storage, b"%d" % number)
        storage.catch_up()
        assert storage.get("k") == b"%d" % number


def test_a_server_that_is_frozen_past_the_session_is_refused_in_time_and_found_again(server, storage):
    server.members[0].stop()
    try:
        start = time.monotonic()
        with pytest.raises(StorageUnavailableError) as refused:
            put(storage, b"during")
        assert time.monotonic() - start < LONGEST_SECONDS
        assert "not known" in refused.value.message  # it was sent, and may be carried out on waking
        start = time.monotonic()
        for _ in range(50):
            with pytest.raises(StorageUnavailableError, match="nothing was changed"):
                storage.catch_up()
        assert time.monotonic() - start < 10 * PATIENCE_SECONDS, "further calls fail at once"
        time.sleep(SESSION_SECONDS)
    finally:
        server.members[0].resume()
    eventually(lambda: recovers(storage))
    assert storage.get("k") in {b"before", b"during"}
    put(storage, b"after")
    storage.catch_up()
    assert storage.get("k") == b"after"


def test_an_answer_that_was_lost_is_asked_for_and_the_change_made_once(server, storage):
    """A server wakes up in time: what was sent to it twice is carried out once."""
    storage.write(lambda transaction: transaction.put("sum", b"0"))

    def add(transaction):
        transaction.put("sum", b"%d" % (int(transaction.get("sum")) + 1))

    for number in range(1, 4):
        server.members[0].stop()
        waker = threading.Timer(2.3, server.members[0].resume)  # after the first answer was given up
        waker.start()
        storage.write(add)
        waker.join()
        storage.catch_up()
        assert storage.get("sum") == b"%d" % number


def test_clients_that_were_given_up_leave_no_threads_and_no_descriptors(server, storage):
    def descriptors():
        return len(list(Path("/proc/self/fd").iterdir()))

    before = threading.active_count(), descriptors()
    for _ in range(3):
        server.members[0].stop()
        with pytest.raises(StorageUnavailableError):
            storage.catch_up()
        server.members[0].resume()
        eventually(lambda: recovers(storage))
    eventually(lambda: threading.active_count() <= before[0] and descriptors() <= before[1])


# -- a whole store -----------------------------------------------------------------------------------------

SECRET = "/v1/secret/data/team/db"


@pytest.fixture
def store(server, tmp_path):
    stanza = storage_stanza(
        server.address,
        "/store-" + os.urandom(6).hex(),
        session_timeout=f"{SESSION_SECONDS}s",
        request_timeout=f"{PATIENCE_SECONDS}s",
    )
    with StoreProcess(tmp_path, storage=stanza, workers=1) as running:
        running.initialize(shares=1, threshold=1)
        assert write(running, "before").status == 200
        yield running


def write(store, value):
    return ask(store, "PUT", SECRET, {"data": {"k": value}})


def read(store):
    answer = ask(store, "GET", SECRET)
    return answer.json["data"]["data"]["k"] if answer.status == 200 else answer.status


def test_a_store_whose_zookeeper_is_killed_says_so_and_works_again_when_it_is_back(server, store):
    server.members[0].kill()
    start = time.monotonic()
    refused = write(store, "during")
    assert refused.status == 503
    assert "ZooKeeper" in refused.body.decode() or "not known" in refused.body.decode()
    assert read(store) == 503
    assert time.monotonic() - start < 2 * LONGEST_SECONDS
    start = time.monotonic()
    assert {read(store) for _ in range(20)} == {503}
    assert time.monotonic() - start < 10 * PATIENCE_SECONDS, "further requests are refused at once"
    server.members[0].start()
    server.wait_until_serving()
    eventually(lambda: read(store) == "before")
    eventually(lambda: write(store, "after").status == 200)
    eventually(lambda: read(store) == "after")
    assert not store.client("").seal_status().sealed
    log = store.log()
    assert "Traceback" not in log
    assert log.count("\n") < 60, "the same trouble is said once, not at every attempt"


def test_a_store_whose_zookeeper_is_frozen_says_so_and_works_again_when_it_wakes(server, store):
    server.members[0].stop()
    try:
        refused = write(store, "during")
        assert refused.status == 503
        assert read(store) == 503
        time.sleep(SESSION_SECONDS)
    finally:
        server.members[0].resume()
    eventually(lambda: read(store) in {"before", "during"})
    eventually(lambda: write(store, "after").status == 200)
    eventually(lambda: read(store) == "after")


def test_a_store_does_not_start_without_its_zookeeper_and_says_why(tmp_path):
    stanza = storage_stanza("127.0.0.1:1", "/nowhere", request_timeout="1s")
    store = StoreProcess(tmp_path, storage=stanza, workers=1)
    with pytest.raises(AssertionError, match="the store ended at once"):
        store.start()
    assert "ZooKeeper is away" in store.log()
    assert "127.0.0.1:1" in store.log()
    assert "Traceback" not in store.log()
