"""How a reader of a storage that several nodes change stays as new as its requests demand.

A request must be served from a state at least as new as every change that was answered, by any node, before
the request was sent. Asking storage once per request would do; once per turn of the event loop is enough:
what a turn serves had arrived, at least in part, when the turn began, and so was sent before the question is
asked. The one exception is a request that was pipelined behind another and arrives while the turn asks. Its
client has sent it without waiting for an answer, and the order it may expect is that of its own connection.
"""

from collections.abc import Callable

from holdfast.storage.interface import Storage


class Freshness:
    """Catches up with other nodes at most once per turn.

    Args:
        storage: where their changes are.
        schedule: runs a function in the next turn; at once where there is no event loop.
    """

    def __init__(self, storage: Storage, schedule: Callable[[Callable[[], None]], object]) -> None:
        self._storage = storage
        self._schedule = schedule
        self._is_fresh = False

    def ensure(self) -> None:
        """Catch up, unless this turn has done so.

        Raises:
            StorageUnavailableError: it cannot be told how new the state is.
        """
        if not self._is_fresh:
            self._storage.catch_up()
            self._is_fresh = True
            self._schedule(self.expire)

    def expire(self) -> None:
        """Catch up again before anything else is read: the turn is over, or a change was answered in it."""
        self._is_fresh = False
