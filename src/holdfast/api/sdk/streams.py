"""How many may listen at once by either wire, all together and each one; and telling them when it is over."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock

from holdfast.errors import LimitReachedError, UnavailableError
from holdfast.model import Principal

MAX_STREAMS = 32
MAX_STREAMS_OF_ONE = 8
REFUSERS = 4  # threads in which listeners are refused while there are as many as there may be


class Streams:
    """The streams of one node. Guests count as one."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._by_principal: Counter[tuple[str, str]] = Counter()
        self._open: set[Event] = set()
        self._are_ended = False

    @contextmanager
    def listening(self, over: Event) -> Iterator[None]:
        """Have the event of a stream set when the node stops."""
        with self._guard:
            self._open.add(over)
        if self._are_ended:
            over.set()
        try:
            yield
        finally:
            with self._guard:
                self._open.discard(over)

    @contextmanager
    def counted(self, principal: Principal) -> Iterator[None]:
        """Count a stream as the principal's.

        Raises:
            LimitReachedError: there are as many as there may be.
            UnavailableError: it came to its end because the node stops.
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
            if self._are_ended:
                raise UnavailableError("the node is stopping; connect again")
        finally:
            with self._guard:
                self._by_principal[who] -= 1
                if not self._by_principal[who]:
                    del self._by_principal[who]

    def end(self) -> None:
        """Tell every stream that it is over, and those that come."""
        self._are_ended = True
        with self._guard:
            for over in self._open:
                over.set()
