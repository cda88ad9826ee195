"""The process model with real processes and real signals: who replaces whom, and what survives it."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.support import process_model
from tests.support.ports import free_port
from tests.support.store_talk import started_at

PATIENCE_SECONDS = 60
ENDLESS = 3600  # seconds of grace that no test waits for


class RunningServer:
    def __init__(self, directory, *, port=0, grace=ENDLESS):
        self.port = port or free_port()
        self._log = directory / "log"
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.support.process_model"),
                *(str(self.port), "2", str(self._log), str(grace)),
            ],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )

    def await_ready(self):
        assert self.process.stdout.readline() == "ready\n", self.log
        return self

    @property
    def log(self):
        return self._log.read_text() if self._log.exists() else ""

    @property
    def children(self):
        """Process ids of all children; the writer is the eldest."""
        text = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return sorted(map(int, text.split()), key=started_at)

    def ask(self, method, path, body=b""):
        """One request on a connection of its own, so that the kernel may pick any worker."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body)
            return connection.getresponse().read()
        finally:
            connection.close()

    def states(self):
        """What each reachable worker says: pid -> (key, counter)."""
        found = {}
        for _ in range(40):
            pid, key, counter = self.ask("GET", "/state").split(b" ")
            found[int(pid)] = (key, int(counter))
        return found

    def eventually(self, condition):
        """Wait until ``condition`` holds; a refused connection counts as not yet."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                if condition():
                    return
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.02)
        pytest.fail(f"not within {PATIENCE_SECONDS} s; log:\n{self.log}")

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)


@contextmanager
def running_server(directory, **how):
    running = RunningServer(directory, **how)
    try:
        yield running.await_ready()
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait(PATIENCE_SECONDS)
        running.process.stdout.close()


@pytest.fixture
def server(tmp_path):
    with running_server(tmp_path) as running:
        yield running


def test_all_workers_serve_one_port_and_see_a_change_once_it_is_answered(server):
    before = server.states()
    assert len(before) == 2
    assert server.ask("POST", "/change", b"a") == b"1 a"
    assert {counter for _, counter in server.states().values()} == {1}


def test_an_unseal_has_reached_every_worker_when_it_is_answered(server):
    assert server.ask("POST", "/key", b"k1") == b"taken"
    assert {key for key, _ in server.states().values()} == {b"k1"}
    server.ask("POST", "/key", b"")
    assert {key for key, _ in server.states().values()} == {b"-"}


def test_changes_of_many_clients_are_each_applied_once(server):
    answers = []

    def client(name):
        answers.extend(server.ask("POST", "/change", b"%s-%d" % (name, n)) for n in range(20))

    threads = [threading.Thread(target=client, args=(b"%d" % name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = sorted(int(answer.split(b" ")[0]) for answer in answers)
    assert numbers == list(range(1, 121))
    assert len({answer.split(b" ")[1] for answer in answers}) == 120


def test_a_killed_worker_is_replaced_and_knows_the_key(server):
    server.ask("POST", "/key", b"k1")
    victim, survivor = server.states()
    os.kill(victim, signal.SIGKILL)
    server.eventually(lambda: len(server.states().keys() - {victim}) == 2)
    assert survivor in server.states()
    assert {key for key, _ in server.states().values()} == {b"k1"}
    assert server.ask("POST", "/change", b"x") == b"1 x"
    assert "starting another" in server.log


@pytest.mark.parametrize("how", ["killed", "failed-disk"])
def test_when_the_writer_dies_everything_starts_anew_and_sealed(server, how):
    server.ask("POST", "/key", b"k1")
    server.ask("POST", "/change", b"a")
    before = server.states()
    if how == "killed":
        os.kill(server.children[0], signal.SIGKILL)
    else:
        with pytest.raises((OSError, http.client.HTTPException)):
            server.ask("POST", "/crash")
    server.eventually(lambda: len(server.states()) == 2 and not server.states().keys() & before.keys())
    assert {key for key, _ in server.states().values()} == {b"-"}
    assert server.states().popitem()[1] == (b"-", 1)  # the counter goes on, so no memory of before is trusted
    assert "the store is sealed now" in server.log
    assert server.stop() == 0


def test_a_writer_that_dies_before_the_supervisor_heard_that_all_are_ready_is_replaced_as_well(tmp_path):
    running = RunningServer(tmp_path)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(running.children) < 3:  # without a pause: workers are quick to be ready
            assert time.monotonic() < deadline, running.log
        writer, *workers = running.children
        for worker in workers:
            os.kill(worker, signal.SIGSTOP)
        running.eventually(lambda: state_of(running.process.pid) == "S")  # it has handed them all they need
        running.process.send_signal(signal.SIGSTOP)
        for worker in workers:
            os.kill(worker, signal.SIGCONT)
        running.eventually(lambda: len(running.states()) == 2)
        before = running.states()
        os.kill(writer, signal.SIGKILL)
        running.process.send_signal(signal.SIGCONT)
        running.eventually(lambda: len(running.states()) == 2 and not running.states().keys() & before.keys())
        assert "the store is sealed now" in running.log
        assert running.stop() == 0
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait(PATIENCE_SECONDS)
        running.process.stdout.close()


def test_a_worker_that_does_not_take_a_key_is_killed_and_replaced(server):
    before = server.states()
    assert server.ask("POST", "/key", b"k1") == b"taken"
    with suppress(OSError, http.client.HTTPException):  # its carrier may be the stubborn one
        assert server.ask("POST", "/key", process_model.STUBBORN_KEY) == b"taken"
    assert "did not take a key message in time" in server.log
    server.eventually(lambda: server.ask("POST", "/key", b"k2") == b"taken")
    server.eventually(lambda: len(server.states()) == 2)
    assert {key for key, _ in server.states().values()} == {b"k2"}
    assert len(server.states().keys() & before.keys()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_lets_requests_finish(server, number):
    assert server.ask("POST", "/stop", b"%d" % number) == b"at last"
    assert server.process.wait(PATIENCE_SECONDS) == 0


def test_a_ctrl_c_to_the_whole_group_stops_gently_too(tmp_path):
    with running_server(tmp_path) as running:
        for pid in (*running.children, running.process.pid):
            os.kill(pid, signal.SIGINT)
        assert running.process.wait(PATIENCE_SECONDS) == 0
        assert running.log == ""


def test_a_reload_is_passed_on_to_every_worker(server):
    server.process.send_signal(signal.SIGHUP)
    server.eventually(lambda: server.log.count("reloaded") == 2)
    assert len(server.states()) == 2


def test_a_stop_kills_what_does_not_end_in_its_time(tmp_path):
    with running_server(tmp_path, grace=1) as server:
        os.kill(server.children[-1], signal.SIGSTOP)
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started > 0.9
        assert "does not end and is killed" in server.log


def test_a_second_stop_kills_at_once(server):
    os.kill(server.children[-1], signal.SIGSTOP)
    server.process.send_signal(signal.SIGTERM)
    assert server.stop(signal.SIGINT) == 0  # long before what does not end would have had its time


def test_nothing_is_left_when_the_supervisor_is_killed(server):
    children = server.children
    server.process.kill()
    server.process.wait(PATIENCE_SECONDS)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(is_alive(pid) for pid in children):
        assert time.monotonic() < deadline, server.log
        time.sleep(0.02)


def state_of(pid):
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def is_alive(pid):
    try:
        return state_of(pid) not in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):  # the second where it goes while it is read
        return False


def test_a_server_that_cannot_start_says_why_and_ends(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as somebody_else:
        running = RunningServer(tmp_path, port=somebody_else.getsockname()[1])
        assert running.process.wait(PATIENCE_SECONDS) == 1
        running.process.stdout.close()
    assert "address already in use" in running.log.lower()
    assert "before the server was ready; giving up" in running.log
