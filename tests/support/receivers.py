"""Receivers of audit lines on sockets of this host: they can be slow, go away and come back."""

import os
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

from tests.support.ports import free_port

PATIENCE_SECONDS = 60


def eventually(condition, what="the condition"):
    """Wait until a condition holds; return what it returned."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.01)
    return found


class StreamReceiver:
    """A server that appends the lines of all its connections to one capture, in the order of arrival.

    Args:
        address: ``(host, port)``, port 0 for a free one, or the path of a Unix socket.
    """

    def __init__(self, address=("127.0.0.1", 0)):
        self.is_unix = isinstance(address, str | os.PathLike)
        if self.is_unix:
            self.address = os.fspath(address)
        else:  # a port that the kernel hands out could be somebody else's by the time that we are back
            self.address = (address[0], address[1] or free_port())
        self.capture = bytearray()
        self.reads = threading.Event()
        self.reads.set()
        self.connections = []
        self._listener = self._thread = None
        self.start()

    def start(self):
        """Listen, where it was before if it has been started once."""
        self._listener = socket.socket(socket.AF_UNIX if self.is_unix else socket.AF_INET)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        if self.is_unix:
            Path(self.address).unlink(missing_ok=True)
        self._listener.bind(self.address)
        self._listener.listen()
        self._thread = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._thread.start()

    @property
    def text(self):
        return self.address if self.is_unix else f"{self.address[0]}:{self.address[1]}"

    @property
    def lines(self):
        return bytes(self.capture).splitlines()

    def stop(self):
        """End at once, with every connection."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            self._thread.join(PATIENCE_SECONDS)
            listener.close()
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self.connections.clear()
        self.reads.set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _accept(self, listener):
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                self.connections.append(connection)
                threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection):
        torn = b""
        with suppress(OSError):
            while True:
                self.reads.wait()
                data = connection.recv(65_536)
                if not data:
                    break
                whole, end, torn = (torn + data).rpartition(b"\n")
                self.capture += whole + end
        if torn:
            self.capture += torn + b"\n"


class DatagramReceiver:
    """A socket that collects datagrams: a Unix one at a path, or UDP on loopback."""

    def __init__(self, path=None):
        self.path = path
        self.datagrams = []
        self._socket = self._thread = None
        self.port = 0 if path else free_port()
        self.start()

    def start(self):
        if self.path is None:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.bind(("127.0.0.1", self.port))
        else:
            Path(self.path).unlink(missing_ok=True)
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.bind(os.fspath(self.path))
        self._socket.settimeout(0.05)
        self._thread = threading.Thread(target=self._read, args=(self._socket,), daemon=True)
        self._thread.start()

    def stop(self):
        """End; what a sender sends is refused from now on."""
        sock, self._socket = self._socket, None
        if sock is not None:
            self._thread.join(PATIENCE_SECONDS)
            sock.close()
            if self.path is not None:
                Path(self.path).unlink(missing_ok=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _read(self, sock):
        while self._socket is sock:
            try:
                self.datagrams.append(sock.recv(1 << 20))
            except TimeoutError:
                continue
            except OSError:
                return
