"""A TCP proxy on loopback that loses, holds back and cuts, for tests of what a lost answer leads to."""

import socket
import threading
from contextlib import contextmanager, suppress

from tests.support.ports import free_port

_PIECE = 65536


class CuttingProxy:
    """Passes connections on to one port, and harms those that are open when it is told to.

    Each way of doing harm is for the connections of the moment; later ones are passed on, unless the proxy is
    told to refuse them.
    """

    def __init__(self, target_port):
        self.port = free_port()
        self._target = ("127.0.0.1", target_port)
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._links = []
        self._refusing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_answers(self):
        """Pass on what clients ask, swallow the first answer, and cut the connection then."""
        for link in self._links:
            link.loses_answers = True

    def lose_questions(self):
        """Swallow the next question, and cut the connection."""
        for link in self._links:
            link.loses_questions = True

    def hold_questions(self):
        """Keep back what clients ask, even if they hang up; return a function that passes it on."""
        gates = []
        for link in self._links:
            link.gate.clear()
            gates.append(link.gate)
        return lambda: [gate.set() for gate in gates]

    def refuse(self, refusing=True):
        self._refusing = refusing

    def close(self):
        self._listener.close()
        for link in self._links:
            link.cut()

    def _accept(self):
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._refusing:
                    client.close()
                    continue
                try:
                    server = socket.create_connection(self._target)
                except OSError:  # the server is away; its clients shall see that
                    client.close()
                    continue
                self._links.append(_Link(client, server))


class _Link:
    def __init__(self, client, server):
        self._client, self._server = client, server
        self.loses_answers = False
        self.loses_questions = False
        self.gate = threading.Event()
        self.gate.set()
        for pass_on in (self._pass_questions, self._pass_answers):
            threading.Thread(target=pass_on, daemon=True).start()

    def cut(self):
        for end in (self._client, self._server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _pass_questions(self):
        with suppress(OSError):
            while piece := self._client.recv(_PIECE):
                if self.loses_questions:
                    break
                self.gate.wait(60)
                self._server.sendall(piece)
        self.cut()

    def _pass_answers(self):
        with suppress(OSError):
            while piece := self._server.recv(_PIECE):
                if self.loses_answers:
                    break
                with suppress(OSError):
                    self._client.sendall(piece)
        self.cut()


@contextmanager
def cutting_proxy(target_port):
    """Run a proxy in front of a port."""
    proxy = CuttingProxy(target_port)
    try:
        yield proxy
    finally:
        proxy.close()
