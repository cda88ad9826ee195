"""Real sockets: TCP, Unix, TLS, stopping, and what an address may be used for."""

import asyncio
import os
import socket
import stat
import threading
from pathlib import Path

import pytest
from tests.support.http_wire import answers_in, get, put, statuses
from tests.support.ports import free_port

from holdfast.errors import ConflictError, InvalidInputError, UnavailableError
from holdfast.http.limits import Limits
from holdfast.http.listener import bind_unix, is_loopback, reserve_port


def ask(sock, request):
    """Send one request and read until the answer is whole."""
    sock.sendall(request)
    return read_answer(sock)


def read_answer(sock):
    received = b""
    while True:
        head, found, body = received.partition(b"\r\n\r\n")
        if found and len(body) >= int(
            answers_in(head + found, without_body=True)[0].headers["Content-Length"]
        ):
            return answers_in(received)[0]
        piece = sock.recv(65_536)
        if not piece:
            raise ConnectionResetError
        received += piece


def dial(port):
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def test_requests_are_served_over_tcp_with_the_peer_s_name(serve):
    with serve() as running:
        port = running.run(running.server.listen_tcp("127.0.0.1", 0))
        with dial(port) as sock:
            assert ask(sock, get("/v1/list/", method="LIST")).body == b"LIST /v1/list/ "
            assert ask(sock, put(b"abc")).body == b"PUT /v1/a abc"
            own = "{}:{}".format(*sock.getsockname())
        assert {request.peer for request, _ in running.seen} == {own}


def test_a_refused_client_that_goes_on_sending_still_reads_its_answer(serve):
    """Closing while bytes are under way would reset the connection and lose the answer."""
    with serve(limits=Limits(body_bytes=1000)) as running:
        port = running.run(running.server.listen_tcp("127.0.0.1", 0))
        with dial(port) as sock:
            sock.sendall(put(b"a" * 5_000_000))
            assert read_answer(sock).status == 413
            assert sock.recv(1) == b""


def test_a_large_answer_reaches_a_slow_reader_whole(serve):
    body = os.urandom(1_500_000)
    with serve() as running:
        port = running.run(running.server.listen_tcp("127.0.0.1", 0))
        with dial(port) as sock:
            sender = threading.Thread(target=sock.sendall, args=(put(body) * 3,))
            sender.start()
            received = b""
            while received.count(b"HTTP/1.1 200") < 3 or len(received) < 3 * len(body):
                received += sock.recv(4096)
            sender.join()
    assert [answer.body[-1000:] for answer in answers_in(received)] == [body[-1000:]] * 3


def test_several_servers_share_a_port_that_was_reserved(serve):
    port = reserve_port("127.0.0.1", free_port())
    with serve() as one, serve() as two:
        for running in (one, two):
            assert running.run(running.server.listen_tcp("127.0.0.1", port, reuse_port=True)) == port
        for _ in range(64):
            with dial(port) as sock:
                assert ask(sock, get()).status == 200
        assert len(one.seen) + len(two.seen) == 64
        assert one.seen
        assert two.seen


def test_a_port_in_use_is_not_reserved_even_if_it_could_be_shared(serve):
    with serve() as running:
        port = running.run(running.server.listen_tcp("127.0.0.1", 0, reuse_port=True))
        with pytest.raises(ConflictError, match="another process listens there"):
            reserve_port("127.0.0.1", port)


@pytest.mark.parametrize(
    "host", [pytest.param("192.0.2.1", id="not-ours"), pytest.param("no-such.invalid", id="no-name")]
)
def test_an_address_that_cannot_be_listened_on_is_reported(host, serve):
    with pytest.raises(UnavailableError, match=host):
        reserve_port(host, 0)
    with serve() as running, pytest.raises(UnavailableError, match=host):
        running.run(running.server.listen_tcp(host, 0, allow_plaintext_off_loopback=True))


def test_plain_http_off_loopback_must_be_asked_for_and_is_warned_about(serve, caplog):
    with serve() as running:
        with pytest.raises(InvalidInputError, match="expected TLS"):
            running.run(running.server.listen_tcp("0.0.0.0", 0))
        running.run(running.server.listen_tcp("0.0.0.0", 0, allow_plaintext_off_loopback=True))
    assert "travel unprotected" in caplog.text


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("10.0.0.1", False),
        ("localhost.example", False),
    ],
)
def test_loopback_is_recognised(host, local):
    assert is_loopback(host) is local


def test_a_unix_socket_is_private_and_serves(serve, tmp_path):
    path = str(tmp_path / "store.sock")
    bound = bind_unix(path)
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
    with serve() as running:
        running.run(running.server.listen_on(bound))
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(path)
            assert ask(sock, get()).status == 200
        assert running.seen[0][0].peer == "unix"


def test_a_stale_unix_socket_is_replaced_and_a_live_one_is_not(tmp_path):
    path = str(tmp_path / "store.sock")
    bind_unix(path).close()
    live = bind_unix(path, mode=0o660)
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o660
    with pytest.raises(ConflictError, match="another process"):
        bind_unix(path)
    live.close()


def test_a_file_in_the_way_of_a_unix_socket_is_left_alone(tmp_path):
    path = tmp_path / "store.sock"
    path.write_text("precious")
    with pytest.raises(ConflictError, match="no socket"):
        bind_unix(str(path))
    assert path.read_text() == "precious"
    with pytest.raises(UnavailableError):
        bind_unix(str(tmp_path / "missing" / "store.sock"))


def test_stopping_answers_what_is_under_way_and_refuses_what_is_new(serve):
    with serve() as running:
        port = running.run(running.server.listen_tcp("127.0.0.1", 0))
        request = put(b"abc")
        with dial(port) as busy, dial(port) as idle:
            assert ask(idle, get()).status == 200
            busy.sendall(request[:-1])
            assert ask(idle, get()).status == 200  # by now the half request has arrived too
            stopping = asyncio.run_coroutine_threadsafe(running.server.stop(5), running._loop)
            assert idle.recv(1) == b""
            answer = ask(busy, request[-1:])
            assert (answer.status, answer.headers["Connection"]) == (200, "close")
            assert stopping.result(60) is True
        with pytest.raises(ConnectionRefusedError):
            dial(port)


def test_stopping_cuts_off_what_outlives_the_grace(serve):
    with serve() as running:
        port = running.run(running.server.listen_tcp("127.0.0.1", 0))
        with dial(port) as sock:
            sock.sendall(get() + b"GET")
            read_answer(sock)
            assert running.run(running.server.stop(0.05)) is False


def test_connections_over_the_limit_get_503(serve):
    with serve(limits=Limits(connections=1)) as running:
        port = running.run(running.server.listen_tcp("127.0.0.1", 0))
        with dial(port) as first:
            assert ask(first, get()).status == 200
            with dial(port) as second:
                assert statuses(second.recv(65_536)) == [503]
            assert ask(first, get()).status == 200
