"""A ZooKeeper server that lags behind, though it serves, is never believed.

One server of a real ensemble hears its leader through a proxy that can hold back what the leader says. Held
back, the server answers clients from an old state, until it notices that the leader is silent.

To begin a session is a commit for a server, after which it lags no more; so the servers here have sessions of
their own, which ZooKeeper offers (``localSessionsEnabled``).
"""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest
from tests.support.ports import free_ports
from tests.support.zookeeper import zookeeper

from holdfast.storage.zookeeper import ZookeeperStorage, read_settings
from holdfast.storage.zookeeper.parts import INLINE_BYTES
from holdfast.storage.zookeeper.session import Session

HELD_SECONDS = 1.0
PATIENCE_SECONDS = 20


class HoldingProxy:
    """Passes connections on to one port; what comes back from there can be held."""

    def __init__(self, target_port):
        [self.port] = free_ports(1)
        self._target = ("127.0.0.1", target_port)
        self._gate = threading.Event()
        self._gate.set()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def held(self, seconds):
        """Hold answers back, for so long at most."""
        self._gate.clear()
        timer = threading.Timer(seconds, self._gate.set)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
            self._gate.set()

    def close(self):
        self._listener.close()

    def _accept(self):
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                for source, sink, gate in ((client, server, None), (server, client, self._gate)):
                    threading.Thread(target=self._pass_on, args=(source, sink, gate), daemon=True).start()

    @staticmethod
    def _pass_on(source, sink, gate):
        with suppress(OSError):
            while piece := source.recv(65536):
                if gate is not None:
                    gate.wait(60)
                sink.sendall(piece)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class Scene:
    """A leader, a server that hears it through the proxy, and stores that talk to either."""

    def __init__(self, ensemble):
        self.leader = ensemble.leader()
        self.laggard = next(member for member in ensemble.members if member is not self.leader)
        self.proxy = HoldingProxy(self.leader.peer_port)
        self.laggard.kill()
        config = self.laggard.directory / "zoo.cfg"
        text = config.read_text()
        assert text.count(f":{self.leader.peer_port}:") == 1
        config.write_text(text.replace(f":{self.leader.peer_port}:", f":{self.proxy.port}:"))
        self.laggard.start()
        ensemble.wait_until_serving()
        assert self.laggard.role() == "follower"

    def settings(self, member, path):
        return read_settings(
            {
                "address": member.address,
                "path": path,
                "unprotected": True,
                "request_timeout": PATIENCE_SECONDS,
            }
        )


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    directory, settings = tmp_path_factory.mktemp("zookeeper"), "localSessionsEnabled=true"
    with zookeeper(directory, members=3, settings=settings) as ensemble:
        scene = Scene(ensemble)
        yield scene
        scene.proxy.close()


@pytest.fixture
def move_to_the_laggard(scene, request):
    """Return two stores at the leader, and what has the first go on at the server that lags."""
    path = f"/lag-{abs(hash(request.node.name))}"
    one, other = (ZookeeperStorage(scene.settings(scene.leader, path)) for _ in range(2))

    def move():
        one._session.close()
        one._session = Session(scene.settings(scene.laggard, path), patience_seconds=PATIENCE_SECONDS)
        one._session.ask(lambda client: [client.exists_async("/")])

    yield one, other, move
    one.close()
    other.close()


def put(storage, key, value):
    storage.write(lambda transaction: transaction.put(key, value))


def test_a_read_is_not_answered_from_before_what_is_known(scene, move_to_the_laggard):
    one, other, move = move_to_the_laggard
    put(one, "team/k", b"old")
    with scene.proxy.held(HELD_SECONDS):
        put(other, "team/k", b"new")
        one.catch_up()
        move()
        assert one.get("team/k") == b"new"


def test_a_listing_is_not_answered_from_before_what_is_known(scene, move_to_the_laggard):
    one, other, move = move_to_the_laggard
    put(one, "team/a", b"")
    with scene.proxy.held(HELD_SECONDS):
        put(other, "team/b", b"")
        one.catch_up()
        move()
        assert one.list("team/") == ["a", "b"]


def test_a_change_does_not_stand_on_what_is_older_than_what_is_known(scene, move_to_the_laggard):
    one, other, move = move_to_the_laggard
    put(one, "sum", b"1")
    with scene.proxy.held(HELD_SECONDS):
        put(other, "sum", b"2")
        one.catch_up()
        move()
        one.write(lambda tx: tx.put("sum", b"%d" % (int(tx.get("sum")) + 1)))
    other.catch_up()
    assert other.get("sum") == b"3"


def test_parts_that_have_not_arrived_are_no_damage(scene, move_to_the_laggard):
    one, _, move = move_to_the_laggard
    value = b"x" * (INLINE_BYTES + 1)
    with scene.proxy.held(HELD_SECONDS):
        put(one, "large", value)
        move()
        assert one.get("large") == value


def test_catching_up_at_a_server_that_lags_waits_for_the_quorum(scene, move_to_the_laggard):
    one, other, move = move_to_the_laggard
    put(one, "k", b"old")
    move()
    with ThreadPoolExecutor(1) as thread:
        with scene.proxy.held(PATIENCE_SECONDS / 2):
            put(other, "k", b"new")
            catching_up = thread.submit(one.catch_up)
            with pytest.raises(TimeoutError):
                catching_up.result(HELD_SECONDS / 4)
        catching_up.result(60)
    assert one.get("k") == b"new"
