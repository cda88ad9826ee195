import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvloop
from tests.support.certificates import TestAuthority
from tests.support.http_wire import echo_of

from holdfast.http.listener import HttpServer


class RunningServer:
    """An echoing server on its own uvloop in a thread, so that tests use plain blocking clients."""

    def __init__(self, **options):
        self.seen = []
        self.server = HttpServer(self._echo, **options)
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def _echo(self, request, reply):
        self.seen.append((request, request.client_certificate()))
        reply(echo_of(request))

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    def close(self):
        self.run(self.server.stop(1))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def serve():
    """Context manager that gives a ``RunningServer``."""

    @contextmanager
    def running(**options) -> Iterator[RunningServer]:
        server = RunningServer(**options)
        try:
            yield server
        finally:
            server.close()

    return running


@pytest.fixture(scope="session")
def authority():
    return TestAuthority()
