"""How many tries each of many keys has had: a table of bounded size that cannot be flushed cheaply.

When it is full, a new counter takes the place of one that nobody will miss: first of one that is forgotten
anyway, else of the one with the fewest tries, and of those the one unused for longest. A counter in a pause
is never dropped; should all be in one, the new key is not remembered until a pause has ended.

Counters lie in one queue for each number of tries, so that making room looks at one counter of each queue.
"""

from collections import OrderedDict
from collections.abc import Hashable
from math import ceil
from typing import Generic, TypeVar

FORGOTTEN_AFTER_SECONDS = 86_400

Key = TypeVar("Key", bound=Hashable)


class _Counter:
    __slots__ = ("last", "tries")

    def __init__(self, now: float) -> None:
        self.tries = 0.0
        self.last = now


class TryCounters(Generic[Key]):
    """Counts tries by key.

    Args:
        free_tries: how many there are before the first pause.
        longest_pause_seconds: where pauses stop growing.
        max_counters: how many keys are remembered.
        forgiven_per_second: how many tries are taken back while time goes by.
    """

    __slots__ = ("_by_key", "_forgiven_per_second", "_free", "_longest", "_max", "_queues")

    def __init__(
        self,
        *,
        free_tries: int,
        longest_pause_seconds: int,
        max_counters: int,
        forgiven_per_second: float = 0.0,
    ) -> None:
        self._free = free_tries
        self._longest = longest_pause_seconds
        self._max = max_counters
        self._forgiven_per_second = forgiven_per_second
        self._by_key: dict[Key, _Counter] = {}
        last_queue = free_tries + longest_pause_seconds.bit_length()  # all beyond have the same pause
        self._queues: list[OrderedDict[Key, _Counter]] = [OrderedDict() for _ in range(last_queue + 1)]

    def __len__(self) -> int:
        return len(self._by_key)

    def wait(self, key: Key, now: float) -> float:
        """Return how many seconds ``key`` has to wait; 0 or less for none."""
        counter = self._by_key.get(key)
        if counter is None:
            return 0.0
        counter.last = min(counter.last, now)  # a clock that is put back makes no pause longer
        if now - counter.last > FORGOTTEN_AFTER_SECONDS:
            self.forget(key)
            return 0.0
        return self._pause_ends(counter) - now

    def count(self, key: Key, now: float) -> None:
        """Count a try."""
        counter = self._by_key.get(key)
        if counter is None:
            if len(self._by_key) >= self._max and not self._make_room(now):
                return
            counter = self._by_key[key] = _Counter(now)
        else:
            del self._queue_of(counter)[key]
        forgiven = max(0.0, now - counter.last) * self._forgiven_per_second
        counter.tries = max(0.0, counter.tries - forgiven) + 1
        counter.last = now
        self._queue_of(counter)[key] = counter

    def take_back(self, key: Key) -> None:
        """Make one try undone."""
        counter = self._by_key.get(key)
        if counter is None:
            return
        del self._queue_of(counter)[key]
        counter.tries -= 1
        if counter.tries > 0:
            self._queue_of(counter)[key] = counter
        else:
            del self._by_key[key]

    def forget(self, key: Key) -> None:
        """Forget all tries of ``key``."""
        counter = self._by_key.pop(key, None)
        if counter is not None:
            del self._queue_of(counter)[key]

    def _make_room(self, now: float) -> bool:
        """Drop one counter, and tell whether there was one that may be dropped."""
        dropped = None
        for queue in self._queues:
            if not queue:
                continue
            key, counter = next(iter(queue.items()))
            if now - counter.last > FORGOTTEN_AFTER_SECONDS:
                dropped = key
                break
            if dropped is None and self._pause_ends(counter) <= now:
                dropped = key
        if dropped is None:
            return False
        self.forget(dropped)
        return True

    def _queue_of(self, counter: _Counter) -> OrderedDict[Key, _Counter]:
        return self._queues[min(ceil(counter.tries), len(self._queues) - 1)]

    def _pause_ends(self, counter: _Counter) -> float:
        beyond = ceil(counter.tries) - self._free
        if beyond < 0:
            return counter.last
        return counter.last + float(min(self._longest, 2 ** min(beyond, self._longest.bit_length())))
