"""How long a call's first message is waited for: a caller that sends headers and no more keeps no thread."""

import time
from collections.abc import Iterator
from contextlib import suppress
from threading import Event, Thread

import grpc

MESSAGE_SECONDS = 5.0
_LOOK_SECONDS = 1.0


class Patience:
    """Calls that wait for their first message, and a thread that ends those which wait too long.

    Args:
        seconds: how long is too long.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: dict[int, tuple[float, grpc.ServicerContext]] = {}
        self._closed = Event()
        Thread(target=self._look, name="grpc-patience", daemon=True).start()

    def first(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        """Return the same requests, once the first is there. One that does not come ends the call.

        A caller who goes away has no more requests.
        """
        key = id(context)
        self._waiting[key] = (time.monotonic() + self._seconds, context)
        try:
            return _until_gone(next(requests), requests)
        except (StopIteration, grpc.RpcError):
            return iter(())
        finally:
            del self._waiting[key]

    def close(self) -> None:
        """End the thread."""
        self._closed.set()

    def _look(self) -> None:
        while not self._closed.wait(_LOOK_SECONDS):
            now = time.monotonic()
            for until, context in list(self._waiting.values()):
                if until < now:
                    context.cancel()  # type: ignore[no-untyped-call]


def _until_gone(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    with suppress(grpc.RpcError):
        yield from others
