"""The unseal key in the care of another store: asked for without keeping the writer, who must not wait.

One thread asks, one question at a time. While the other store is away the question is put again every few
seconds; the answer is found at a later turn.

The token that the other store knows us by would end some day, and the next start would stay sealed. So it is
renewed whenever a third of its life is over, for as long as this store runs.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Protocol

from holdfast.clock import Clock
from holdfast.errors import HoldfastError
from holdfast.model import SecretBytes
from holdfast.store.trouble import Trouble

ASK_EVERY_SECONDS = 3.0
RENEW_AT_LEAST_EVERY_SECONDS = 3600.0
RENEW_AGAIN_SECONDS = 60.0

log = logging.getLogger(__name__)


class KeyWrapper(Protocol):
    """Another store that encrypts for us with a key that never leaves it. Each call waits for its answer."""

    def wrap(self, key: SecretBytes) -> str:
        """Return the key encrypted.

        Raises:
            HoldfastError: it does not do that, or does not give it back.
        """
        ...

    def unwrap(self, wrapped: str) -> SecretBytes:
        """Return a key that it encrypted.

        Raises:
            HoldfastError: it does not do that now.
        """
        ...

    def renew(self) -> float:
        """Have our token live on; return for how many seconds it does, infinite for ever.

        Raises:
            HoldfastError: it does not.
        """
        ...


class OtherStore:
    """Asks another store on behalf of one that must not wait.

    Args:
        wrapper: the other store.
        clock: tells when to ask again.
    """

    def __init__(self, wrapper: KeyWrapper, clock: Clock) -> None:
        self._wrapper = wrapper
        self._clock = clock
        self._thread: ThreadPoolExecutor | None = None
        self._asked: Future[SecretBytes] | None = None
        self._renewal: Future[float] | None = None
        self._ask_again_at = 0.0
        self._renew_at = 0.0
        self._renewal_trouble = Trouble(log, "renewing the token of the transit seal")

    def ask(self, wrapped: str, *, wait_seconds: float = 0.0) -> SecretBytes | None:
        """Return the key if the other store has answered by now, ``None`` if it has not.

        Args:
            wrapped: what it encrypted.
            wait_seconds: for how long to wait for the answer.

        Raises:
            HoldfastError: it answered something else, or did not answer.
        """
        now = self._clock.now()
        if self._asked is None:
            if now < self._ask_again_at:
                return None
            self._ask_again_at = now + ASK_EVERY_SECONDS
            self._asked = self._start(self._wrapper.unwrap, wrapped)
        if wait_seconds:
            wait([self._asked], timeout=wait_seconds)
        if not self._asked.done():
            return None
        answer, self._asked = self._asked, None
        return answer.result()

    def forget(self) -> None:
        """Wipe an answer that nobody needs any more, whenever it comes."""
        if self._asked is not None:
            self._asked.add_done_callback(_wipe)
            self._asked = None

    def keep_up(self) -> None:
        """Renew our token if it is time."""
        if self._renewal is not None and self._renewal.done():
            self._note(self._renewal)
            self._renewal = None
        if self._renewal is None and self._clock.now() >= self._renew_at:
            self._renewal = self._start(self._wrapper.renew)

    def _note(self, renewal: "Future[float]") -> None:
        try:
            life = renewal.result()
        except HoldfastError as error:
            self._renewal_trouble.met(error)
            self._renew_at = self._clock.now() + RENEW_AGAIN_SECONDS
        else:
            self._renewal_trouble.over()
            self._renew_at = self._clock.now() + min(life / 3, RENEW_AT_LEAST_EVERY_SECONDS)

    def _start(self, work: Callable[..., Any], *arguments: object) -> Any:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="transit-seal")
        return self._thread.submit(work, *arguments)


def _wipe(answer: "Future[SecretBytes]") -> None:
    if answer.exception() is None:
        answer.result().wipe()
