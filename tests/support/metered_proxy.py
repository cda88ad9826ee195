"""A TCP proxy on loopback that passes on so many bytes of what clients send, and holds the rest back."""

import socket
import threading
from contextlib import suppress

_PIECE = 4096


class MeteredProxy:
    """Passes connections on to one port.

    Args:
        target_port: where to.
    """

    def __init__(self, target_port):
        self._target = ("127.0.0.1", target_port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._change = threading.Condition()
        self._left = None  # no limit
        threading.Thread(target=self._accept, daemon=True).start()

    def pass_on(self, count):
        """Pass on ``count`` bytes from here on; ``None`` for all."""
        with self._change:
            self._left = count
            self._change.notify_all()

    def is_used_up(self):
        """Whether clients have more to say than may pass."""
        with self._change:
            return self._left == 0

    def close(self):
        self._listener.close()
        self.pass_on(None)

    def _accept(self):
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                for source, target, metered in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._pump, args=(source, target, metered), daemon=True).start()

    def _pump(self, source, target, metered):
        with suppress(OSError):
            while piece := source.recv(_PIECE):
                while piece:
                    count = self._take(len(piece)) if metered else len(piece)
                    target.sendall(piece[:count])
                    piece = piece[count:]
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _take(self, wanted):
        with self._change:
            while self._left == 0:
                self._change.wait()
            if self._left is None:
                return wanted
            taken = min(wanted, self._left)
            self._left -= taken
            return taken
