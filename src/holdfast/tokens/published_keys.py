"""The keys that a provider publishes, remembered for the threads that verify tokens.

    age of what is remembered   the key is known                     the key is not known
    up to 10 minutes            used                                 asked for, at most once in 10 seconds
    up to 6 hours               used, and asked for meanwhile        asked for
    older, or nothing           asked for                            asked for

So a new key works with the first token that it signed, a withdrawn one stops within ten minutes, and a
provider that does not answer is no trouble for six hours; after that, and before it has answered for the
first time, nobody can tell whether its tokens are good, which is not the same as that they are not.

However many tokens arrive, the provider is asked once at a time, by a thread of its own. At most two others
wait for the answer, so that a provider that hangs does not hold up the tokens of other issuers.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from holdfast.clock import Clock
from holdfast.errors import HoldfastError
from holdfast.tokens.errors import IssuerUnavailableError, Reason, TokenError
from holdfast.tokens.keys import Algorithm, VerifyingKey

FRESH_SECONDS = 600
STALE_SECONDS = 6 * 3600
PAUSE_SECONDS = 10
PAUSE_AFTER_FAILURE_SECONDS = 2
WAIT_SECONDS = 6.0
LOST_SECONDS = 60  # a question without an answer for so long is given up, and asked anew
MAX_WAITING = 2
MAX_ASKING = 3
MAX_TRIES = 16  # a token without key id may cost one verification for each key

_NEVER = float("-inf")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeySet:
    """What a provider published at one time.

    Attributes:
        keys: that verify its tokens.
        algorithms: that it signs with.
    """

    keys: tuple[VerifyingKey, ...]
    algorithms: frozenset[Algorithm]

    def find(self, algorithm: Algorithm, key_id: str) -> tuple[VerifyingKey, ...]:
        """Return the keys that may have signed a token with this header."""
        if algorithm not in self.algorithms:
            return ()
        fitting = [key for key in self.keys if algorithm in key.algorithms]
        named = [key for key in fitting if not key_id or key.key_id in {"", key_id}]
        return tuple(named[:MAX_TRIES])

    def same_keys(self, other: "KeySet | None") -> bool:
        """Whether exactly the same tokens are good by both."""
        return other is not None and _essence(self) == _essence(other)


class PublishedKeys:
    """The keys of one provider; safe to use from several threads.

    Args:
        fetch: asks the provider; blocks.
        clock: the time.
        spawn: runs a function elsewhere.
    """

    def __init__(
        self,
        fetch: Callable[[], KeySet],
        *,
        clock: Clock,
        spawn: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._spawn = spawn or _in_a_thread
        self._changed: Callable[[], None] = lambda: None
        self._state = threading.Condition()
        self._known: KeySet | None = None
        self._fetched_at = _NEVER
        self._asked_at = _NEVER
        self._failed = False
        self._question = 0  # the number of the question that is waited for; 0 for none
        self._questions = 0
        self._under_way = 0
        self._waiting = 0

    def when_changed(self, forget: Callable[[], None]) -> None:
        """Have ``forget`` called whenever other keys are published: what they verified counts no more."""
        self._changed = forget

    def prefetch(self) -> None:
        """Begin to ask, so that the first token need not wait."""
        with self._state:
            self._ask(self._clock.now())

    def find(self, algorithm: Algorithm, key_id: str) -> tuple[VerifyingKey, ...]:
        """Return the keys that may have signed a token with this header; may wait for the provider.

        Raises:
            TokenError: the provider has no such key, or does not sign like that.
            IssuerUnavailableError: it cannot be told.
        """
        with self._state:
            now = self._clock.now()
            known = self._usable(now)
            found = known.find(algorithm, key_id) if known is not None else ()
            if found:
                if now - self._fetched_at >= FRESH_SECONDS:
                    self._ask(now)
                return found
            if (known is None or algorithm in known.algorithms) and self._ask(now):
                self._wait()
            known = self._usable(self._clock.now())
            found = known.find(algorithm, key_id) if known is not None else ()
            if known is None or (not found and (self._failed or self._question)):
                raise IssuerUnavailableError  # and not that there is no such key, which nobody has said
        if found:
            return found
        if algorithm not in known.algorithms:
            raise TokenError(Reason.UNSUPPORTED_ALGORITHM, "its issuer does not sign with this algorithm")
        raise TokenError(Reason.UNKNOWN_KEY, "its issuer has no such key; the key may have been retired")

    def good_until(self, now: float) -> float:
        """Return until when a token that was just found good need not be looked at again."""
        with self._state:
            soon = max(self._fetched_at + FRESH_SECONDS, now + PAUSE_SECONDS)
            return min(soon, self._fetched_at + STALE_SECONDS)

    def _usable(self, now: float) -> KeySet | None:
        return self._known if now - self._fetched_at < STALE_SECONDS else None

    def _ask(self, now: float) -> bool:
        """Begin to ask unless it is too soon; return whether an answer may be waited for."""
        if self._question and now - self._asked_at < LOST_SECONDS:
            return True
        pause = PAUSE_AFTER_FAILURE_SECONDS if self._failed else PAUSE_SECONDS
        if now - self._asked_at < pause or self._under_way >= MAX_ASKING:
            return False
        self._questions += 1
        self._question, self._asked_at = self._questions, now
        self._under_way += 1
        number = self._question
        try:
            self._spawn(lambda: self._answer(number, now))
        except RuntimeError:  # no thread is to be had
            self._question, self._failed = 0, True
            self._under_way -= 1
            return False
        return True

    def _wait(self) -> None:
        if self._waiting >= MAX_WAITING:
            raise IssuerUnavailableError
        self._waiting += 1
        try:
            self._state.wait_for(lambda: not self._question, timeout=WAIT_SECONDS)
        finally:
            self._waiting -= 1

    def _answer(self, number: int, asked_at: float) -> None:
        fetched: KeySet | None = None
        try:
            fetched = self._fetch()
        except HoldfastError as error:
            log.warning("keys of the token provider: %s", error.message)
        except Exception:
            log.exception("keys of the token provider could not be read")
        changed = False
        with self._state:
            self._under_way -= 1
            if number != self._question:
                return  # given up meanwhile
            self._question, self._failed = 0, fetched is None
            if fetched is not None:
                changed = not fetched.same_keys(self._known)
                self._known, self._fetched_at = fetched, asked_at
            self._state.notify_all()
        if changed:
            self._changed()


def _essence(keys: KeySet) -> tuple[object, ...]:
    return (
        keys.algorithms,
        {(key.key_id, key.fingerprint, key.algorithms) for key in keys.keys},
    )


def _in_a_thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="provider-keys", daemon=True).start()
