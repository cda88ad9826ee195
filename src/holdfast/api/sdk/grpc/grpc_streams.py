"""How many may listen at once, all together and each one; and telling them that it is over."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock

import grpc

from holdfast.errors import LimitReachedError
from holdfast.model import Principal

MAX_STREAMS = 32
MAX_STREAMS_OF_ONE = 8


class Streams:
    """The streams of one node. Guests count as one."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._by_principal: Counter[tuple[str, str]] = Counter()
        self._open: set[Event] = set()
        self.are_ended = False

    @contextmanager
    def listening(self, context: grpc.ServicerContext) -> Iterator[Event]:
        """Give a stream an event that is set when nobody listens any more, or the node stops."""
        over = Event()
        with self._guard:
            self._open.add(over)
        if not context.add_callback(over.set) or self.are_ended:
            over.set()
        try:
            yield over
        finally:
            with self._guard:
                self._open.discard(over)

    @contextmanager
    def counted(self, principal: Principal) -> Iterator[None]:
        """Count a stream as the principal's.

        Raises:
            LimitReachedError: there are as many as there may be.
        """
        who = (principal.issuer, principal.name)
        with self._guard:
            if self._by_principal.total() >= MAX_STREAMS:
                raise LimitReachedError(f"the node serves {MAX_STREAMS} streams already; try again later")
            if self._by_principal[who] >= MAX_STREAMS_OF_ONE:
                raise LimitReachedError(
                    f"expected at most {MAX_STREAMS_OF_ONE} streams of one user at a time"
                )
            self._by_principal[who] += 1
        try:
            yield
        finally:
            with self._guard:
                self._by_principal[who] -= 1
                if not self._by_principal[who]:
                    del self._by_principal[who]

    def end(self) -> None:
        """Tell every stream that it is over, and those that come."""
        self.are_ended = True
        with self._guard:
            for over in self._open:
                over.set()
