"""Loopback ports for the servers that tests start.

They lie below the range that the kernel hands out to outgoing connections, so that none of those can take
a port between the moment it is found free and the moment its server listens. Nor can another process of the
same test run: each has a band of its own. No port is given out twice by one process, and the one below each
is left free: a storage node listens there for gRPC unless it is told otherwise.
"""

import os
import random
import socket

FIRST, BANDS, BAND_PORTS = 11_000, 5, 4_300

_given: set[int] = set()


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    band = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % BANDS
    first = FIRST + band * BAND_PORTS
    odd = range(first + 1, first + BAND_PORTS, 2)
    for port in random.sample(odd, len(odd)):
        if port not in _given and _is_free(port) and _is_free(port - 1):
            _given.add(port)
            return port
    raise RuntimeError("no port is free in the band of this process")


def free_ports(count: int) -> list[int]:
    """Return loopback ports that nobody listens on."""
    return [free_port() for _ in range(count)]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
