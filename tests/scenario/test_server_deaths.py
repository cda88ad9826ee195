"""A store's processes are killed, stopped and reloaded: nothing acknowledged is lost, nobody stays behind."""

import http.client
import json
import os
import signal
import socket
import time
from pathlib import Path

import pytest
from tests.support.store_process import StoreProcess
from tests.support.store_talk import (
    ask,
    ask_every_worker,
    connect,
    eventually,
    is_running,
    is_whole,
    listeners,
    writer_and_workers,
)

from holdfast.server.processes import WORKER_GRACE_SECONDS

AT_ONCE_SECONDS = WORKER_GRACE_SECONDS - 0.5  # less than the time that requests in flight are given
BREATHS = 3  # a machine may hold its breath for that long once, but not each time
PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory):
    with StoreProcess(tmp_path_factory.mktemp("deaths"), audit=True) as process:
        process.initialize()
        yield process


@pytest.fixture
def store(shared_store):
    """A store for tests that leave it open; whole, although the test before may have killed a part of it."""
    eventually(lambda: is_whole(shared_store))
    return shared_store


@pytest.fixture
def own_store(tmp_path):
    """A store for tests that end it."""
    with StoreProcess(tmp_path) as process:
        process.initialize()
        yield process


def write(store, path, value):
    return ask(store, "PUT", f"/v1/secret/data/{path}", {"data": {"k": value}})


def read(store, path):
    answer = ask(store, "GET", f"/v1/secret/data/{path}")
    return answer.json["data"]["data"]["k"] if answer.status == 200 else answer.status


def kill(process_id):
    os.kill(process_id, signal.SIGKILL)
    eventually(lambda: not is_running(process_id))


def kill_worker(store, process_id):
    """Kill a worker, and wait until no new connection can land on it: its sockets outlive it by a moment."""
    before = listeners(store)
    kill(process_id)
    eventually(lambda: len(before & listeners(store)) == len(before) - 1)


def is_closed(store):
    try:
        socket.create_connection(("127.0.0.1", store.port), timeout=PATIENCE_SECONDS).close()
    except ConnectionRefusedError:
        return True
    return False


def has_been_read(store, client_port):
    """Whether a worker has accepted a connection, and taken all that was sent on it, as the kernel knows."""
    ends = [f"0100007F:{port:04X}" for port in (store.port, client_port)]
    for line in Path("/proc/net/tcp").read_text().splitlines():
        fields = line.split()
        if fields[1:3] == ends:
            accepted, left = fields[9] != "0", int(fields[4].partition(":")[2], 16)
            return accepted and not left
    return False


class HalfSentWrite:
    """A write whose body is still on its way."""

    def __init__(self, store, path, value):
        body = json.dumps({"data": {"k": value}}).encode()
        self._rest = body[5:]
        self.connection = connect(store)
        self.connection.putrequest("PUT", f"/v1/secret/data/{path}")
        self.connection.putheader("X-Vault-Token", store.root_token)
        self.connection.putheader("Content-Length", str(len(body)))
        self.connection.endheaders(body[:5])
        # The answer to another request of the same worker would be no proof that this one has arrived.
        eventually(lambda: has_been_read(store, self.connection.sock.getsockname()[1]))

    def finish(self):
        self.connection.send(self._rest)
        response = self.connection.getresponse()
        response.read()
        self.connection.close()
        return response.status


def test_when_a_worker_is_killed_the_others_go_on_and_another_takes_its_place(store):
    write(store, "worker", "kept")
    writer, workers = writer_and_workers(store)
    kill_worker(store, workers[0])
    for _ in range(20):
        assert read(store, "worker") == "kept"
    eventually(lambda: is_whole(store))
    new_writer, new_workers = writer_and_workers(store)
    assert new_writer == writer
    assert workers[0] not in new_workers
    kill_worker(store, workers[1])  # so that only the new one is left to answer
    assert read(store, "worker") == "kept"
    assert write(store, "worker", "by the new one").status == 200
    eventually(lambda: is_whole(store))
    assert {answer.status for answer in ask_every_worker(store, "GET", "/v1/sys/health")} == {200}


