"""The keys of a provider, remembered: logins do not wait for it, and live through it being away for a while.

    age of what is remembered   key known                            key unknown
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

from holdfast.tokens.keys import VerifyingKey

FRESH_SECONDS = 600
STALE_SECONDS = 6 * 3600
PAUSE_SECONDS = 10
MAX_PROVIDERS = 256

Keys = tuple[VerifyingKey, ...]
Fetch = Callable[[], Keys]
Run = Callable[[Callable[[], Keys], Callable[[Keys | Exception], None]], None]
Use = Callable[[Keys | Exception], None]

_NEVER = float("-inf")


class ProviderKeys:
    """The keys of one provider.

    Args:
        fetch: asks for them; blocks, so it runs elsewhere.
    """

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._keys: Keys = ()
        self._fetched_at = _NEVER
        self._asked_at = _NEVER
        self._failure: Exception | None = None
        self._waiting: list[Use] = []
        self._is_asking = False

    def get(self, key_id: str, now: float, run: Run, use: Use) -> None:
        """Call ``use`` with the keys, now or later, or with why there are none.

        Args:
            key_id: the key that is looked for; empty if the token names none.
            now: Unix seconds.
            run: does ``fetch`` elsewhere.
            use: is called once.
        """
        age = now - self._fetched_at
        known = not key_id or any(key.key_id in {"", key_id} for key in self._keys)
        rested = now - self._asked_at >= PAUSE_SECONDS
        if age < STALE_SECONDS and known:
            use(self._keys)
            if age >= FRESH_SECONDS and rested:
                self._ask(now, run)
        elif self._is_asking or rested:
            self._waiting.append(use)
            self._ask(now, run)
        else:
            use(self._failure or self._keys)

    def _ask(self, now: float, run: Run) -> None:
        if self._is_asking:
            return
        self._is_asking, self._asked_at = True, now
        run(self._fetch, partial(self._answered, now))

    def _answered(self, asked_at: float, outcome: Keys | Exception) -> None:
        self._is_asking = False
        if isinstance(outcome, Exception):
            self._failure = outcome
        else:
            self._keys, self._fetched_at, self._failure = outcome, asked_at, None
        waiting, self._waiting = self._waiting, []
        for use in waiting:
            use(outcome)


class Providers:
    """The providers of one process, by what they were configured with. The longest unused is forgotten."""

    def __init__(self) -> None:
        self._by_configuration: OrderedDict[tuple[str, bytes], ProviderKeys] = OrderedDict()

    def keys_of(self, mount: str, configuration: bytes, fetch: Fetch) -> ProviderKeys:
        """Return the keys of a provider; another configuration makes another provider.

        Args:
            mount: uuid of the mount.
            configuration: the stored configuration.
            fetch: asks for the keys of exactly that configuration.
        """
        name = (mount, configuration)
        known = self._by_configuration.get(name)
        if known is None:
            known = self._by_configuration[name] = ProviderKeys(fetch)
            if len(self._by_configuration) > MAX_PROVIDERS:
                self._by_configuration.popitem(last=False)
        self._by_configuration.move_to_end(name)
        return known
