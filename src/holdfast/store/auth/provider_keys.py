"""What a provider publishes, remembered: logins do not wait for it, and live through its being away.

    age of what is remembered   enough: the key is known             not enough
    up to 10 minutes            used                                 asked for, at most once in 10 seconds
    up to 6 hours               used, and asked for meanwhile        asked for
    older, or nothing           asked for                            asked for

So a new key works with the first token that it signed, a withdrawn one stops within ten minutes of logins,
and a provider that does not answer is no trouble for six hours. However many log in, it is asked once at a
time. Lives in one process and one event loop; only the asking happens elsewhere.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar

from holdfast.tokens.keys import VerifyingKey

FRESH_SECONDS = 600
STALE_SECONDS = 6 * 3600
PAUSE_SECONDS = 10
MAX_PROVIDERS = 256

T = TypeVar("T")
Keys = tuple[VerifyingKey, ...]
Run = Callable[[Callable[[], Any], Callable[[Any], None]], None]

_NEVER = float("-inf")


class Published(Generic[T]):
    """What one provider publishes.

    Args:
        fetch: asks for it; blocks, so it runs elsewhere.
    """

    def __init__(self, fetch: Callable[[], T]) -> None:
        self._fetch = fetch
        self._known: T | None = None
        self._fetched_at = _NEVER
        self._asked_at = _NEVER
        self._failure: Exception | None = None
        self._waiting: list[Callable[[Any], None]] = []
        self._is_asking = False

    def get(
        self, is_enough: Callable[[T], bool], now: float, run: Run, use: Callable[[T | Exception], None]
    ) -> None:
        """Call ``use`` with it, now or later, or with why there is nothing.

        Args:
            is_enough: whether what is remembered has what is looked for.
            now: Unix seconds.
            run: does ``fetch`` elsewhere.
            use: is called once.
        """
        known, age = self._known, now - self._fetched_at
        rested = now - self._asked_at >= PAUSE_SECONDS
        if known is not None and age < STALE_SECONDS and is_enough(known):
            use(known)
            if age >= FRESH_SECONDS and rested:
                self._ask(now, run)
        elif self._is_asking or rested or (known is None and self._failure is None):
            self._waiting.append(use)
            self._ask(now, run)
        else:
            use(self._failure or known)  # type: ignore[arg-type]  # one of them is there

    def _ask(self, now: float, run: Run) -> None:
        if self._is_asking:
            return
        self._is_asking, self._asked_at = True, now
        run(self._fetch, partial(self._answered, now))

    def _answered(self, asked_at: float, outcome: T | Exception) -> None:
        self._is_asking = False
        if isinstance(outcome, Exception):
            self._failure = outcome
        else:
            self._known, self._fetched_at, self._failure = outcome, asked_at, None
        waiting, self._waiting = self._waiting, []
        for use in waiting:
            use(outcome)


class Providers:
    """The providers of one process, by what they were configured with. The longest unused is forgotten."""

    def __init__(self) -> None:
        self._by_configuration: OrderedDict[tuple[str, bytes], Published[Any]] = OrderedDict()

    def of(self, mount: str, configuration: bytes, fetch: Callable[[], T]) -> Published[T]:
        """Return what a provider publishes; another configuration makes another provider.

        Args:
            mount: uuid of the mount.
            configuration: the stored configuration.
            fetch: asks for what the mount's method needs of exactly that configuration.
        """
        name = (mount, configuration)
        known = self._by_configuration.get(name)
        if known is None:
            known = self._by_configuration[name] = Published(fetch)
            if len(self._by_configuration) > MAX_PROVIDERS:
                self._by_configuration.popitem(last=False)
        self._by_configuration.move_to_end(name)
        return known


def has_key(key_id: str, keys: Keys) -> bool:
    """Whether a key that a token names is there, or one without a name that it could be."""
    return not key_id or any(key.key_id in {"", key_id} for key in keys)