def test_when_the_writer_is_killed_the_store_is_sealed_and_nothing_is_lost(store):
    for number in range(20):
        assert write(store, f"writer/{number}", str(number)).status == 200
    writer, workers = writer_and_workers(store)
    kill(writer)
    eventually(lambda: not any(map(is_running, workers)))
    eventually(lambda: read(store, "writer/0") == 503)
    assert {answer.status for answer in ask_every_worker(store, "GET", "/v1/sys/health")} == {503}
    refusal = ask(store, "GET", "/v1/secret/data/writer/0")
    assert refusal.json == {"errors": ["Vault is sealed"]}
    assert write(store, "writer/0", "no").status == 503
    assert writer not in store.children()
    store.unseal()
    assert [read(store, f"writer/{number}") for number in range(20)] == [str(number) for number in range(20)]
    assert write(store, "writer/0", "again").status == 200


def test_a_renamed_audit_file_is_left_for_a_new_one(store):
    path = store.audit_path
    rotated = path.with_name("audit.log.1")
    read(store, "before")
    path.rename(rotated)
    read(store, "between")
    assert b"secret/data/between" in rotated.read_bytes()
    store.process.send_signal(signal.SIGHUP)
    eventually(lambda: store.log().count("audit files were read again") == 2)
    lines_before = rotated.read_bytes().count(b"\n")
    answers = ask_every_worker(store, "GET", "/v1/secret/data/after")
    assert rotated.read_bytes().count(b"\n") == lines_before
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    after = [line["request"]["id"] for line in lines if line["request"]["path"] == "secret/data/after"]
    assert len(after) == 2 * len(answers)  # what was asked, and what was answered
    assert len(set(after)) == len(answers)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_stop_answers_what_was_begun_and_leaves_nothing(own_store):
    processes = own_store.process_ids()
    begun = HalfSentWrite(own_store, "stop", "begun before, acknowledged after")
    own_store.process.send_signal(signal.SIGTERM)
    eventually(lambda: is_closed(own_store))
    assert begun.finish() == 200
    assert own_store.process.wait(PATIENCE_SECONDS) == 0
    assert not any(map(is_running, processes))
    assert "Traceback" not in own_store.log()
    own_store.start()
    own_store.unseal()
    assert read(own_store, "stop") == "begun before, acknowledged after"


def test_idle_connections_do_not_hold_up_a_stop(own_store):
    def takes_no_grace():
        idle = connect(own_store)
        idle.request("GET", "/v1/sys/health")
        idle.getresponse().read()
        started = time.monotonic()
        assert own_store.stop() == 0
        took = time.monotonic() - started
        idle.close()
        return took < AT_ONCE_SECONDS

    for _ in range(BREATHS):
        if takes_no_grace():
            return
        own_store.start()
    pytest.fail("a stop took as long as requests in flight may take")


def test_a_second_stop_waits_for_nothing(own_store):
    def waits_for_nothing():
        processes = own_store.process_ids()
        begun = HalfSentWrite(own_store, "stop", "never")
        own_store.process.send_signal(signal.SIGTERM)
        eventually(lambda: is_closed(own_store))
        started = time.monotonic()
        own_store.process.send_signal(signal.SIGTERM)
        assert own_store.process.wait(PATIENCE_SECONDS) == 0
        took = time.monotonic() - started
        assert not any(map(is_running, processes))
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            begun.finish()
        return took < AT_ONCE_SECONDS

    for _ in range(BREATHS):
        if waits_for_nothing():
            return
        own_store.start()
        own_store.unseal()
    pytest.fail("a second stop took as long as requests in flight may take")


def test_when_the_supervisor_is_killed_its_children_end_by_themselves(own_store):
    write(own_store, "orphan", "kept")
    children = own_store.children()
    own_store.process.send_signal(signal.SIGKILL)
    own_store.process.wait(PATIENCE_SECONDS)
    eventually(lambda: not any(map(is_running, children)))
    assert is_closed(own_store)
    own_store.start()
    own_store.unseal()
    assert read(own_store, "orphan") == "kept"


def test_what_is_stored_is_there_after_everything_was_killed(own_store):
    for number in range(20):
        assert write(own_store, f"all/{number}", str(number)).status == 200
    own_store.kill()
    own_store.start()
    assert read(own_store, "all/0") == 503
    own_store.unseal()
    assert [read(own_store, f"all/{number}") for number in range(20)] == [str(number) for number in range(20)]
