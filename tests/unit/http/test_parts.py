"""An answer in parts waits for its reader, notices that he has gone, and is cut off where he never reads."""

import asyncio
import socket
import ssl
import struct
import threading

import pytest
import uvloop

from holdfast.http import parts
from holdfast.http.limits import Limits
from holdfast.http.listener import HttpServer
from holdfast.http.message import build_head, build_response
from holdfast.http.parts import Parts
from holdfast.http.tls import TlsIdentity, TlsSettings

SECONDS = 60
PART = b"x" * (1 << 20)


class PartsServer:
    """Answers every request in parts, made by a thread that does what the test says."""

    def __init__(self, act, tls=None):
        self.done = threading.Event()
        self.taken = 0
        self.parts = None
        self._act = act
        self._loop = uvloop.new_event_loop()
        self.server = HttpServer(self._handle, limits=Limits(idle_seconds=1, request_seconds=SECONDS))
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self.port = self._run(self.server.listen_tcp("127.0.0.1", 0, tls=tls))

    def _handle(self, request, reply):
        if request.target == b"/whole":
            reply(build_response(200, b"{}"))
            return
        chunked = request.takes_chunks
        self.parts = Parts(build_head(chunked=chunked), chunked=chunked)
        if request.target == b"/late":
            self._loop.call_later(0.05, self._reply_late, request, reply)
            return
        if request.target == b"/soon":  # once all that came with it was read
            self._loop.call_soon(self._begin, reply)
            return
        self._begin(reply)

    def _begin(self, reply):
        reply(self.parts)
        threading.Thread(target=self._work, daemon=True).start()

    def _reply_late(self, request, reply):
        """Answer once the client has gone."""
        if not request.transport.is_closing():
            self._loop.call_later(0.05, self._reply_late, request, reply)
            return
        self._begin(reply)

    def _work(self):
        self._act(self)
        self.parts.end()
        self.done.set()

    def send(self, part):
        sent = self.parts.send(part)
        self.taken += sent * len(part)
        return sent

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(2 * SECONDS)

    def connect_raw(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)

    def connect(self, target=b"/", version=b"1.1"):
        link = self.connect_raw()
        link.sendall(b"GET " + target + b" HTTP/" + version + b"\r\nHost: x\r\n\r\n")
        return link

    def close(self):
        self._run(self.server.stop(SECONDS))
        self._loop.call_soon_threadsafe(self._loop.stop)


@pytest.fixture
def serve():
    running = []

    def start(act, **options):
        running.append(PartsServer(act, **options))
        return running[-1]

    yield start
    for server in running:
        server.close()


def everything(link):
    with link.makefile("rb") as file:
        return file.read()


def three(server):
    for part in (b"one\n", b"two\n", b"three\n"):
        assert server.send(part)


def until_nobody_takes_it(server):
    while server.send(PART):
        pass


def until_it_is_over(server):
    server.parts.over.wait(SECONDS)


def test_parts_are_chunks_and_the_last_says_that_it_is_the_last(serve):
    with serve(three).connect() as link:
        head, _, body = everything(link).partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked\r\nConnection: close" in head
    assert b"Content-Length" not in head
    assert body == b"4\r\none\n\r\n4\r\ntwo\n\r\n6\r\nthree\n\r\n0\r\n\r\n"


def test_http_1_0_gets_them_as_they_are(serve):
    with serve(three).connect(version=b"1.0") as link:
        head, _, body = everything(link).partition(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in head
    assert body == b"one\ntwo\nthree\n"


def test_what_was_asked_behind_it_is_not_answered(serve):
    with serve(three).connect() as link:
        link.sendall(b"GET /whole HTTP/1.1\r\nHost: x\r\n\r\n")
        assert everything(link).count(b"HTTP/1.1") == 1


def test_who_never_reads_is_cut_off_and_little_is_kept_for_him(serve, monkeypatch):
    monkeypatch.setattr(parts, "SLOW_SECONDS", 0.2)
    server = serve(until_nobody_takes_it)
    with server.connect():
        assert server.done.wait(SECONDS)
    assert server.parts.over.is_set()
    assert server.taken < 64 * len(PART)  # the kernel's buffers, and one or two of ours


def test_who_reads_slowly_gets_all_of_it(serve):
    def send(server):
        for _ in range(8):
            assert server.send(PART)

    server = serve(send)
    with server.connect(version=b"1.0") as link:
        body = everything(link).partition(b"\r\n\r\n")[2]
    assert body == PART * 8


@pytest.mark.parametrize(
    "leave",
    [
        pytest.param(lambda link: link.close(), id="gone"),
        pytest.param(lambda link: link.shutdown(socket.SHUT_WR), id="says-that-it-goes"),
    ],
)
def test_a_reader_who_goes_is_noticed_though_nothing_is_sent(serve, leave):
    server = serve(until_it_is_over)
    link = server.connect()
    assert link.recv(1)  # it has begun
    leave(link)
    assert server.done.wait(SECONDS)
    assert server.parts.over.is_set()
    link.close()


@pytest.mark.parametrize("begun", [True, False], ids=["behind-the-first-part", "before-it"])
def test_whatever_is_asked_behind_it_does_not_hide_that_its_reader_goes(serve, begun):
    server = serve(until_it_is_over)
    more = b"GET /whole HTTP/1.1\r\nHost: x\r\n\r\n" * (2 * Limits().queued_requests)
    link = server.connect_raw()
    link.sendall(b"GET /soon HTTP/1.1\r\nHost: x\r\n\r\n" + (b"" if begun else more))
    assert link.recv(1)
    if begun:
        link.sendall(more)
    link.close()
    assert server.done.wait(SECONDS)
    assert server.parts.over.is_set()


def test_a_server_that_stops_says_so_and_lets_the_last_word_be_said(serve):
    def last_word(server):
        until_it_is_over(server)
        server.send(b"stopping\n")

    server = serve(last_word)
    with server.connect() as link:
        assert link.recv(1)
        server._run(server.server.stop(SECONDS))
        assert everything(link).endswith(b"9\r\nstopping\n\r\n0\r\n\r\n")


def test_an_answer_that_begins_when_its_reader_has_gone_ends_at_once(serve):
    server = serve(until_nobody_takes_it)
    link = server.connect(b"/late")
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # gone without a word
    link.close()
    assert server.done.wait(SECONDS)
    assert (server.parts.over.is_set(), server.taken) == (True, 0)


def test_it_is_the_same_by_tls(serve, authority, tmp_path):
    certificate, key = authority.issue(tmp_path, "server")
    identity = TlsIdentity(TlsSettings(certificate_file=certificate, key_file=key))
    context = ssl.create_default_context(cafile=authority.write_authority(tmp_path / "ca.pem"))
    server = serve(three, tls=identity)
    with context.wrap_socket(server.connect_raw(), server_hostname="localhost") as link:
        link.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert everything(link).endswith(b"4\r\none\n\r\n4\r\ntwo\n\r\n6\r\nthree\n\r\n0\r\n\r\n")
    server = serve(until_it_is_over, tls=identity)
    link = context.wrap_socket(server.connect_raw(), server_hostname="localhost")
    link.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert link.recv(1)
    link.close()
    assert server.done.wait(SECONDS)
